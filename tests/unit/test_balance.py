"""The parts of an order are held against what the store states, to the cent and to the unit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from include.domain.balance import UNITS_RULE, require_balance, require_units, taxes_of, ties
from include.domain.errors import ContractDrift, Unbalanced
from include.domain.money import NOTHING, Amount
from include.domain.order import (
    Charge,
    ChargeKind,
    Discount,
    LineKind,
    Order,
    OrderLine,
    StatedTotals,
    TaxLine,
    Tender,
    TenderKind,
    TenderStatus,
)

AT = datetime(2026, 11, 18, 10, tzinfo=UTC)


def one(amount: str) -> Amount:
    return Amount(Decimal(amount), Decimal(amount))


def tender(number: int, kind: TenderKind, amount: str, **extra: object) -> Tender:
    values = {"status": TenderStatus.SUCCESS, **extra}
    return Tender(
        tender_id=f"t{number}",
        gateway="card",
        kind=kind,
        amount=one(amount),
        processed_at=AT,
        **values,  # type: ignore[arg-type]
    )


def sold(tax: str = "1.80") -> OrderLine:
    return OrderLine(
        line_id="1",
        kind=LineKind.GOODS,
        sku="A",
        title="A",
        quantity=2,
        current_quantity=2,
        unit_price=one("10.00"),
        current_price=one("18.00"),
        discounts=(Discount(one("2.00")),),
        taxes=(TaxLine("VAT", one(tax), one(tax)),),
    )


def shipped() -> Charge:
    return Charge("s", ChargeKind.SHIPPING, "Standard", one("5.00"), one("5.00"))


def an_order(**changes: object) -> Order:
    stated = StatedTotals(
        original_total=one("24.80"),
        current_total=one("24.80"),
        current_subtotal=one("18.00"),
        current_tax=one("1.80"),
        current_shipping=one("5.00"),
        received=one("24.80"),
    )
    base = Order(
        channel="shop",
        order_id_store="1",
        number="#1",
        placed_at=AT,
        updated_at=AT,
        currency="EUR",
        presentment_currency="EUR",
        taxes_included=False,
        stated=stated,
        lines=(sold(),),
        charges=(shipped(),),
        tenders=(tender(1, TenderKind.SALE, "24.80"),),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def broken(order: Order) -> list[str]:
    return [tie.name for tie in ties(order) if tie.parts != tie.stated]


def test_an_order_whose_parts_add_up_passes() -> None:
    require_balance(an_order())
    assert [tax.title for tax in taxes_of(an_order())] == ["VAT"]


def test_taxes_that_prices_contain_are_not_added_again() -> None:
    stated = replace(an_order().stated, original_total=one("23.00"), current_total=one("23.00"))
    order = an_order(
        taxes_included=True,
        stated=replace(stated, received=one("23.00")),
        tenders=(tender(1, TenderKind.SALE, "23.00"),),
    )
    assert broken(order) == []


def test_a_cent_too_much_shows_both_sides_and_what_to_do() -> None:
    stated = replace(an_order().stated, current_total=one("24.81"))
    with pytest.raises(Unbalanced) as caught:
        require_balance(an_order(stated=stated))
    assert "order #1: current lines, charges and taxes against the current total" in str(
        caught.value
    )
    assert "24.80 EUR against 24.81 EUR" in str(caught.value)
    assert caught.value.reason_class == "unbalanced"
    assert caught.value.rule == "totals_tie"


def test_a_difference_in_presentment_money_alone_is_seen_and_shown() -> None:
    stated = replace(an_order().stated, current_total=Amount(Decimal("24.80"), Decimal(3968)))
    with pytest.raises(
        Unbalanced, match=r"24\.80 EUR against 24\.80 EUR \(25 JPY against 3968 JPY\)"
    ):
        require_balance(an_order(stated=stated, presentment_currency="JPY"))


def test_only_money_that_moved_counts_and_only_once() -> None:
    order = an_order(
        tenders=(
            tender(1, TenderKind.AUTHORIZATION, "24.80"),
            tender(2, TenderKind.CAPTURE, "20.00"),
            tender(3, TenderKind.CAPTURE, "4.80"),
            tender(4, TenderKind.SALE, "24.80", status=TenderStatus.FAILURE),
            tender(5, TenderKind.SALE, "24.80", status=TenderStatus.PENDING),
            tender(6, TenderKind.VOID, "24.80"),
        )
    )
    assert broken(order) == []


def test_change_is_no_payment_and_refunds_have_a_total_of_their_own() -> None:
    order = an_order(
        stated=replace(an_order().stated, refunded=one("4.80")),
        tenders=(
            tender(1, TenderKind.SALE, "30.00"),
            tender(2, TenderKind.CHANGE, "5.20"),
            tender(3, TenderKind.REFUND, "4.80"),
        ),
    )
    assert broken(order) == []
    assert broken(replace(order, tenders=order.tenders[:2])) == [
        "refund payments against the amount refunded"
    ]


def test_cash_rounding_belongs_to_the_payment_and_not_to_the_total() -> None:
    rounding = Charge("r", ChargeKind.ROUNDING, "Cash rounding", one("0.20"), one("0.20"))
    order = an_order(
        charges=(shipped(), rounding),
        tenders=(tender(1, TenderKind.SALE, "25.00", rounding=one("0.20")),),
    )
    assert broken(order) == []


def test_a_payment_converted_at_another_rate_ties_in_the_currency_it_was_paid_in() -> None:
    paid = replace(
        tender(1, TenderKind.SALE, "24.80"), amount=Amount(Decimal("24.11"), Decimal("24.80"))
    )
    order = an_order(presentment_currency="USD", tenders=(paid,))
    assert broken(order) == []
    short = replace(paid, amount=Amount(Decimal("24.80"), Decimal("24.79")))
    assert broken(replace(order, tenders=(short,))) == ["payments against the amount received"]


def test_a_removed_charge_counts_only_where_the_first_total_still_holds_it() -> None:
    removed = replace(shipped(), current_price=NOTHING, removed=True)
    stated = replace(an_order().stated, current_total=one("19.80"), current_shipping=NOTHING)
    for first in ("24.80", "19.80"):
        order = an_order(charges=(removed,), stated=replace(stated, original_total=one(first)))
        assert broken(order) == []
    order = an_order(charges=(removed,), stated=replace(stated, original_total=one("22.00")))
    assert broken(order) == ["original lines, charges and taxes against the total"]


def test_a_cancelled_order_worth_nothing_is_not_asked_for_the_parts_of_nothing() -> None:
    gone = replace(sold(), current_quantity=0, current_price=NOTHING, taxes=())
    stated = replace(
        an_order().stated,
        original_total=one("23.00"),
        current_total=NOTHING,
        refunded=one("24.80"),
    )
    order = an_order(
        lines=(gone,),
        charges=(replace(shipped(), current_price=NOTHING),),
        stated=stated,
        cancelled_at=AT,
        tenders=(tender(1, TenderKind.SALE, "24.80"), tender(2, TenderKind.REFUND, "24.80")),
    )
    assert broken(order) == []
    assert broken(replace(order, lines=(replace(gone, current_price=one("1.00")),))) == [
        "current lines, charges and taxes against the current total"
    ]


def missing_by(cents: str) -> Order:
    """The order with a total that its parts miss, paid as it is stated."""
    total = one(str(Decimal("24.80") + Decimal(cents)))
    stated = replace(an_order().stated, original_total=total, current_total=total, received=total)
    return an_order(stated=stated, tenders=(tender(1, TenderKind.SALE, str(total.shop)),))


@pytest.mark.parametrize("cents", ["0.02", "-0.02"])
def test_a_tolerance_lets_parts_miss_the_total_by_its_amount_and_no_more(cents: str) -> None:
    with pytest.raises(Unbalanced):
        require_balance(missing_by(cents))
    with pytest.raises(Unbalanced):
        require_balance(missing_by(cents), Decimal("0.01"))
    require_balance(missing_by(cents), Decimal("0.02"))


def test_a_tolerance_is_for_totals_and_never_for_money_that_moved() -> None:
    order = replace(an_order(), tenders=(tender(1, TenderKind.SALE, "24.79"),))
    with pytest.raises(Unbalanced, match="payments against the amount received"):
        require_balance(order, Decimal(1))


def test_a_tolerance_is_worth_as_much_in_the_buyers_currency() -> None:
    def twice(amount: Amount) -> Amount:
        return Amount(amount.shop, amount.presentment * 2)

    order = missing_by("0.02")
    names = ("original_total", "current_total", "received")
    stated = {name: twice(getattr(order.stated, name)) for name in names}
    lines = tuple(
        replace(
            line,
            unit_price=twice(line.unit_price),
            current_price=twice(line.current_price),
            discounts=tuple(replace(d, amount=twice(d.amount)) for d in line.discounts),
            taxes=tuple(
                replace(t, amount=twice(t.amount), current_amount=twice(t.current_amount))
                for t in line.taxes
            ),
        )
        for line in order.lines
    )
    charges = tuple(
        replace(c, price=twice(c.price), current_price=twice(c.current_price))
        for c in order.charges
    )
    more = {
        name: twice(getattr(order.stated, name)) for name in ("current_tax", "current_shipping")
    }
    doubled = replace(
        order,
        presentment_currency="BRL",
        stated=replace(order.stated, **stated, **more),
        lines=lines,
        charges=charges,
        tenders=tuple(replace(t, amount=twice(t.amount)) for t in order.tenders),
    )
    require_balance(doubled, Decimal("0.02"))
    with pytest.raises(Unbalanced):
        require_balance(doubled, Decimal("0.01"))


def with_kinds(*kinds: tuple[LineKind, int], **changes: object) -> Order:
    """An order of one line a kind, of so many units each."""
    lines = tuple(
        replace(sold(), kind=kind, quantity=units, current_quantity=units) for kind, units in kinds
    )
    return replace(an_order(lines=lines), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("listed", [None, 3, 4, 5])
def test_units_tie_whether_or_not_a_store_counts_gift_cards_and_tips(listed: int | None) -> None:
    kinds = ((LineKind.GOODS, 2), (LineKind.CUSTOM, 1), (LineKind.GIFT_CARD, 1), (LineKind.TIP, 1))
    require_units(with_kinds(*kinds), listed)


def test_units_that_are_listed_and_not_there_show_both_figures() -> None:
    with pytest.raises(ContractDrift) as caught:
        require_units(with_kinds((LineKind.GOODS, 2)), 3)
    assert "order #1: the store lists 3 units of it" in str(caught.value)
    assert "add up to 2;" in str(caught.value)
    assert (caught.value.rule, caught.value.field) == (UNITS_RULE, "lines")


def test_an_order_that_changed_is_not_held_for_how_its_store_counts() -> None:
    whole = with_kinds((LineKind.GOODS, 2), (LineKind.GOODS, 1))
    edited = replace(whole, lines=(replace(whole.lines[0], current_quantity=1), whole.lines[1]))
    require_units(edited, 3)
    require_units(replace(whole, cancelled_at=whole.placed_at), 9)
