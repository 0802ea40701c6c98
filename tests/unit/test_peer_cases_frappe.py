"""The published cases of frappe's connectors, planned into our documents.

The Amazon orders are built as canonical orders from the figures of the recorded answers; the other
cases restate the figures that their tests publish.
"""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from include.connectors.erps.dynamics_gp.documents import Translator
from include.connectors.erps.dynamics_gp.settings import DynamicsGpSettings
from include.connectors.stores.shopify.normalise import normalise
from include.domain.balance import require_balance
from include.domain.document import DocumentKind
from include.domain.errors import MappingMissing, Unbalanced
from include.domain.money import Amount
from include.domain.order import FinancialStatus, Order, OrderLine, SalesProgram
from tests.integration.gp_company import Maps
from tests.unit import orders_factory as canonical
from tests.unit import shopify_orders as raw
from tests.unit.planned_books import PlannedBooks, kinds, taxes

INVOICE, SALES_ORDER = DocumentKind.INVOICE, DocumentKind.SALES_ORDER


@pytest.fixture
def frappe(shared_dir: Path) -> Path:
    """The folder of frappe's cases."""
    return shared_dir / "fixtures" / "peers" / "frappe"


@pytest.fixture
def expected(frappe: Path) -> dict[str, Any]:
    """What the peer expects, by case."""
    cases = json.loads((frappe / "cases.json").read_text())["cases"]
    return {case["id"]: case["expect"] for case in cases}


def extended(line_id: str, sku: str, quantity: int, worth: str) -> OrderLine:
    """A line whose extended amount is given, whether or not a unit price divides it."""
    line = canonical.line(line_id, sku=sku, quantity=quantity)
    amount = canonical.amount(worth)
    unit = Amount(amount.shop / quantity, amount.presentment / quantity)
    return replace(line, unit_price=unit, current_price=amount)


def test_fr_01_each_order_of_a_marketplace_page_is_one_sales_order(
    frappe: Path, expected: dict[str, Any]
) -> None:
    """Only the first order's items were recorded; the second is one line of its total."""
    recorded = json.loads((frappe / "amazon_test_data.json").read_text())
    orders = recorded["get_orders_200"]["json"]["payload"]["Orders"]
    answer = recorded["get_order_items_200"]["json"]["payload"]
    sales = {}
    for node in orders:
        total = node["OrderTotal"]["Amount"]
        if node["AmazonOrderId"] == answer["AmazonOrderId"]:
            lines = [
                canonical.line(
                    item["OrderItemId"],
                    sku=item["SellerSKU"],
                    quantity=item["QuantityOrdered"],
                    price=item["ItemPrice"]["Amount"],
                    taxes=(canonical.tax(item["ItemTax"]["Amount"]),),
                )
                for item in answer["OrderItems"]
            ]
        else:
            lines = [canonical.line(quantity=1, price=total)]
        order = canonical.order(
            *lines,
            order_id_store=node["AmazonOrderId"],
            number=node["AmazonOrderId"],
            currency=node["OrderTotal"]["CurrencyCode"],
            presentment_currency=node["OrderTotal"]["CurrencyCode"],
            program=SalesProgram.MARKETPLACE,
        )
        sale, invoice = PlannedBooks().post(order)
        assert str(sale.total) == str(invoice.paid) == total == "11.01"
        sales[sale.key] = sale
    assert len(sales) == expected["FR-01"]["sales_orders"] == 2
    first = sales[min(sales)]
    assert (first.lines[0].sku, taxes(first)) == ("WNDR3400-N600", Decimal("1.01"))


def test_fr_02_an_extended_amount_that_no_unit_price_divides_is_booked_to_the_cent(
    expected: dict[str, Any],
) -> None:
    wanted = expected["FR-02"]
    order = canonical.order(extended("L1", wanted["item"], wanted["qty"], wanted["amount"]))
    invoice = PlannedBooks().post(order)[1]
    line = invoice.lines[0]
    assert (line.sku, line.quantity, str(line.net)) == ("MC-100", 11, "7028.00")
    assert str(invoice.total) == wanted["sales_invoice_total (SDU0026)"]


def test_fr_03_a_single_dear_unit_keeps_its_rate(expected: dict[str, Any]) -> None:
    wanted = expected["FR-03"]
    order = canonical.order(canonical.line(sku=wanted["item"], quantity=1, price=wanted["rate"]))
    line = PlannedBooks().post(order)[1].lines[0]
    assert (line.sku, line.quantity, line.net) == ("TITANIUM_WATCH", 1, Decimal(312000))


def test_fr_04_each_of_three_orders_has_its_own_items_in_their_order(
    expected: dict[str, Any],
) -> None:
    found = []
    for number, skus in enumerate(expected["FR-04"]["items"]):
        lines = [canonical.line(f"L{at}", sku=sku) for at, sku in enumerate(skus)]
        order = canonical.order(*lines, order_id_store=f"gid://shopify/Order/{number}")
        sale = PlannedBooks().post(order)[0]
        found.append([line.sku for line in sale.lines])
    assert found == [["MC-100", "TITANIUM_WATCH"], ["MC-100"], ["MC-100", "TITANIUM_WATCH"]]


def test_fr_05_the_tax_of_an_invoice_is_the_sum_of_its_lines_taxes(
    expected: dict[str, Any],
) -> None:
    assert "sum" in expected["FR-05"]["tax"]
    amounts = ["1072.07", "0.01", "12.34"]
    lines = [
        canonical.line(f"L{at}", taxes=(canonical.tax(amount),))
        for at, amount in enumerate(amounts)
    ]
    assert taxes(PlannedBooks().post(canonical.order(*lines))[1]) == Decimal("1084.42")


def discounted(total: str, tax: str) -> Order:
    line = raw.line(
        1,
        "100.00",
        discountAllocations=[raw.allocation("20.00")],
        taxLines=[raw.tax("VAT", 0.1, tax)],
    )
    order = normalise("shopify_gp", raw.order([line], total, tax_total=tax))
    require_balance(order)
    return order


def test_fr_06_tax_on_a_discounted_order_is_tax_on_what_is_paid(expected: dict[str, Any]) -> None:
    """Tax of the full price would make another total; such an order is refused, not rounded."""
    wanted = expected["FR-06"]
    invoice = PlannedBooks().post(discounted(wanted["total"], "8.00"))[1]
    assert (str(invoice.total), invoice.lines[0].net) == ("88.00", Decimal("80.00"))
    assert taxes(invoice) == Decimal("8.00")
    with pytest.raises(Unbalanced):
        discounted(wanted["wrong_total_seen_in_frappe"], "8.00")


def test_fr_07_a_line_whose_product_is_gone_holds_the_order_and_is_never_left_out(
    expected: dict[str, Any],
) -> None:
    gone = raw.line(2, "30.00", sku=None, variant=None, product=None)
    order = normalise("shopify_gp", raw.order([raw.line(1, "10.00"), gone], "40.00"))
    require_balance(order)
    sale = PlannedBooks().post(order)[0]
    assert [line.net for line in sale.lines] == [Decimal(10), Decimal(30)]
    assert expected["FR-07"]["must"] == "be quarantined"
    translator = Translator(DynamicsGpSettings(), Maps())
    with pytest.raises(MappingMissing, match="Item 2"):
        translator.prepare(sale)


def test_fr_08_whichever_news_of_an_order_comes_first_there_is_one_order_and_one_invoice(
    expected: dict[str, Any],
) -> None:
    """The news is only a reason to look: what is booked is the order as the store says it is."""
    created = canonical.order(tenders=(), financial_status=FinancialStatus.PENDING)
    paid = canonical.order()
    for news in ((created, paid), (paid, paid), (paid,)):
        books = PlannedBooks()
        for order in news:
            books.post(order)
        assert kinds(d for d, _ in books.documents) == ["sales_order", "invoice"]
    assert expected["FR-08"]["must"] == "order and invoice both created once"
