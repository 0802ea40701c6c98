"""Sales orders: pending, open, closed. Only an open one commits stock.

An order is opened by a person or a program and stays pending where something does not tie; why is
in ``pending_reasons``, a field of the sandbox's own, since the vendor names the causes and not
where they are shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from include.connectors.erps.heartland_retail.sandbox.account import Account
from include.connectors.erps.heartland_retail.sandbox.schema import Invalid, Row
from include.connectors.erps.heartland_retail.sandbox.stock import Place, Stock

ORDERS, LINES = "sales/orders", "sales/orders/lines"
TAXES, DISCOUNTS = "sales/orders/taxes", "sales/orders/discounts"
PAYMENTS = "sales/orders/payments"
PARTS = (LINES, TAXES, DISCOUNTS, PAYMENTS)


class Orders:
    """What the account does with sales orders.

    Args:
        account: Its records.
        stock: Its stock.
    """

    def __init__(self, account: Account, stock: Stock) -> None:
        self._account = account
        self._stock = stock
        self.surcharge = Decimal(0)  # what a price rule of the account's own adds to an order

    def create(self, values: Row) -> Row:
        """Make an order; it is pending, whatever was asked for."""
        self._check_people(values)
        row = self._account.add(
            ORDERS, {"custom": {}, **values, "status": "pending", "_held": {}, "_reasons": []}
        )
        if not values.get("public_id"):
            row = self._account.put(ORDERS, row["id"], {"public_id": f"S{row['id']}"})
        if values.get("status") == "open":
            self.update(row, {"status": "open"})
        return row

    def update(self, order: Row, values: Row) -> None:
        """Change an order or its status."""
        status = values.pop("status", None)
        if values:
            if order["status"] in ("closed", "canceled") and set(values) - {"custom"}:
                raise Invalid({"status": f"is {order['status']}: the order cannot be changed"})
            self._check_people({**order, **values})
            order = self._account.put(ORDERS, order["id"], values)
        if status is not None and status != order["status"]:
            self._set_status(order, status)

    def _set_status(self, order: Row, status: str) -> None:
        if order["status"] in ("closed", "canceled"):
            raise Invalid({"status": f"is {order['status']} and cannot become {status}"})
        if status == "canceled" and any(self.invoiced(order["id"]).values()):
            raise Invalid({"status": "cannot be canceled: something is invoiced"})
        reasons = list(self.reasons(order)) if status == "open" else []
        own = {"_reasons": reasons} if reasons else {"status": status, "_reasons": []}
        self.settle(self._account.put(ORDERS, order["id"], own))

    def _check_people(self, values: Row) -> None:
        for name in ("billing_address_id", "shipping_address_id"):
            number = values.get(name)
            if number is not None:
                address = self._account.require("customers/addresses", number, name)
                if address["customer_id"] != values["customer_id"]:
                    raise Invalid({name: "belongs to another customer"})

    # -- parts --------------------------------------------------------------------------------

    def add_part(self, kind: str, order: Row, values: Row) -> Row:
        """Add a line, a tax, a discount or a payment."""
        self._refuse_finished(order, kind)
        if kind == LINES:
            values = self._line(values)
        row = self._account.add(kind, {**values, "order_id": order["id"]})
        self._after(kind, order)
        return row

    def change_part(self, kind: str, order: Row, part: Row, values: Row) -> None:
        """Change a line or a payment."""
        self._refuse_finished(order, kind)
        if kind == LINES:
            values = self._line({**part, **values})
            done = self.invoiced(order["id"])[part["id"]]
            if done and (
                values["qty"] < done
                or any(values[n] != part[n] for n in ("item_id", "adjusted_unit_price"))
            ):
                raise Invalid({"qty": f"cannot be changed: {done} are invoiced"})
        self._account.put(kind, part["id"], values)
        self._after(kind, order)

    def remove_part(self, kind: str, order: Row, part: Row) -> None:
        """Remove a line or a payment."""
        self._refuse_finished(order, kind)
        if kind == LINES and self.invoiced(order["id"])[part["id"]]:
            raise Invalid({"id": "cannot be removed: the line is invoiced"})
        self._account.remove(kind, part["id"])
        self._after(kind, order)

    def _refuse_finished(self, order: Row, kind: str) -> None:
        if order["status"] == "canceled" or (order["status"] == "closed" and kind != PAYMENTS):
            raise Invalid({"order_id": f"is {order['status']}: its parts cannot be changed"})

    def _line(self, values: Row) -> Row:
        lookup = values.pop("item_lookup", None)
        if lookup is not None:
            found = [i for i in self._account.all("items") if i["public_id"] == lookup]
            if not found:
                raise Invalid({"item_lookup": "matches no item"})
            values["item_id"] = found[0]["id"]
        if values.get("item_id") is None:
            raise Invalid({"item_id": "can't be blank"})
        item = self._account.require("items", values["item_id"], "item_id")
        if values["qty"] < 1:
            raise Invalid({"qty": "must be greater than 0"})
        price = values.get("adjusted_unit_price")
        if price is None:
            price = values.get("original_unit_price")
        price = item["price"] if price is None else price
        if Decimal(price) < 0:
            raise Invalid({"adjusted_unit_price": "must be greater than or equal to 0"})
        values["adjusted_unit_price"] = Decimal(price)
        values.setdefault("original_unit_price", Decimal(item["price"]))
        values.setdefault("ship_from_location_id", None)
        values.setdefault("total_tax", Decimal(0))
        return values

    def _after(self, kind: str, order: Row) -> None:
        order = self._account.get(ORDERS, order["id"]) or order
        if kind == PAYMENTS and order["status"] == "open" and self._refunded(order["id"]):
            reasons = list(self.reasons(order))
            order = self._account.put(
                ORDERS, order["id"], {"status": "pending", "_reasons": reasons}
            )
        self.settle(order)

    # -- what follows -------------------------------------------------------------------------

    def settle(self, order: Row) -> None:
        """Commit what an open order still has to ship, and close one that is invoiced in full."""
        promised: Counter[Place] = Counter()
        lines = self._account.children(LINES, order["id"])
        if order["status"] == "open":
            done = self.completed(order["id"])
            if lines and all(done[line["id"]] >= line["qty"] for line in lines):
                order = self._account.put(ORDERS, order["id"], {"status": "closed"})
            else:
                for line in lines:
                    site = line["ship_from_location_id"]
                    if site is not None and self._stock.tracked(line["item_id"]):
                        promised[line["item_id"], site] += line["qty"] - done[line["id"]]
        self._stock.commit(order, promised)

    def reasons(self, order: Row) -> Iterator[Row]:
        """Yield why an order cannot open."""
        number = order["id"]
        if not self._account.children(LINES, number):
            yield {"code": "no_lines", "message": "the order has no lines"}
        paid = self.paid(number)
        total = self.total(order)
        if self._refunded(number):
            yield {"code": "refund", "message": "a refund was taken on an order that is not closed"}
        elif paid > total or (self._has_payments(number) and paid != total):
            # A deposit is part of the price by nature; any other payment pays the whole.
            yield {
                "code": "payment_mismatch",
                "message": f"payments are {paid} and the total is {total}",
            }
        if order.get("shipping_address_id") is None:
            yield {"code": "missing_address", "message": "the order has no shipping address"}
        for field in self._account.all("custom_fields"):
            is_asked = field["group_id"] == "sales.transaction" and field["required"]
            if is_asked and not (order.get("custom") or {}).get(field["key"]):
                message = f"the custom field {field['key']} is required"
                yield {"code": "custom_field", "field": field["key"], "message": message}
        for discount in self._account.children(DISCOUNTS, number):
            if Decimal(discount["amount"]) > total + Decimal(discount["amount"]):
                yield {"code": "wrong_discount", "message": "a discount exceeds the order"}

    def _has_payments(self, number: int) -> bool:
        return any(not p.get("deposit") for p in self._account.children(PAYMENTS, number))

    def _refunded(self, number: int) -> bool:
        return any(Decimal(p["amount"]) < 0 for p in self._account.children(PAYMENTS, number))

    def total(self, order: Row) -> Decimal:
        """Return lines, shipping and taxes less discounts."""
        number = order["id"]
        lines = self._account.children(LINES, number)
        total = sum((Decimal(x["adjusted_unit_price"]) * x["qty"] for x in lines), Decimal(0))
        total += Decimal(order.get("shipping_charge") or 0) + self.surcharge
        total += sum(
            (Decimal(t["value"]) for t in self._account.children(TAXES, number)), Decimal(0)
        )
        return total - sum(
            (Decimal(d["amount"]) for d in self._account.children(DISCOUNTS, number)), Decimal(0)
        )

    def paid(self, number: int) -> Decimal:
        """Return the sum of the payments."""
        found = self._account.children(PAYMENTS, number)
        return sum((Decimal(p["amount"]) for p in found), Decimal(0))

    # -- what is invoiced ---------------------------------------------------------------------

    def invoiced(self, number: int) -> Counter[int]:
        """Return units by order line that stand on an invoice, complete or not."""
        return self._on_invoices(number, ("pending", "complete"))

    def completed(self, number: int) -> Counter[int]:
        """Return units by order line that are invoiced for good."""
        return self._on_invoices(number, ("complete",))

    def _on_invoices(self, number: int, states: tuple[str, ...]) -> Counter[int]:
        units: Counter[int] = Counter()
        for invoice in self.invoices(number):
            if invoice["status"] in states:
                for line in self._account.children("sales/invoices/lines", invoice["id"]):
                    if line["type"] == "ItemLine":
                        for line_id, taken in line["_of"].items():
                            units[int(line_id)] += taken
        return units

    def invoices(self, number: int) -> list[Row]:
        """Return the invoices of an order."""
        numbers = (self._account.get(ORDERS, number) or {}).get("_invoices") or []
        found = [self._account.get("sales/invoices", n) for n in numbers]
        return [row for row in found if row is not None]

    def shown(self, order: Row) -> Row:
        """Return an order with what the account works out."""
        number = order["id"]
        return {
            **order,
            "total": self.total(order),
            "total_paid": self.paid(number),
            "pending_reasons": order["_reasons"],
        }
