"""Another connector's list of scenarios: the page accounts for every line; what was missing here.

The page `docs/peer_scenarios.md` says of each line whether a test of ours holds it. Tests that no
other file had are below.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from include.connectors.erps.dynamics_gp.documents import Translator
from include.connectors.erps.dynamics_gp.econnect.parameters import TaUpdateCreateCustomerRcd
from include.connectors.erps.dynamics_gp.payloads import GpDocument
from include.connectors.erps.dynamics_gp.settings import DynamicsGpSettings
from include.connectors.stores.shopify.normalise import normalise
from include.domain.document import Document, DocumentKind
from include.domain.errors import MappingMissing
from include.domain.order import Address, Refund, RefundLine, Restock, TenderKind
from tests.integration.gp_company import ROWS, Maps
from tests.unit import orders_factory as canonical
from tests.unit import shopify_orders as raw
from tests.unit.planned_books import PlannedBooks

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "peer_scenarios.md"
VERDICTS = ("covered", "open", "another flow", "not ours")
FLOWS = ("payouts", "stock", "shipments")


def accounted() -> list[tuple[str, set[int], str]]:
    """The page's rows: verdict, line numbers, where or why."""
    found = []
    for row in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        if len(cells) != 4 or cells[2] not in VERDICTS:
            continue
        lines: set[int] = set()
        for part in cells[0].split(","):
            first, _, last = part.strip().partition("-")
            lines |= set(range(int(first), int(last or first) + 1))
        found.append((cells[2], lines, cells[3]))
    return found


def test_the_page_accounts_for_every_line_once(shared_dir: Path) -> None:
    with (shared_dir / "fixtures" / "peers" / "scenarios_2025-07.csv").open() as file:
        last = sum(1 for _ in csv.reader(file))
    counted = Counter(number for _, lines, _ in accounted() for number in lines)
    assert sorted(counted) == list(range(2, last + 1))
    assert [number for number, times in counted.items() if times > 1] == []


def test_the_pages_summary_counts_its_rows() -> None:
    found: Counter[str] = Counter()
    for verdict, lines, _ in accounted():
        found[verdict] += len(lines)
    for verdict in VERDICTS:
        assert f"| {verdict} | {found[verdict]} |" in PAGE.read_text(), found


def test_every_test_that_the_page_names_exists() -> None:
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    named = set(re.findall(r"`(test_\w+)`", PAGE.read_text()))
    assert named - there == set()
    assert all("`test_" in where for verdict, _, where in accounted() if verdict == "covered")


def test_what_belongs_to_another_flow_names_it() -> None:
    elsewhere = [where for verdict, _, where in accounted() if verdict == "another flow"]
    assert {where.partition(":")[0] for where in elsewhere} == set(FLOWS)


def returned(*parts: tuple[int, str | None]) -> Document:
    """The credit note of an order of five whose units came back to some places."""
    books = PlannedBooks()
    books.post(canonical.order(canonical.line(quantity=5)))
    units = sum(count for count, _ in parts)
    refunds = tuple(
        Refund(
            f"F{at}",
            canonical.PLACED + timedelta(days=at),
            canonical.amount(10 * count),
            lines=(
                RefundLine(
                    "L1",
                    count,
                    Restock.RETURNED,
                    canonical.amount(10 * count),
                    canonical.amount("0"),
                    place,
                ),
            ),
        )
        for at, (count, place) in enumerate(parts, start=1)
    )
    back = canonical.tender(str(10 * units), "R1", kind=TenderKind.REFUND, parent="T1")
    (note,) = books.post(
        canonical.order(
            canonical.line(quantity=5, left=5 - units),
            tenders=(canonical.tender("50"), back),
            refunds=refunds,
        )
    )
    return note


def test_units_that_came_back_to_another_place_are_credited_there() -> None:
    assert [line.location_id for line in returned((2, "returns desk")).lines] == ["returns desk"]


def test_units_that_came_back_to_no_stated_place_go_where_they_were_sold_from() -> None:
    assert [line.location_id for line in returned((2, None)).lines] == [None]


def test_units_that_came_back_to_two_places_are_credited_to_each() -> None:
    note = returned((1, "shop"), (2, "warehouse"))
    assert [(line.location_id, line.quantity, line.net) for line in note.lines] == [
        ("shop", 1, Decimal(10)),
        ("warehouse", 2, Decimal(20)),
    ]


def test_later_money_goes_to_the_invoice_that_is_open() -> None:
    """Two additions after the first invoice, unpaid; then money for one, then for the other."""
    books = PlannedBooks()
    books.post(canonical.order())

    def grown(units: int, *more: str) -> list[Document]:
        tenders = [canonical.tender(value, f"T{at}") for at, value in enumerate(("20", *more))]
        return books.post(canonical.order(canonical.line(quantity=units), tenders=tuple(tenders)))

    grown(3)
    grown(5)
    _, second, third = books.all(DocumentKind.INVOICE)
    payments = grown(5, "15")
    assert [(d.based_on, d.paid) for d in payments] == [
        (second.key, Decimal(10)),
        (third.key, Decimal(5)),
    ]
    (last,) = grown(5, "15", "15")
    assert (last.based_on, last.paid) == (third.key, Decimal(15))


def translated(document: Document, rows: dict[tuple[str, str], str] = ROWS) -> Translator:
    translator = Translator(DynamicsGpSettings(), Maps(rows))
    translator.prepare(document)
    return translator


def test_a_tax_without_a_row_holds_the_order_and_names_the_row() -> None:
    taxed = canonical.order(canonical.line(sku="MUG", taxes=(canonical.tax("1", "Tax of Mars"),)))
    sale = PlannedBooks().post(taxed)[0]
    with pytest.raises(MappingMissing) as held:
        translated(sale)
    assert (held.value.kind, held.value.key) == ("tax", "Tax of Mars")


def test_a_line_without_sku_asks_for_a_row_by_its_title() -> None:
    sale = PlannedBooks().post(canonical.order(canonical.line(sku=None)))[0]
    with pytest.raises(MappingMissing) as held:
        translated(sale)
    assert (held.value.kind, held.value.key) == ("sku", "title:Thing L1")
    translated(sale, {**ROWS, ("sku", "title:Thing L1"): "MUG"})


@pytest.mark.parametrize(
    ("code", "name", "state"), [("OR", "Oregon", "OR"), (None, "Bern", "Bern")]
)
def test_a_region_is_its_code_where_it_has_one_and_its_name_else(
    code: str | None, name: str, state: str
) -> None:
    there = Address(name="Ada", line_1="1 Way", city="Town", region=name, region_code=code)
    order = canonical.order(canonical.line(sku="MUG"), billing_address=there)
    sale = PlannedBooks().post(order)[0]
    payload = Translator(DynamicsGpSettings(), Maps()).prepare(sale).payload
    assert isinstance(payload, GpDocument)
    (customer,) = [
        part for part in payload.customer_calls if isinstance(part, TaUpdateCreateCustomerRcd)
    ]
    assert state == customer.STATE


@pytest.mark.parametrize(
    ("shown", "first", "last", "name"),
    [
        ("Ada Byron", "Ada", "Byron", "Ada Byron"),
        (None, "Ada", "Byron", "Ada Byron"),
        (None, None, "Byron", "Byron"),
    ],
)
def test_a_buyer_is_called_by_the_name_that_the_store_shows_or_by_both_parts_of_it(
    shown: str | None, first: str | None, last: str | None, name: str
) -> None:
    document = raw.order([raw.line(1, "10.00")], "10.00")
    document["customer"].update(displayName=shown, firstName=first, lastName=last)
    customer = normalise("shopify_gp", document).customer
    assert customer is not None
    assert customer.name == name
