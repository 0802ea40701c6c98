"""Reads Tryton's own tables past the connector: documents, ledger, receivables and stock."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine, text

from include.domain.document import DocumentKind, RemoteState
from include.sandbox.rig import Booked

ZERO = Decimal(0)
_ORDER = re.compile(r"^(?P<order>.*?)(?:/(?P<role>[cir])\d+)?(?:@[^/@]+)?$")
_SALES = text("""
select s.id, s.number, s.reference, s.web_id, s.state,
    coalesce(s.total_amount_cache, 0) total, coalesce(s.tax_amount_cache, 0) + (
        select coalesce(sum(round((l.quantity * l.unit_price)::numeric, 2)), 0)
        from sale_line l where l.sale = s.id and l.note = 'tax_difference') tax,
    split_part(a.street_unstructured, chr(10), 1) street
from sale_sale s left join party_address a on a.id = s.shipment_address
where s.web_shop is not null order by s.id
""")
_SALE_UNITS = text("""
select l.sale document, p.code sku, t.type, sum(l.quantity) units, count(*) filter (
    where l.quantity <> 0) lines
from sale_line l left join product_product p on p.id = l.product
    left join product_template t on t.id = p.template
where l.type = 'line' group by 1, 2, 3
""")
_SHORT = text("""
select l.sale document, sum(coalesce(i.quantity, m.quantity)) units
from stock_move m
    join sale_line l on m.origin = 'sale.line,' || l.id
    join stock_shipment_out h on m.shipment = 'stock.shipment.out,' || h.id
    left join stock_move i on i.origin = 'stock.move,' || m.id and i.state <> 'cancelled'
where h.state in ('draft', 'waiting') and coalesce(i.state, m.state) in ('draft', 'staging')
    and m.state <> 'cancelled'
group by 1
""")
_BILLS = text("""
select i.id, i.number, i.reference, i.description, i.state,
    coalesce(i.total_amount_cache,
        (select sum(round((l.quantity * l.unit_price)::numeric, 2))
            from account_invoice_line l where l.invoice = i.id)
        + (select coalesce(sum(x.amount), 0) from account_invoice_tax x where x.invoice = i.id),
        0) total,
    (select coalesce(sum(x.amount), 0) from account_invoice_tax x where x.invoice = i.id) tax,
    split_part(a.street_unstructured, chr(10), 1) street
from account_invoice i left join party_address a on a.id = i.invoice_address
where i.type = 'out' order by i.id
""")
_BILL_UNITS = text("""
select l.invoice document, p.code sku, t.type, sum(l.quantity) units
from account_invoice_line l join product_product p on p.id = l.product
    join product_template t on t.id = p.template
where l.type = 'line' group by 1, 2, 3
""")
_PAYMENTS = text("""
select m.description mark, m.origin, sum(l.credit - l.debit) paid
from account_move m join account_move_line l on l.move = m.id
where m.state = 'posted' and l.party is not null and l.description like m.description || ' %'
group by 1, 2
""")
_LEDGER = text("""
select a.code, sum(l.debit - l.credit) balance
from account_move_line l join account_move m on m.id = l.move
    join account_account a on a.id = l.account
where m.state = 'posted' group by 1
""")
_RECEIVABLE = text("""
select coalesce(p.code, p.name) party, sum(l.debit - l.credit) balance
from account_move_line l join account_move m on m.id = l.move
    join account_account a on a.id = l.account
    join account_account_type t on t.id = a.type and t.receivable
    join party_party p on p.id = l.party
where m.state = 'posted' group by 1
""")
_OPEN = text("""
select split_part(l.description, ':', 1) || ':' || split_part(l.description, ':', 2) whose,
    sum(l.debit - l.credit) balance, count(*) lines
from account_move_line l join account_move m on m.id = l.move
    join account_account a on a.id = l.account
    join account_account_type t on t.id = a.type and t.receivable
where m.state = 'posted' and l.reconciliation is null group by 1
""")
_ON_HAND = text("""
with recursive inside(id) as (
    select id from stock_location where code = :warehouse and type = 'warehouse'
    union all select l.id from stock_location l join inside i on l.parent = i.id
)
select p.code sku, sum(case when m.to_location in (select id from inside) then m.internal_quantity
        else 0 end - case when m.from_location in (select id from inside) then m.internal_quantity
        else 0 end) units
from stock_move m join product_product p on p.id = m.product
where m.state = 'done' group by 1
""")

_BILLED_AHEAD = text("""
select p.code as sku, sum(billed.units - coalesce(gone.units, 0)) as units
from sale_line l join product_product p on p.id = l.product
join (select il.origin, sum(il.quantity) as units from account_invoice_line il
      join account_invoice i on i.id = il.invoice and i.state in ('posted', 'paid')
      group by il.origin) billed on billed.origin = 'sale.line,' || l.id
left join (select origin, sum(quantity) as units from stock_move where state = 'done'
           group by origin) gone on gone.origin = 'sale.line,' || l.id
where exists (select from stock_move m where m.origin = 'sale.line,' || l.id
              and m.state not in ('done', 'cancelled'))
and billed.units > coalesce(gone.units, 0)
group by p.code
""")


class Books:
    """The tables of one company.

    Args:
        engine: The database of the Tryton server.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def documents(self) -> list[Booked]:
        """Return every order, invoice and credit note."""
        payments = self._rows(_PAYMENTS)
        return [*self._orders(payments), *self._bills(payments)]

    def ledger(self) -> dict[str, Decimal]:
        """Return debit less credit of every account by its code, posted moves only."""
        return {row["code"]: row["balance"] for row in self._rows(_LEDGER)}

    def receivable(self) -> dict[str, Decimal]:
        """Return what each party owes, by its code."""
        return {row["party"]: row["balance"] for row in self._rows(_RECEIVABLE)}

    def unsettled(self) -> dict[str, Decimal]:
        """Return what is open of each order, by the store's id; nothing of what was reconciled."""
        return {row["whose"]: row["balance"] for row in self._rows(_OPEN)}

    def on_hand(self, warehouse: str) -> dict[str, Decimal]:
        """Return the units in a warehouse by product code, moves that are done only."""
        rows = self._rows(_ON_HAND, warehouse=warehouse)
        return {row["sku"]: Decimal(str(row["units"])) for row in rows}

    def billed_ahead(self) -> dict[str, Decimal]:
        """Return the units that are billed and wait on a shipment for stock, by product code."""
        return {row["sku"]: Decimal(str(row["units"])) for row in self._rows(_BILLED_AHEAD)}

    def _orders(self, payments: list[Mapping[str, Any]]) -> list[Booked]:
        units, lines = self._units(_SALE_UNITS)
        short = {row["document"]: Decimal(str(row["units"])) for row in self._rows(_SHORT)}
        sales: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for row in self._rows(_SALES):
            parsed = _ORDER.match(row["web_id"])
            if parsed and parsed["role"] in (None, "c"):
                sales[parsed["order"]].append(row)
        marks = ("sales_order", "order_change", "void")
        found = []
        for order, own in sales.items():
            alive = [row for row in own if row["state"] != "cancelled"]
            ids = [row["id"] for row in alive or own]
            is_void = not alive or not sum(lines.get(i, 0) for i in ids)
            paid = sum(
                (row["paid"] for row in payments if row["mark"].startswith(
                    tuple(f"{order}:{kind}:" for kind in marks))), ZERO
            )  # fmt: skip
            state = RemoteState.VOID if is_void else RemoteState.OPEN
            if not is_void and all(row["state"] == "done" for row in alive):
                state = RemoteState.POSTED
            found.append(
                Booked(
                    order_number=own[0]["reference"],
                    kind=DocumentKind.SALES_ORDER,
                    reference=own[0]["number"] or f"({own[0]['id']})",
                    state=state,
                    total=sum((row["total"] for row in alive or own), ZERO),
                    tax=sum((row["tax"] for row in alive or own), ZERO),
                    paid=paid,
                    units=_sum(units.get(i, {}) for i in ids),
                    back_ordered=sum((short.get(i, ZERO) for i in ids), ZERO),
                    street=own[0]["street"] or None,
                )
            )
        return found

    def _bills(self, payments: list[Mapping[str, Any]]) -> list[Booked]:
        units, _ = self._units(_BILL_UNITS)
        found = []
        for row in self._rows(_BILLS):
            mark = row["description"] or ""
            is_credit = ":credit_note:" in mark
            sign = -1 if is_credit else 1
            origin = f"account.invoice,{row['id']}"
            paid = sum(
                (p["paid"] for p in payments if p["mark"] == mark or p["origin"] == origin), ZERO
            )
            state = {
                "draft": RemoteState.OPEN,
                "validated": RemoteState.OPEN,
                "cancelled": RemoteState.VOID,
            }.get(row["state"], RemoteState.POSTED)
            found.append(
                Booked(
                    order_number=row["reference"],
                    kind=DocumentKind.CREDIT_NOTE if is_credit else DocumentKind.INVOICE,
                    reference=row["number"] or f"({row['id']})",
                    state=state,
                    total=sign * row["total"],
                    tax=sign * row["tax"],
                    paid=sign * paid,
                    units={sku: sign * n for sku, n in units.get(row["id"], {}).items()},
                )
            )
        return found

    def _units(self, statement: Any) -> tuple[dict[int, dict[str, Decimal]], dict[int, int]]:
        units: dict[int, dict[str, Decimal]] = defaultdict(dict)
        lines: dict[int, int] = defaultdict(int)
        for row in self._rows(statement):
            lines[row["document"]] += row.get("lines", 0)
            amount = Decimal(str(row["units"]))
            if row["type"] == "goods" and amount:
                units[row["document"]][row["sku"]] = amount
        return units, lines

    def _rows(self, statement: Any, **values: object) -> list[Mapping[str, Any]]:
        with self.engine.connect() as connection:
            return [dict(row._mapping) for row in connection.execute(statement, values)]


def _sum(parts: Any) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for part in parts:
        for sku, units in part.items():
            found[sku] = found.get(sku, ZERO) + units
    return found
