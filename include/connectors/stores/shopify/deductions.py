"""Discount allocations and tax lines, as lines and charges both carry them."""

from __future__ import annotations

from collections.abc import Sequence

from include.connectors.stores.shopify import nodes
from include.connectors.stores.shopify.values import SURPRISES, Bags, drift_of, rate_of
from include.domain.money import Amount
from include.domain.order import Discount, TaxLine


def discounts_of(allocations: list[nodes.DiscountAllocation], bags: Bags) -> tuple[Discount, ...]:
    """Read discount allocations.

    Args:
        allocations: ``discountAllocations``.
        bags: Reads money.

    Raises:
        Drift: One of them is not what the schema promises.
    """
    found = []
    for index, node in enumerate(allocations):
        try:
            amount = bags.required(node.allocated_amount_set, "allocatedAmountSet")
        except SURPRISES as error:
            raise drift_of(error, f"discountAllocations[{index}]") from None
        source = node.discount_application
        found.append(Discount(amount, (source.code or source.title or None) if source else None))
    return tuple(found)


def taxes_of(
    taxes: list[nodes.TaxLine], bags: Bags, left: Sequence[Amount] | None = None
) -> tuple[TaxLine, ...]:
    """Read tax lines.

    Args:
        taxes: ``taxLines``.
        bags: Reads money.
        left: What is left of each, all of it when not given.

    Raises:
        Drift: One of them is not what the schema promises.
    """
    found = []
    for index, node in enumerate(taxes):
        try:
            amount = bags.required(node.price_set, "priceSet")
            found.append(
                TaxLine(
                    node.title,
                    amount,
                    amount if left is None else left[index],
                    rate_of(node.rate),
                    None,
                    # Null says that liability is unknown; tax is ours unless the channel says else.
                    node.channel_liable is True,
                )
            )
        except SURPRISES as error:
            raise drift_of(error, f"taxLines[{index}]") from None
    return tuple(found)
