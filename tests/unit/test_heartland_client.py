"""Calls to Heartland: what each answer means, what is tried again, and what never is."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from include.connectors.erps.heartland_retail.client import HeartlandClient, NotFound
from include.connectors.erps.heartland_retail.settings import HeartlandRetailSettings
from include.domain.errors import (
    AmbiguousOutcome,
    ConfigurationError,
    RateLimited,
    Refused,
    RemoteUnavailable,
)
from include.transport.connection import ConnectionFacts, HttpRemote

NOW = datetime(2026, 11, 21, tzinfo=UTC)
TOKEN = "a-token-that-nobody-may-read"


def answer(status: int = 200, body: Any = None, **headers: str) -> requests.Response:
    made = requests.Response()
    made.status_code = status
    text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
    made._content = text.encode()
    made.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return made


class Line:
    """A session that answers in turn, or breaks; keeps what it was asked."""

    def __init__(self, *answers: requests.Response | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    def request(self, method: str, url: str, **more: Any) -> requests.Response:
        self.asked.append({"method": method, "url": url, **more})
        found = self.answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> datetime:
        return NOW + timedelta(seconds=sum(self.slept))

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def client(
    line: Line, time: Time | None = None, base: str = "https://x.example", **settings: Any
) -> HeartlandClient:
    time = time or Time()
    facts = ConnectionFacts("heartland", base, password=TOKEN)  # type: ignore[arg-type]
    own = HeartlandRetailSettings(station_id=1, default_location="L", **settings)
    return HeartlandClient(HttpRemote(line, facts, time.now, time.sleep), own)  # type: ignore[arg-type]


def page(*rows: Any, total: int | None = None, pages: int = 1) -> requests.Response:
    return answer(
        200, {"total": len(rows) if total is None else total, "pages": pages, "results": rows}
    )


def test_the_token_goes_with_every_call_and_a_limit_of_time() -> None:
    line = Line(answer(200, {"id": 1}))
    client(line).get("items/1")
    (asked,) = line.asked
    assert asked["headers"]["Authorization"] == f"Bearer {TOKEN}"
    assert asked["timeout"] == (5.0, 30.0)
    assert asked["url"] == "https://x.example/api/items/1"


def test_a_base_url_may_end_in_api() -> None:
    line = Line(answer(200, {"id": 1}))
    client(line, base="https://x.example/api/").get("items/1")
    assert line.asked[0]["url"] == "https://x.example/api/items/1"


def test_a_list_is_read_to_its_last_page() -> None:
    line = Line(page({"id": 1}, {"id": 2}, total=3, pages=2), page({"id": 3}, total=3, pages=2))
    where = {"id": {"$gt": 0}}
    rows = list(client(line, page_size=2).rows("items", where=where, include=("a",), only=("id",)))
    assert [row["id"] for row in rows] == [1, 2, 3]
    first, second = (dict(asked["params"]) for asked in line.asked)
    assert (first["page"], second["page"]) == ("1", "2")
    assert json.loads(first["_filter"]) == where
    assert (first["per_page"], first["_include[]"], first["_only[]"]) == ("2", "a", "id")


def test_a_list_that_is_shorter_than_it_says_is_not_believed() -> None:
    line = Line(page({"id": 1}, total=2))
    with pytest.raises(RemoteUnavailable, match="2 rows and showed 1"):
        list(client(line).rows("items"))


def test_a_new_record_is_where_its_location_says() -> None:
    line = Line(answer(201, Location="https://x.example/api/sales/orders/100042"))
    assert client(line).create("sales/orders", {"status": "pending"}) == 100042


@pytest.mark.parametrize(
    "made", [answer(201), answer(200, {"id": 1}), answer(201, Location="/x/y")]
)
def test_a_record_that_was_made_nobody_says_where_is_looked_up(made: requests.Response) -> None:
    with pytest.raises(AmbiguousOutcome):
        client(Line(made)).create("sales/orders", {})


Call = Callable[[HeartlandClient], object]


def read(c: HeartlandClient) -> object:
    return c.get("sales/orders/7")


def write(c: HeartlandClient) -> object:
    return c.update("sales/orders/7", {"status": "open"})


@pytest.mark.parametrize("call", [read, write])
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, ConfigurationError),
        (403, ConfigurationError),
        (302, ConfigurationError),
        (400, ConfigurationError),
        (404, NotFound),
        (409, Refused),
        (422, Refused),
    ],
)
def test_what_a_status_means_is_the_same_for_reads_and_writes(
    call: Call, status: int, error: type[Exception]
) -> None:
    line = Line(answer(status, {"error": "x", "message": "y"}))
    with pytest.raises(error):
        call(client(line))
    assert len(line.asked) == 1


def test_an_address_that_does_not_exist_is_a_matter_of_the_connection() -> None:
    with pytest.raises(ConfigurationError):
        client(Line(answer(404))).all_rows("items", [])


def test_a_refusal_carries_field_and_words() -> None:
    body = {
        "error": "validation_error",
        "message": "Validation failed",
        "details": {"qty": ["must be greater than 0", "is odd"], "item_id": ["can't be blank"]},
    }
    with pytest.raises(Refused) as caught:
        client(Line(answer(422, body))).create("sales/orders/7/lines", {"qty": 0})
    error = caught.value
    assert (error.rule, error.field) == ("validation_error", "qty")
    assert error.remote == "qty must be greater than 0, is odd; item_id can't be blank"
    assert "sales/orders/lines" in str(error)


def test_a_refusal_that_is_no_json_still_refuses() -> None:
    with pytest.raises(Refused, match="no reason given"):
        client(Line(answer(422, "<html>"))).update("sales/orders/7", {})


def test_a_read_is_tried_again_until_it_answers() -> None:
    time = Time()
    broken = requests.ConnectionError("gone")
    line = Line(answer(503), answer(500), broken, answer(200, {"id": 7}))
    assert read(client(line, time)) == {"id": 7}
    assert len(time.slept) == 3


def test_a_read_is_not_tried_for_ever() -> None:
    line = Line(*[answer(502)] * 3)
    with pytest.raises(RemoteUnavailable):
        read(client(line, attempts=3))
    assert line.answers == []


@pytest.mark.parametrize(
    "broken",
    [
        requests.ReadTimeout("late"),
        requests.ConnectionError("reset"),
        requests.exceptions.ChunkedEncodingError("cut"),
        answer(500),
        answer(502),
        answer(504),
    ],
)
def test_a_write_that_broke_off_is_never_sent_again(broken: Any) -> None:
    line = Line(broken)
    with pytest.raises(AmbiguousOutcome):
        write(client(line))
    assert len(line.asked) == 1


@pytest.mark.parametrize("away", [requests.ConnectTimeout("no"), answer(503)])
def test_a_write_that_never_got_there_is_simply_not_available(away: Any) -> None:
    with pytest.raises(RemoteUnavailable) as caught:
        write(client(Line(away)))
    assert not isinstance(caught.value, AmbiguousOutcome)


def test_a_throttled_write_did_nothing_and_waits_as_long_as_it_is_told() -> None:
    time = Time()
    line = Line(answer(429, Retry_After="7"), answer(429, Retry_After="2"), answer(200, {}))
    write(client(line, time))
    assert len(line.asked) == 3
    assert 7 <= time.slept[0] < 8
    assert 2 <= time.slept[1] < 3


def test_patience_with_throttling_ends() -> None:
    time = Time()
    line = Line(answer(429, Retry_After="8"), answer(429, Retry_After="8"))
    with pytest.raises(RateLimited):
        write(client(line, time, throttle_patience_seconds=10))
    assert len(time.slept) == 1


def test_calls_are_paced_where_the_channel_says_so() -> None:
    time = Time()
    line = Line(*[answer(200, {"id": 1}) for _ in range(3)])
    own = client(line, time, calls_per_second=2)
    for _ in range(3):
        read(own)
    assert time.slept == [0.5, 0.5]


def test_a_record_that_is_gone_needs_no_removing() -> None:
    client(Line(answer(404))).delete("sales/orders/7/lines/8")


def test_amounts_travel_as_exact_numbers_and_come_back_as_decimals() -> None:
    line = Line(answer(200, '{"total": 19.99}'))
    got = client(line).get("sales/orders/7")
    assert str(got["total"]) == "19.99"


@pytest.mark.parametrize(
    "bad", [answer(401), answer(422, {"error": TOKEN and "x"}), answer(500), answer(302)]
)
def test_no_message_holds_the_token(bad: requests.Response) -> None:
    with pytest.raises((ConfigurationError, Refused, RemoteUnavailable)) as caught:
        write(client(Line(bad)))
    assert TOKEN not in str(caught.value)
