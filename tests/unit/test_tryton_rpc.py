"""JSON-RPC to Tryton: what each answer means, and what is sent again."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import requests

from include.connectors.erps.tryton.answers import TrytonWarning
from include.connectors.erps.tryton.rpc import TrytonClient, decode, encode
from include.domain.errors import (
    AmbiguousOutcome,
    ConfigurationError,
    RateLimited,
    Refused,
    RemoteUnavailable,
)
from include.transport.connection import ConnectionFacts, HttpRemote

CONTEXT = {"company": 1, "language": "en"}
Answer = Callable[[str, list[Any]], Any]


class Server:
    """A Tryton server that answers as told; stands where the session would be."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[str, list[Any]]] = []
        self.tickets: list[str | None] = []
        self.logins = 0

    def post(self, url: str, *, data: bytes, headers: dict[str, str], timeout: float) -> Any:
        asked = json.loads(data, object_hook=decode)
        if asked["method"] == "common.db.login":
            self.logins += 1
            return _answer([7, f"session-{self.logins}", None])
        if asked["method"].endswith("get_preferences"):
            return _answer(CONTEXT)
        self.calls.append((asked["method"], asked["params"]))
        self.tickets.append(headers.get("Authorization"))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def _answer(result: Any = None, *, error: Any = None, status: int = 200) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    body = {"id": 0, "error": error} if error else {"id": 0, "result": result}
    response._content = json.dumps(body, default=encode).encode()
    return response


def status(code: int, **headers: str) -> requests.Response:
    response = _answer(status=code)
    response.headers.update(headers)
    return response


def client(server: Any, *, acknowledged: tuple[str, ...] = (), attempts: int = 3) -> TrytonClient:
    facts = ConnectionFacts("erp", "http://tryton.example", "web", "secret")  # type: ignore[arg-type]
    remote = HttpRemote(server, facts, lambda: datetime.now(UTC), lambda _seconds: None)
    return TrytonClient(remote, "books", acknowledged=acknowledged, attempts=attempts)


def test_values_keep_their_type_on_the_way_there_and_back() -> None:
    values = {"amount": Decimal("10.10"), "on": date(2026, 11, 18)}
    server = Server(_answer([values]))
    found = client(server).read("sale.sale", [1], ["amount", "on"])
    assert found == [values]
    assert json.loads(json.dumps(values, default=encode), object_hook=decode) == values


def test_a_naive_time_is_not_sent() -> None:
    with pytest.raises(TypeError, match="send a date"):
        encode(datetime.now(UTC))


def test_every_call_goes_with_the_users_preferences_and_one_login() -> None:
    server = Server(_answer([]), _answer([5]))
    own = client(server)
    own.read("sale.sale", [1], ["id"], context={"locations": [3]})
    own.create("sale.sale", [{}])
    assert server.logins == 1
    assert server.calls[0][1][-1] == CONTEXT | {"locations": [3]}
    assert server.calls[1][1][-1] == CONTEXT


def test_a_long_list_is_read_page_by_page() -> None:
    first = [{"id": number} for number in range(1000)]
    server = Server(_answer(first), _answer([{"id": 1000}]))
    assert len(client(server).search("party.party", [], ["id"])) == 1001
    assert [params[1] for _, params in server.calls] == [0, 1000]


def test_a_session_that_is_over_is_renewed_once() -> None:
    server = Server(status(401), _answer([5]))
    assert client(server).create("sale.sale", [{}]) == [5]
    assert server.logins == 2
    assert server.tickets[0] != server.tickets[1]
    server = Server(status(401), status(401))
    with pytest.raises(ConfigurationError, match="does not know the session"):
        client(server).create("sale.sale", [{}])


class Stranger(Server):
    """A server that does not know the login."""

    def post(self, url: str, **more: Any) -> Any:
        return status(401)


def test_a_login_that_is_refused_names_the_login() -> None:
    with pytest.raises(ConfigurationError, match="login or its password"):
        client(Stranger()).search("party.party", [], ["id"])


def test_a_refusal_carries_trytons_words() -> None:
    server = Server(_answer(error=["UserError", ["The period is closed.", "Open it.", None]]))
    with pytest.raises(Refused, match=r"The period is closed\. Open it\.") as refused:
        client(server).press("account.invoice", "validate_invoice", [1])
    assert refused.value.remote == "The period is closed. Open it."


def test_a_warning_on_the_list_is_acknowledged_by_its_name() -> None:
    warned = _answer(error=["UserWarning", ["d41d8.invoice_taxes", "Taxes differ.", ""]])
    server = Server(warned, _answer([1]), _answer(None))
    client(server, acknowledged=("invoice_taxes",)).press("account.invoice", "cancel", [1])
    methods = [method for method, _ in server.calls]
    assert methods == [
        "model.account.invoice.cancel",
        "model.res.user.warning.skip",
        "model.account.invoice.cancel",
    ]
    assert server.calls[1][1][:2] == ["d41d8.invoice_taxes", False]


def test_a_warning_that_is_not_on_the_list_is_refused_with_its_words() -> None:
    warned = _answer(error=["UserWarning", ["d41d8.invoice_date_future", "In the future.", ""]])
    with pytest.raises(TrytonWarning, match=r"In the future\.") as refused:
        client(Server(warned)).press("account.invoice", "cancel", [1])
    assert refused.value.kind == "invoice_date_future"


def test_a_warning_that_does_not_go_away_is_given_up() -> None:
    warned = _answer(error=["UserWarning", ["d41d8.loop", "Again.", ""]])
    server = Server(*[warned, _answer([1])] * 8)
    with pytest.raises(Refused, match="keeps warning"):
        client(server, acknowledged=("loop",)).press("account.invoice", "cancel", [1])


@pytest.mark.parametrize(
    "busy",
    [
        _answer(error=["ConcurrencyException", "Records were modified"]),
        _answer(error=["could not obtain lock on row in relation", "traceback"]),
        status(503),
        status(429, **{"Retry-After": "1"}),
    ],
)
def test_what_was_too_busy_is_tried_again_also_when_it_writes(busy: requests.Response) -> None:
    server = Server(busy, _answer([5]))
    assert client(server).create("sale.sale", [{}]) == [5]
    assert len(server.calls) == 2


def test_what_stays_busy_is_for_later() -> None:
    with pytest.raises(RateLimited):
        client(Server(*[status(429)] * 3)).create("sale.sale", [{}])


@pytest.mark.parametrize(
    "cut", [requests.exceptions.ReadTimeout(), requests.exceptions.ConnectionError(), status(504)]
)
def test_a_writing_call_that_broke_off_is_never_sent_again(cut: Any) -> None:
    server = Server(cut)
    with pytest.raises(AmbiguousOutcome):
        client(server).create("sale.sale", [{}])
    assert len(server.calls) == 1


def test_an_answer_that_is_cut_off_is_no_answer() -> None:
    cut = _answer([5])
    cut._content = cut.content[:9]
    with pytest.raises(AmbiguousOutcome):
        client(Server(cut)).create("sale.sale", [{}])


def test_a_reading_call_that_broke_off_is_tried_again() -> None:
    server = Server(requests.exceptions.ReadTimeout(), _answer([]))
    assert client(server).search("party.party", [], ["id"]) == []
    with pytest.raises(RemoteUnavailable) as gone:
        client(Server(*[requests.exceptions.ReadTimeout()] * 3)).read("a.b", [1], ["id"])
    assert not isinstance(gone.value, AmbiguousOutcome)


def test_a_connection_that_was_refused_carried_no_call() -> None:
    refused = requests.exceptions.ConnectionError()
    refused.__cause__ = ConnectionRefusedError()
    server = Server(refused, _answer([5]))
    assert client(server).create("sale.sale", [{}]) == [5]


@pytest.mark.parametrize(
    ("code", "words"), [(403, "may not call"), (404, "no database 'books'"), (301, "redirects")]
)
def test_what_a_person_has_to_set_right_is_said(code: int, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        client(Server(status(code))).search("party.party", [], ["id"])


def test_a_server_that_fails_holds_the_document_with_what_it_said() -> None:
    server = Server(_answer(error=["'NoneType' object has no attribute 'id'", "traceback"]))
    with pytest.raises(Refused, match=r"failed in model\.sale\.sale\.create") as refused:
        client(server).create("sale.sale", [{}])
    assert refused.value.rule == "server_error"
