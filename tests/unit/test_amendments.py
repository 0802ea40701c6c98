"""What people fill in stands beside the store's word, and never against it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from include.domain.codec import from_document, to_document
from include.staging.amendments import AMENDABLE, empty_fields, fill_in
from tests.unit.orders_factory import order as an_order

WORDS = st.text("abcdefgh", min_size=1, max_size=8)
FILLED = st.dictionaries(st.sampled_from(AMENDABLE), WORDS, max_size=6)
PARTS = ("customer", "shipping_address", "billing_address")


def document_of(**changes: object) -> dict[str, object]:
    return {**to_document(an_order()), **changes}


@given(FILLED)
def test_the_stores_word_is_never_replaced_and_money_never_moves(filled: dict[str, str]) -> None:
    document = document_of(customer={"customer_id_store": "7", "name": "Ada"})
    whole = fill_in(document, filled)
    assert whole["customer"]["name"] == "Ada"
    assert whole["customer"]["customer_id_store"] == "7"
    untouched = {*document, *whole} - {*PARTS, "purchase_order_number"}
    assert {name: whole.get(name) for name in untouched} == {
        name: document.get(name) for name in untouched
    }
    assert from_document(whole).stated == from_document(document).stated


@given(FILLED)
def test_what_was_filled_in_is_no_longer_empty_and_filling_in_twice_changes_nothing(
    filled: dict[str, str],
) -> None:
    document = document_of(customer={"customer_id_store": "7"})
    before, whole = empty_fields(document), fill_in(document, filled)
    assert set(empty_fields(whole)) == set(before) - set(filled)
    assert fill_in(whole, dict.fromkeys(filled, "other")) == whole


def test_nobody_is_made_up_and_nobody_forgotten_is_brought_back() -> None:
    guest = document_of()
    guest.pop("customer", None)
    assert not any(path.startswith("customer.") for path in empty_fields(guest))
    assert "customer" not in fill_in(guest, {"customer.email": "a@b.example"})
    forgotten = document_of(customer={"customer_id_store": "7"}, pii_state="redacted")
    assert empty_fields(forgotten) == []
    assert fill_in(forgotten, {"customer.email": "a@b.example"}) == forgotten


def test_an_order_with_what_was_filled_in_reads_back_as_an_order() -> None:
    whole = fill_in(document_of(), {"shipping_address.city": "Portland"})
    read = from_document(whole)
    assert read.shipping_address is not None
    assert read.shipping_address.city == "Portland"
