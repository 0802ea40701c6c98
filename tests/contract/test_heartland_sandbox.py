"""The sandbox is as strict as what is published, asked by bare requests and never by our client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from include.connectors.erps.heartland_retail.sandbox.faults import Fault
from tests.contract.heartland_account import Account, open_account

SOCKS = "SOC-HIK-M"


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    with open_account(tmp_path) as opened:
        yield opened


def item(account: Account, public_id: str = SOCKS) -> int:
    return int(next(i["id"] for i in account.rows("items") if i["public_id"] == public_id))


def place(account: Account, number: int = 0) -> int:
    return int(account.rows("locations")[number]["id"])


def buyer(account: Account) -> tuple[int, int]:
    number = account.people("POST", "customers", {"first_name": "A", "last_name": "B"})
    home = {"first_name": "A", "last_name": "B", "line_1": "1 Elm", "postal_code": "12207"}
    return number, account.people("POST", f"customers/{number}/addresses", home)


def new_order(account: Account, *, lines: int = 1, qty: int = 2, **more: Any) -> int:
    customer, address = buyer(account)
    body = {
        "customer_id": customer,
        "shipping_address_id": address,
        "source_location_id": place(account),
        "station_id": account.rows("stations")[0]["id"],
        "status": "pending",
    } | more
    number = account.people("POST", "sales/orders", body)
    for _ in range(lines):
        own = {"item_id": item(account), "qty": qty, "adjusted_unit_price": 18.5}
        own["ship_from_location_id"] = place(account)
        account.people("POST", f"sales/orders/{number}/lines", own)
    return number


def new_invoice(account: Account, order: int, qty: int = 2, **more: Any) -> int:
    held = account.state.get("sales/orders", order)
    body = {"customer_id": held["customer_id"], "order_id": order, "station_id": held["station_id"]}
    number = account.people("POST", "sales/invoices", body | more)
    own = {"type": "ItemLine", "item_id": item(account), "qty": qty}
    account.people("POST", f"sales/invoices/{number}/lines", own)
    return number


def opened(account: Account, **more: Any) -> int:
    number = new_order(account, **more)
    account.people("PUT", f"sales/orders/{number}", {"status": "open"})
    assert shown(account, number)["status"] == "open"
    return number


def shown(account: Account, order: int) -> dict[str, Any]:
    found: dict[str, Any] = account.ask(f"sales/orders/{order}").json()
    return found


def refused(answer: requests.Response, field: str, status: int = 422) -> None:
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["error"] == "validation_error"
    assert field in body["details"], body


def level(account: Account) -> dict[str, Decimal]:
    rows = account.ask(
        "inventory/values",
        **{
            "group[]": ["item_id", "location_id"],
            "_filter": json.dumps({"item_id": item(account), "location_id": place(account)}),
            "per_page": "all",
        },
    ).json()["results"]
    return {name: rows[0][name] for name in ("qty_on_hand", "qty_committed", "qty_available")}


# -- the protocol ---------------------------------------------------------------------------------


def test_a_wrong_token_is_not_let_in(account: Account) -> None:
    assert account.call("GET", "items", token="other").status_code == 401
    assert requests.get(f"{account.rig.url}/api/items", timeout=5).status_code == 401


def test_what_the_user_may_not_do_is_forbidden(account: Account) -> None:
    account.rig.sandbox.forbidden.add("sales/tickets")
    assert account.ask("sales/tickets").status_code == 403


def test_an_unknown_address_is_not_found(account: Account) -> None:
    for path in ("sale/orders", "sales/orders/1", "sales/orders/1/lines", "items/1/lines/2/3"):
        assert account.ask(path).status_code == 404, path
    assert requests.get(f"{account.rig.url}/v2/items", timeout=5).status_code == 404


def test_a_new_record_answers_201_with_its_place_and_no_body(account: Account) -> None:
    answer = account.call("POST", "customers", json={"first_name": "A", "last_name": "B"})
    assert answer.status_code == 201
    assert answer.content == b""
    path = answer.headers["Location"].partition("/api/")[2]
    assert account.ask(path).json()["first_name"] == "A"


def test_unknown_missing_and_wrong_values_are_refused_by_field(account: Account) -> None:
    for body, field in (
        ({"first_name": "A"}, "last_name"),
        ({"first_name": "A", "last_name": "B", "colour": "red"}, "colour"),
        ({"first_name": "A", "last_name": "B" * 256}, "last_name"),
        ({"first_name": "A", "last_name": 7}, "last_name"),
        ({"first_name": "A", "last_name": "B", "email": "nobody"}, "email"),
        ({"first_name": "A", "last_name": "B", "custom": {"shoe": "9"}}, "custom@shoe"),
    ):
        refused(account.call("POST", "customers", json=body), field)
    assert account.call("POST", "customers", data=b"{").status_code == 400
    assert len(account.rows("customers")) == 1


def test_a_page_has_twenty_rows_unless_asked_otherwise(account: Account) -> None:
    first = account.ask("items").json()
    total = len(account.rows("items"))
    assert (len(first["results"]), first["per_page"], first["total"]) == (20, 20, total)
    assert first["pages"] == -(-total // 20)
    second = account.ask("items", page=2).json()
    assert not {r["id"] for r in first["results"]} & {r["id"] for r in second["results"]}
    assert len(account.ask("items", per_page="all").json()["results"]) == total
    refused(account.ask("items", page=0), "page")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"public_id": "TIP"}, ["TIP"]),
        ({"public_id": {"$in": ["TIP", "FEE"]}}, ["FEE", "TIP"]),
        ({"public_id": {"$like": "gift-%"}}, ["GIFT-CARD-SOLD", "GIFT-WRAP"]),
        ({"$or": [{"public_id": "TIP"}, {"public_id": "DUTY"}]}, ["DUTY", "TIP"]),
        ([{"price": {"$gte": 300}}, {"price": {"$lt": 330}}], ["TNT-2P"]),
        ({"price": {"$gt": 279, "$lte": 329}}, ["TNT-2P"]),
        ({"price": 0, "public_id": {"$nin": ["TIP"], "$like": "T%"}}, []),
        ({"price": {"$eq": 0}, "public_id": {"$like": "f%", "$neq": "FEE"}}, []),
    ],
)
def test_filters(account: Account, asked: Any, expected: list[str]) -> None:
    answer = account.ask("items", _filter=json.dumps(asked), per_page="all")
    assert sorted(r["public_id"] for r in answer.json()["results"]) == expected


def test_filters_on_custom_fields_and_in_brackets(account: Account) -> None:
    own = {"first_name": "A", "last_name": "B", "custom": {"ecommerce_customer_id": "77"}}
    number = account.people("POST", "customers", own)
    asked = json.dumps({"custom@ecommerce_customer_id": "77"})
    found = account.ask("customers", _filter=asked).json()["results"]
    assert [c["id"] for c in found] == [number]
    found = account.ask("customers", **{"_filter[id][$gte]": str(number)}).json()["results"]
    assert [c["id"] for c in found] == [number]


def test_a_record_is_found_by_what_it_holds_now(account: Account) -> None:
    field, key = "custom@ecommerce_customer_id", "ecommerce_customer_id"
    own = {"first_name": "A", "last_name": "B", "custom": {key: "77"}}
    number = account.people("POST", "customers", own)
    account.people("PUT", f"customers/{number}", {"custom": {key: "78"}})
    for value, expected in (("77", []), ("78", [number])):
        for asked in ({field: value}, {field: {"$in": [value, "79"]}}, {field: {"$eq": value}}):
            found = account.ask("customers", _filter=json.dumps(asked)).json()["results"]
            assert [c["id"] for c in found] == expected
    none = account.ask("customers", _filter=json.dumps({field: {"$in": []}})).json()
    assert none["total"] == 0


@pytest.mark.parametrize(
    "asked",
    ['{"colour": 1}', '{"price": {"$near": 1}}', '{"price": {"$in": 1}}', "price=1", '"price"'],
)
def test_a_filter_that_is_not_understood_is_refused_not_ignored(
    account: Account, asked: str
) -> None:
    refused(account.ask("items", _filter=asked), "_filter")


def test_fields_embeds_and_order_of_a_list(account: Account) -> None:
    new_order(account)
    asked = {"_include[]": ["lines", "customer"], "_only[]": ["id", "lines", "customer"]}
    (found,) = account.ask("sales/orders", **asked).json()["results"]
    assert set(found) == {"id", "lines", "customer"}
    assert found["lines"][0]["qty"] == 2
    ids = [r["id"] for r in account.ask("items", **{"sort[]": "id,desc"}).json()["results"]]
    assert ids == sorted(ids, reverse=True)
    refused(account.ask("sales/orders", **{"_include[]": "invoices"}), "_include")
    refused(account.ask("items", **{"sort[]": "colour"}), "sort")
    refused(account.ask("items", colour="red"), "colour")


# -- orders ---------------------------------------------------------------------------------------


def test_only_an_open_order_commits_stock(account: Account) -> None:
    number = new_order(account)
    assert level(account)["qty_committed"] == 0
    account.people("PUT", f"sales/orders/{number}", {"status": "open"})
    assert level(account)["qty_committed"] == 2
    account.people("PUT", f"sales/orders/{number}", {"status": "canceled"})
    assert level(account)["qty_committed"] == 0


def test_an_order_that_does_not_tie_stays_pending_and_says_why(account: Account) -> None:
    number = new_order(account, shipping_address_id=None)
    path = f"sales/orders/{number}"
    kind = account.rows("payment_types")[0]["id"]
    own = {"type": "CustomPayment", "amount": 10, "payment_type_id": kind, "deposit": False}
    account.people("POST", f"{path}/payments", own)
    account.people("POST", f"{path}/discounts", {"description": "All", "amount": 40})
    with account.state.change():
        (field,) = [f for f in account.rows("custom_fields") if f["key"] == "gift_message"]
        account.state.put("custom_fields", field["id"], {"required": True})
    account.people("PUT", path, {"status": "open"})
    found = shown(account, number)
    assert found["status"] == "pending"
    assert {reason["code"] for reason in found["pending_reasons"]} == {
        "payment_mismatch",
        "missing_address",
        "custom_field",
        "wrong_discount",
    }


def test_deposits_may_be_less_than_the_total_and_never_more(account: Account) -> None:
    number = new_order(account)
    path = f"sales/orders/{number}"
    kind = account.rows("payment_types")[0]["id"]
    own = {"type": "CustomPayment", "payment_type_id": kind, "deposit": True}
    account.people("POST", f"{path}/payments", own | {"amount": 10})
    account.people("PUT", path, {"status": "open"})
    assert shown(account, number)["status"] == "open"
    account.people("PUT", path, {"status": "pending"})
    account.people("POST", f"{path}/payments", own | {"amount": 27.01})
    account.people("PUT", path, {"status": "open"})
    assert shown(account, number)["status"] == "pending"


def test_a_refund_on_an_open_order_makes_it_pending(account: Account) -> None:
    number = opened(account)
    kind = account.rows("payment_types")[0]["id"]
    own = {"type": "CustomPayment", "payment_type_id": kind, "amount": -1}
    account.people("POST", f"sales/orders/{number}/payments", own)
    found = shown(account, number)
    assert (found["status"], found["pending_reasons"][0]["code"]) == ("pending", "refund")
    assert level(account)["qty_committed"] == 0


def test_an_order_takes_no_foreign_address_item_or_price(account: Account) -> None:
    number = new_order(account)
    _, foreign = buyer(account)
    path = f"sales/orders/{number}"
    answer = account.call("PUT", path, json={"shipping_address_id": foreign})
    refused(answer, "shipping_address_id")
    good = {"item_id": item(account), "qty": 1}
    for own, field in (
        ({"item_id": 7, "qty": 1}, "item_id"),
        ({"qty": 1}, "item_id"),
        (good | {"qty": 0}, "qty"),
        (good | {"adjusted_unit_price": -1}, "adjusted_unit_price"),
        (good | {"adjusted_unit_price": 1.005}, "adjusted_unit_price"),
        (good | {"ship_from_location_id": 7}, "ship_from_location_id"),
        ({"item_lookup": "NO-SUCH", "qty": 1}, "item_lookup"),
    ):
        refused(account.call("POST", f"{path}/lines", json=own), field)
    account.people("POST", f"{path}/lines", {"item_lookup": SOCKS, "qty": 1})


def test_taxes_and_discounts_are_only_ever_added(account: Account) -> None:
    number = new_order(account)
    path = f"sales/orders/{number}/taxes"
    tax = account.people("POST", path, {"description": "State", "value": 1.5})
    account.people("POST", path, {"description": "State", "value": -1.5})
    assert shown(account, number)["total"] == 37
    changed = account.call("PUT", f"{path}/{tax}", json={"value": 2})
    assert changed.status_code == 405
    assert changed.json()["message"] == "sales/orders/taxes has no PUT"
    assert account.call("DELETE", f"{path}/{tax}").status_code == 405


# -- invoices and tickets -------------------------------------------------------------------------


def test_an_invoice_takes_the_shipping_along_and_closes_the_order(account: Account) -> None:
    number = opened(account, shipping_charge=5)
    before = level(account)
    bill = new_invoice(account, number)
    lines = account.ask(f"sales/invoices/{bill}/lines").json()["results"]
    assert {x["type"]: x.get("value") for x in lines} == {"ShippingLine": 5, "ItemLine": None}
    assert level(account) == before
    account.people("PUT", f"sales/invoices/{bill}", {"status": "complete"})
    assert shown(account, number)["status"] == "closed"
    assert level(account) == {
        "qty_on_hand": before["qty_on_hand"] - 2,
        "qty_committed": 0,
        "qty_available": before["qty_available"],
    }


def test_only_open_orders_are_invoiced_and_only_for_what_is_left(account: Account) -> None:
    number = new_order(account)
    held = account.state.get("sales/orders", number)
    body = {
        "customer_id": held["customer_id"],
        "order_id": number,
        "station_id": held["station_id"],
    }
    refused(account.call("POST", "sales/invoices", json=body), "order_id")
    account.people("PUT", f"sales/orders/{number}", {"status": "open"})
    bill = new_invoice(account, number, qty=1)
    path = f"sales/invoices/{bill}/lines"
    good = {"type": "ItemLine", "item_id": item(account)}
    refused(account.call("POST", path, json=good | {"qty": 2}), "qty")
    refused(account.call("POST", path, json=good | {"qty": 1, "unit_price": 9}), "qty")
    account.people("PUT", f"sales/invoices/{bill}", {"status": "complete"})
    assert shown(account, number)["status"] == "open"
    refused(account.call("POST", path, json=good | {"qty": 1}), "invoice_id")


def test_an_invoice_does_not_complete_without_goods_or_with_another_total(
    account: Account,
) -> None:
    number = opened(account)
    bill = new_invoice(account, number, total=36)
    done = {"status": "complete"}
    refused(account.call("PUT", f"sales/invoices/{bill}", json=done), "total")
    account.people("PUT", f"sales/invoices/{bill}", {"total": 37})
    account.rig.set_stock(SOCKS, Decimal(1))
    refused(account.call("PUT", f"sales/invoices/{bill}", json=done), "lines")
    assert account.ask(f"sales/invoices/{bill}").json()["status"] == "pending"
    assert level(account)["qty_on_hand"] == 1


def test_what_is_invoiced_is_not_edited_and_a_closed_order_not_at_all(account: Account) -> None:
    number = opened(account)
    bill = new_invoice(account, number, qty=1)
    path = f"sales/orders/{number}"
    (line,) = account.ask(f"{path}/lines").json()["results"]
    own = f"{path}/lines/{line['id']}"
    refused(account.call("PUT", own, json={"adjusted_unit_price": 9}), "qty")
    refused(account.call("DELETE", own), "id")
    refused(account.call("PUT", path, json={"status": "canceled"}), "status")
    account.people("PUT", f"sales/invoices/{bill}", {"status": "complete"})
    account.people("PUT", own, {"qty": 1})
    assert shown(account, number)["status"] == "closed"
    refused(account.call("PUT", own, json={"qty": 2}), "order_id")
    refused(account.call("PUT", path, json={"shipping_charge": 1}), "status")


def ticket(account: Account, parent: int, **more: Any) -> dict[str, Any]:
    bill = account.state.get("sales/invoices", parent)
    kind = account.rows("payment_types")[0]["id"]
    return {
        "type": "Return",
        "parent_transaction_id": parent,
        "customer_id": bill["customer_id"],
        "station_id": bill["station_id"],
        "status": "complete",
        "item_lines": [
            {"type": "ItemLine", "item_id": item(account), "qty": -1, "unit_price": 18.5}
        ],
        "tax_lines": [{"type": "TaxLine", "description": "State", "value": -1}],
        "payments": [{"type": "CustomPayment", "amount": -19.5, "payment_type_id": kind}],
    } | more


def test_a_return_balances_and_brings_stock_back_no_more_than_was_sold(account: Account) -> None:
    number = opened(account)
    bill = new_invoice(account, number)
    refused(
        account.call("POST", "sales/tickets", json=ticket(account, bill)), "parent_transaction_id"
    )
    account.people("PUT", f"sales/invoices/{bill}", {"status": "complete"})
    before = level(account)["qty_on_hand"]
    unbalanced = account.call("POST", "sales/tickets", json=ticket(account, bill, payments=[]))
    assert unbalanced.status_code == 422
    assert unbalanced.json()["error"] == "payment_error"
    account.people("POST", "sales/tickets", ticket(account, bill))
    account.people("POST", "sales/tickets", ticket(account, bill, affect_inventory=False))
    assert level(account)["qty_on_hand"] == before + 1
    refused(account.call("POST", "sales/tickets", json=ticket(account, bill)), "qty")
    assert len(account.rows("sales/tickets")) == 2


def test_the_trail_of_stock_says_what_moved(account: Account) -> None:
    start = account.rows("inventory/transactions")[-1]["id"]
    number = opened(account)
    bill = new_invoice(account, number)
    account.people("PUT", f"sales/invoices/{bill}", {"status": "complete"})
    asked = {"id": {"$gt": start}, "delta_qty_committed": {"$neq": None}}
    rows = account.ask("inventory/transactions", _filter=json.dumps(asked)).json()["results"]
    assert [row["delta_qty_committed"] for row in rows] == [2, -2]


# -- faults and restarts --------------------------------------------------------------------------


def test_faults_strike_writes_after_those_that_were_let_through(account: Account) -> None:
    faults = account.rig.sandbox.faults
    body = {"first_name": "A", "last_name": "B"}
    faults.add(Fault("http_429", after=1))
    assert account.ask("customers").ok
    assert account.call("POST", "customers", json=body).status_code == 201
    throttled = account.call("POST", "customers", json=body)
    assert (throttled.status_code, throttled.headers["Retry-After"]) == (429, "0.2")
    for kind, made in (("drop_before", 0), ("drop_after", 1), ("cut_body", 1)):
        before = len(account.rows("customers"))
        faults.add(Fault(kind))
        try:
            answer = account.call("POST", "customers", json=body)
            assert kind == "cut_body", answer.status_code
        except requests.RequestException:
            assert len(account.rows("customers")) == before + made
    account.rig.sandbox.hang_seconds = 0.5
    faults.add(Fault("timeout_after"))
    with pytest.raises(requests.Timeout):
        account.call("POST", "customers", json=body, timeout=0.1)
    with pytest.raises(ValueError, match="no fault"):
        Fault("hail")


def test_what_was_refused_left_nothing_behind(account: Account) -> None:
    before = account.rows("sales/tickets"), account.rows("sales/tickets/lines")
    number = opened(account)
    bill = new_invoice(account, number)
    account.people("PUT", f"sales/invoices/{bill}", {"status": "complete"})
    account.call("POST", "sales/tickets", json=ticket(account, bill, payments=[]))
    assert (account.rows("sales/tickets"), account.rows("sales/tickets/lines")) == before


def test_an_account_is_the_same_after_a_restart(tmp_path: Path) -> None:
    with open_account(tmp_path) as account:
        number = opened(account, shipping_charge=5)
        bill = new_invoice(account, number, qty=1)
        account.people("PUT", f"sales/invoices/{bill}", {"status": "complete"})
        before = shown(account, number), level(account), account.booked()
    with open_account(tmp_path) as account:
        assert (shown(account, number), level(account), account.booked()) == before
        assert new_order(account) > bill
