"""Discount allocations and tax lines, as lines and charges both carry them."""

from __future__ import annotations

from collections.abc import Sequence

from include.connectors.stores.shopify.refunds import Codes
from include.connectors.stores.shopify.values import (
    SURPRISES,
    Node,
    drift_of,
    money,
    rate_of,
    required_text,
    text,
)
from include.domain.money import Amount
from include.domain.order import Discount, TaxLine


def discounts_of(allocations: list[Node], codes: Codes) -> tuple[Discount, ...]:
    """Read discount allocations.

    Args:
        allocations: Nodes of ``discountAllocations``.
        codes: Shop and presentment currency.

    Raises:
        Drift: One of them is not what the schema promises.
    """
    found = []
    for index, node in enumerate(allocations):
        try:
            amount = money(node, "allocatedAmountSet", *codes)
            source = node.get("discountApplication")
            name = (text(source, "code") or text(source, "title")) if source else None
        except SURPRISES as error:
            raise drift_of(error, f"discountAllocations[{index}]") from None
        found.append(Discount(amount, name))
    return tuple(found)


def taxes_of(
    tax_nodes: list[Node], codes: Codes, left: Sequence[Amount] | None = None
) -> tuple[TaxLine, ...]:
    """Read tax lines.

    Args:
        tax_nodes: Nodes of ``taxLines``.
        codes: Shop and presentment currency.
        left: What is left of each, all of it when not given.

    Raises:
        Drift: One of them is not what the schema promises.
    """
    shop, buyer = codes
    found = []
    for index, node in enumerate(tax_nodes):
        try:
            amount = money(node, "priceSet", shop, buyer)
            found.append(
                TaxLine(
                    required_text(node, "title"),
                    amount,
                    amount if left is None else left[index],
                    rate_of(node.get("rate")),
                    None,
                    # Null says that liability is unknown; tax is ours unless the channel says else.
                    node.get("channelLiable") is True,
                )
            )
        except SURPRISES as error:
            raise drift_of(error, f"taxLines[{index}]") from None
    return tuple(found)
