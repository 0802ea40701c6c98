"""Says in words what an order breaks: the rule, the order's figures, and what to do about it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from include.domain.columns import Rows
from include.domain.money import Money, exponent
from include.domain.verdict import Finding
from include.quality.frame import text_of
from include.quality.suite import ID_COLUMN, Rule

_MINOR = "_minor"


class Figures:
    """Spells out the figures of the orders that something is found about.

    Args:
        columns: Names of the columns.
        rows: One row an order.
        order_ids: Store ids of the orders that something is found about.
    """

    def __init__(
        self, columns: Sequence[str], rows: Rows, order_ids: Collection[str | None]
    ) -> None:
        self.places = {name: place for place, name in enumerate(columns)}
        self.row_count = len(rows)
        self._by_id: dict[str, Sequence[object]] = {}
        if order_ids:
            ids = rows.columns[self.places[ID_COLUMN]]
            for at in range(len(rows)):
                order_id = text_of(ids[at])
                if order_id in order_ids and order_id is not None:
                    self._by_id.setdefault(order_id, rows[at])

    def of(self, order_id: str, columns: Sequence[str]) -> str:
        """Return figures of one order, named, amounts in their currency.

        Args:
            order_id: Store id of one of the orders that were named.
            columns: Which figures.
        """
        row = self._by_id[order_id]
        return ", ".join(
            f"{name.removesuffix(_MINOR)} {self._spelled(name, row)}"
            for name in columns
            if name in self.places
        )

    def _spelled(self, name: str, row: Sequence[object]) -> str:
        value = row[self.places[name]]
        if value is None:
            return "missing"
        if isinstance(value, datetime):
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        if isinstance(value, int) and name.endswith(_MINOR):
            of_buyer = name.startswith("presentment_")
            currency = str(row[self.places["presentment_currency" if of_buyer else "currency"]])
            if len(currency) == 3 and currency.isalpha():  # noqa: PLR2004 - ISO 4217
                return str(Money(Decimal(value).scaleb(-exponent(currency)), currency))
            return f"{value} minor units"
        return str(value)


def finding_of(rule: Rule, order_id: str, number: str, figures: Figures) -> Finding:
    """Return what a person reads of an order that breaks a rule.

    Args:
        rule: The rule.
        order_id: Store id.
        number: The number people use; empty where it is missing.
        figures: Spells out the figures that the rule shows.
    """
    name = f"order {number}" if number else f"the order with store id {order_id}"
    shown = figures.of(order_id, rule.show)
    detail = f"field {rule.field}, rule {rule.name}" + (f"; {shown}" if shown else "")
    return Finding(
        order_id_store=order_id,
        order_number=number,
        reason_class=rule.reason_class,
        rule=rule.name,
        message=f"{name}: {rule.message} ({detail}). {rule.action}.",
        severity=rule.severity,
        field=rule.field,
    )
