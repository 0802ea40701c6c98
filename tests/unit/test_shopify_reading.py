"""Pages of whole orders, read without the store: what is odd in any way is left to the pull."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest

from include.connectors.stores.shopify.access import Access
from include.connectors.stores.shopify.normalise import normalise
from include.connectors.stores.shopify.reading import read
from include.ports.store import RawOrder
from tests.unit.shopify_orders import connection, line, order, refund

ID = "gid://shopify/Order/1001"


def usual(**changed: Any) -> dict[str, Any]:
    counts = {"transactionsCount": {"count": 1}, "fulfillmentsCount": {"count": 0}}
    lists = {"fulfillments": [], "localizedFields": connection([])}
    return {**order([line(1, "20.00")], "20.00"), **counts, **lists, **changed}


def read_one(document: Any, access: Access | None = None, **spelling: Any) -> RawOrder | None:
    body = json.dumps({"nodes": [document]}, **{"separators": (",", ":"), **spelling})
    (found,) = read(body.encode(), [ID], {"access": asdict(access or Access())})
    return found


def with_cursor(cursor: str | None) -> dict[str, Any]:
    document = usual()
    document["lineItems"]["pageInfo"]["endCursor"] = cursor
    return document


@pytest.mark.parametrize("spelling", [{}, {"separators": (", ", ": ")}])
def test_a_document_is_kept_as_it_came_without_its_cursors(spelling: dict[str, Any]) -> None:
    first, second, none = (
        read_one(with_cursor(cursor), **spelling) for cursor in ("eyJsYXN0", "b3RoZXI", None)
    )
    assert first is not None
    assert second is not None
    assert none is not None
    assert first.body == second.body
    assert json.loads(first.body) == json.loads(none.body) == usual()
    assert normalise("shop", first.document) == normalise("shop", json.loads(first.body))


def test_words_that_look_like_a_cursor_stay_what_they_are() -> None:
    said = 'my "endCursor":"x" and \\"endCursor\\": "y"'
    document = usual(poNumber=said)
    found = read_one(document)
    assert found is not None
    assert json.loads(found.body)["poNumber"] == said


@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        usual(id="gid://shopify/Order/1002"),
        usual(name=None),
        usual(test="no"),
        usual(fault="order #1001: it was not given"),
        usual(transactionsCount={"count": 2}),
        {key: value for key, value in usual().items() if key != "fulfillmentsCount"},
        {key: value for key, value in usual().items() if key != "shippingLines"},
        usual(refunds=[refund(1, "5.00", transactions=None)]),
        usual(refunds=[refund(number, "0") for number in range(250)]),
        with_cursor('odd "quoted" cursor'),
    ],
)
def test_what_is_not_whole_or_odd_in_any_way_is_left_to_the_pull(document: Any) -> None:
    assert read_one(document) is None


@pytest.mark.parametrize("field", ["poNumber", "nobodyReadsThis"])
@pytest.mark.parametrize(
    "value", [b'"\xff\xfe"', b'"\\ud800"', b'"a\x01b"', b'"\\q"', b"NaN", b"[" * 5000 + b"]" * 5000]
)
def test_bytes_that_are_no_json_text_are_left_to_the_pull(field: str, value: bytes) -> None:
    whole = json.dumps(usual(**{field: "MARK"}), separators=(",", ":")).encode()
    bad = whole.replace(b'"MARK"', value)
    good = whole.replace(b'"MARK"', b'"\\ud83d\\ude00"')
    access = {"access": asdict(Access())}
    page = b'{"nodes":[' + bad + b"," + good + b"]}"
    first, second = read(page, [ID, ID], access)
    assert first is None
    # A page that is no JSON falls apart nowhere in particular; bad text is one order's own.
    assert (second is not None) is (b"\xff" in value)
    (alone,) = read(b'{"nodes":[' + good + b"]}", [ID], access)
    assert alone is not None


def test_a_page_with_more_behind_it_is_left_to_the_pull() -> None:
    for field in ("lineItems", "shippingLines", "localizedFields"):
        document = usual()
        document[field]["pageInfo"]["hasNextPage"] = True
        assert read_one(document) is None


def test_what_the_app_may_not_read_is_null_in_what_is_kept() -> None:
    document = usual()
    for field in ("email", "phone"):
        document.pop(field, None)
    found = read_one(document, Access(personal=False, terms=False))
    assert found is not None
    kept = json.loads(found.body)
    assert kept["email"] is None
    assert kept["paymentTerms"] is None


def test_an_answer_with_another_number_of_records_is_left_to_the_pull() -> None:
    body = json.dumps({"nodes": [usual()]}).encode()
    assert list(read(body, [ID, ID], {"access": asdict(Access())})) == [None, None]
    assert list(read(b"no json", [ID], {"access": asdict(Access())})) == [None]
