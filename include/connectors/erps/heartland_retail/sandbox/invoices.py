"""Invoices of orders and tickets of the till: what moves stock and money for good."""

from __future__ import annotations

from decimal import Decimal

from include.connectors.erps.heartland_retail.sandbox.account import Account
from include.connectors.erps.heartland_retail.sandbox.orders import LINES as ORDER_LINES
from include.connectors.erps.heartland_retail.sandbox.orders import ORDERS, Orders
from include.connectors.erps.heartland_retail.sandbox.schema import FIELDS, Invalid, Row, cleaned
from include.connectors.erps.heartland_retail.sandbox.stock import Stock

INVOICES, INVOICE_LINES = "sales/invoices", "sales/invoices/lines"
TICKETS, TICKET_LINES = "sales/tickets", "sales/tickets/lines"
TICKET_PAYMENTS = "sales/tickets/payments"


class Invoices:
    """What the account does with invoices of orders.

    Args:
        account: Its records.
        stock: Its stock.
        orders: Its orders.
    """

    def __init__(self, account: Account, stock: Stock, orders: Orders) -> None:
        self._account = account
        self._stock = stock
        self._orders = orders

    def create(self, values: Row) -> Row:
        """Make an invoice of an open order; it takes the order's shipping charge with it."""
        order = self._account.require(ORDERS, values["order_id"], "order_id")
        if order["status"] != "open":
            raise Invalid({"order_id": f"is {order['status']}: only open orders are invoiced"})
        if values["customer_id"] != order["customer_id"]:
            raise Invalid({"customer_id": "is not the order's"})
        values = {"custom": {}, "source_location_id": order["source_location_id"], **values}
        row = self._account.add(INVOICES, {**values, "status": "pending", "type": "Invoice"})
        row = self._account.put(INVOICES, row["id"], {"public_id": f"I{row['id']}"})
        self._account.put(
            ORDERS, order["id"], {"_invoices": [*(order.get("_invoices") or []), row["id"]]}
        )
        left = Decimal(order.get("shipping_charge") or 0) - self._shipping_billed(order["id"])
        if left:
            own = {"type": "ShippingLine", "description": "Shipping", "value": left}
            self._account.add(INVOICE_LINES, {**own, "invoice_id": row["id"]})
        return row

    def update(self, invoice: Row, values: Row) -> None:
        """Change an invoice or its status."""
        status = values.pop("status", None)
        if values:
            if invoice["status"] != "pending" and set(values) - {"custom"}:
                raise Invalid({"status": f"is {invoice['status']}: the invoice cannot be changed"})
            invoice = self._account.put(INVOICES, invoice["id"], values)
        if status is None or status == invoice["status"]:
            return
        if invoice["status"] != "pending":
            raise Invalid({"status": f"is {invoice['status']} and cannot become {status}"})
        if status == "complete":
            self._complete(invoice)
        else:
            self._account.put(INVOICES, invoice["id"], {"status": status})

    def add_line(self, invoice: Row, values: Row) -> Row:
        """Add a line; an item line bills units of the order that no invoice bills yet."""
        self._refuse_finished(invoice)
        row = {**values, "invoice_id": invoice["id"]}
        if values["type"] == "ItemLine":
            row |= self._billed(invoice, values)
        elif values.get("value") is None:
            raise Invalid({"value": "can't be blank"})
        return self._account.add(INVOICE_LINES, row)

    def change_line(self, invoice: Row, line: Row, values: Row) -> None:
        """Change what a line that is no item line is worth."""
        self._refuse_finished(invoice)
        if line["type"] == "ItemLine":
            raise Invalid({"type": "item lines are removed and added again"})
        self._account.put(INVOICE_LINES, line["id"], values)

    def remove_line(self, invoice: Row, line: Row) -> None:
        """Remove a line."""
        self._refuse_finished(invoice)
        self._account.remove(INVOICE_LINES, line["id"])

    def _refuse_finished(self, invoice: Row) -> None:
        if invoice["status"] != "pending":
            raise Invalid({"invoice_id": f"is {invoice['status']}: its lines cannot be changed"})

    def _billed(self, invoice: Row, values: Row) -> Row:
        if values.get("item_id") is None:
            raise Invalid({"item_id": "can't be blank"})
        left = values.get("qty") or 0
        if left < 1:
            raise Invalid({"qty": "must be greater than 0"})
        price = values.get("unit_price")
        done = self._orders.invoiced(invoice["order_id"])
        taken: dict[str, int] = {}
        for line in self._account.children(ORDER_LINES, invoice["order_id"]):
            own = Decimal(line["adjusted_unit_price"])
            if line["item_id"] != values["item_id"] or (price is not None and own != price):
                continue
            if line["ship_from_location_id"] != invoice["source_location_id"]:
                continue
            price = own
            units = min(left, line["qty"] - done[line["id"]])
            if units > 0:
                taken[str(line["id"])] = units
                left -= units
        if left:
            raise Invalid({"qty": f"exceeds by {left} what the order still ships from there"})
        return {"unit_price": price, "_of": taken}

    def _shipping_billed(self, order_id: int) -> Decimal:
        return sum(
            (
                Decimal(line["value"])
                for invoice in self._orders.invoices(order_id)
                if invoice["status"] != "canceled"
                for line in self._account.children(INVOICE_LINES, invoice["id"])
                if line["type"] == "ShippingLine"
            ),
            Decimal(0),
        )

    def _complete(self, invoice: Row) -> None:
        lines = self._account.children(INVOICE_LINES, invoice["id"])
        if not any(line["type"] == "ItemLine" for line in lines):
            raise Invalid({"lines": "has no item"})
        worth = total_of(lines)
        if invoice.get("total") is not None and Decimal(invoice["total"]) != worth:
            raise Invalid({"total": f"is {invoice['total']} and the lines add up to {worth}"})
        site = invoice["source_location_id"]
        for line in lines:
            if line["type"] == "ItemLine" and self._stock.tracked(line["item_id"]):
                place = (line["item_id"], site)
                if self._stock.on_hand(place) < line["qty"]:
                    raise Invalid({"lines": f"item {line['item_id']} cannot be filled from there"})
                self._stock.move(place, on_hand=-Decimal(line["qty"]))
        self._account.put(INVOICES, invoice["id"], {"status": "complete"})
        order = self._account.get(ORDERS, invoice["order_id"])
        assert order is not None
        self._orders.settle(order)

    def shown(self, invoice: Row) -> Row:
        """Return an invoice with what the account works out."""
        worth = total_of(self._account.children(INVOICE_LINES, invoice["id"]))
        return {**invoice, "total": worth}


class Tickets:
    """What the account does with tickets: sales at the till, and returns.

    Args:
        account: Its records.
        stock: Its stock.
    """

    def __init__(self, account: Account, stock: Stock) -> None:
        self._account = account
        self._stock = stock

    def create(self, values: Row) -> Row:
        """Make a ticket, with its lines and payments where the request brings them."""
        status = values.pop("status", "pending")
        items = self._parsed(TICKET_LINES, values.pop("item_lines", []), "ItemLine")
        taxes = self._parsed(TICKET_LINES, values.pop("tax_lines", []), "TaxLine")
        payments = self._parsed(TICKET_PAYMENTS, values.pop("payments", []), None)
        site = values.get("source_location_id")
        if site is None:
            station = self._account.require("stations", values["station_id"], "station_id")
            values["source_location_id"] = station["location_id"]
        own = {"custom": {}, "type": "Sale", "affect_inventory": True, **values}
        row = self._account.add(TICKETS, {**own, "status": "pending"})
        if not values.get("public_id"):
            row = self._account.put(TICKETS, row["id"], {"public_id": f"T{row['id']}"})
        for line in (*items, *taxes):
            self.add_part(TICKET_LINES, row, line)
        for payment in payments:
            self.add_part(TICKET_PAYMENTS, row, payment)
        if status == "complete":
            self._complete(row)
        return row

    def _parsed(self, kind: str, rows: list[object], line_type: str | None) -> list[Row]:
        found = []
        for row in rows:
            values = cleaned(kind, row, creating=True)
            if line_type is not None and values.get("type") != line_type:
                raise Invalid({"type": f"must be {line_type} there"})
            self._account.check_references(kind, values)
            found.append(values)
        return found

    def update(self, ticket: Row, values: Row) -> None:
        """Change a ticket or its status."""
        status = values.pop("status", None)
        values = {name: v for name, v in values.items() if FIELDS[TICKETS][name].kind != "list"}
        if values:
            if ticket["status"] != "pending" and set(values) - {"custom"}:
                raise Invalid({"status": f"is {ticket['status']}: the ticket cannot be changed"})
            ticket = self._account.put(TICKETS, ticket["id"], values)
        if status is None or status == ticket["status"]:
            return
        if ticket["status"] != "pending":
            raise Invalid({"status": f"is {ticket['status']} and cannot become {status}"})
        if status == "complete":
            self._complete(ticket)
        else:
            self._account.put(TICKETS, ticket["id"], {"status": status})

    def add_part(self, kind: str, ticket: Row, values: Row) -> Row:
        """Add a line or a payment."""
        if ticket["status"] != "pending":
            raise Invalid({"ticket_id": f"is {ticket['status']}"})
        if kind == TICKET_LINES and values["type"] == "ItemLine":
            if values.get("item_id") is None or not values.get("qty"):
                raise Invalid({"item_id": "an item line needs an item and a quantity"})
            item = self._account.require("items", values["item_id"], "item_id")
            values.setdefault("unit_price", Decimal(item["price"]))
        return self._account.add(kind, {**values, "ticket_id": ticket["id"]})

    def _complete(self, ticket: Row) -> None:
        lines = self._account.children(TICKET_LINES, ticket["id"])
        items = [line for line in lines if line["type"] == "ItemLine"]
        if not items:
            raise Invalid({"lines": "has no item"})
        payments = self._account.children(TICKET_PAYMENTS, ticket["id"])
        paid = sum((Decimal(p["amount"]) for p in payments), Decimal(0))
        worth = total_of(lines)
        if paid != worth:
            raise Invalid(
                {"payments": f"are {paid} and the ticket is worth {worth}"}, "payment_error"
            )
        if ticket["type"] == "Return":
            self._check_return(ticket, items)
        if ticket["affect_inventory"]:
            for line in items:
                if self._stock.tracked(line["item_id"]):
                    place = (line["item_id"], ticket["source_location_id"])
                    self._stock.move(place, on_hand=-Decimal(line["qty"]))
        self._account.put(TICKETS, ticket["id"], {"status": "complete"})

    def _check_return(self, ticket: Row, items: list[Row]) -> None:
        if any(line["qty"] > 0 for line in items):
            raise Invalid({"qty": "must be negative on a return"})
        parent = ticket.get("parent_transaction_id")
        sold = self._account.get(INVOICES, parent or 0) or self._account.get(TICKETS, parent or 0)
        if sold is None or sold["status"] != "complete":
            raise Invalid({"parent_transaction_id": "is no complete sale"})
        for line in items:
            if self._stock.tracked(line["item_id"]):
                left = self._units_sold(ticket["customer_id"], line["item_id"])
                if left + line["qty"] < 0:
                    raise Invalid({"qty": f"exceeds the {left} that were sold and not returned"})

    def _units_sold(self, customer_id: int, item_id: int) -> int:
        units = 0
        for kind, line_kind in ((INVOICES, INVOICE_LINES), (TICKETS, TICKET_LINES)):
            for row in self._account.all(kind):
                if row["status"] == "complete" and row["customer_id"] == customer_id:
                    units += sum(
                        line["qty"]
                        for line in self._account.children(line_kind, row["id"])
                        if line["type"] == "ItemLine" and line["item_id"] == item_id
                    )
        return units

    def shown(self, ticket: Row) -> Row:
        """Return a ticket with what the account works out."""
        worth = total_of(self._account.children(TICKET_LINES, ticket["id"]))
        return {**ticket, "total": worth}


def total_of(lines: list[Row]) -> Decimal:
    """Return what lines add up to."""
    return sum(
        (
            Decimal(line["unit_price"]) * line["qty"]
            if line["type"] == "ItemLine"
            else Decimal(line["value"])
            for line in lines
        ),
        Decimal(0),
    )
