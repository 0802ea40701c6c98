"""Reads lines and charges of a Shopify order with what is left of each, tied to the last cent."""

from __future__ import annotations

from dataclasses import dataclass

from include.connectors.stores.shopify import nodes
from include.connectors.stores.shopify.charges import (
    add_duties,
    add_fees,
    count_tip_once,
    shipping_of,
)
from include.connectors.stores.shopify.draft import Draft
from include.connectors.stores.shopify.lines import read_line
from include.connectors.stores.shopify.refunds import Returned
from include.connectors.stores.shopify.settling import empty, settle_shares
from include.connectors.stores.shopify.values import (
    SURPRISES,
    Bags,
    complete,
    drift_of,
    id_of,
    is_stated,
)
from include.domain.money import NOTHING
from include.domain.order import Charge, ChargeKind, OrderLine, StatedTotals


@dataclass(frozen=True, slots=True)
class Parts:
    """Lines and charges of an order, as the canonical order carries them."""

    lines: tuple[OrderLine, ...]
    charges: tuple[Charge, ...]


def read_parts(
    document: nodes.Order,
    *,
    bags: Bags,
    stated: StatedTotals,
    returned: Returned,
    taxes_included: bool,
    is_cancelled: bool,
) -> Parts:
    """Read lines and charges with what is left of each.

    Args:
        document: The order document.
        bags: Reads money in shop and presentment currency.
        stated: The store's totals, which decide how the share of removed units is rounded.
        returned: What refunds took off.
        taxes_included: Whether prices contain their taxes.
        is_cancelled: Whether the order is cancelled.

    Raises:
        Drift: Something is not what the schema promises.
    """
    draft = Draft(bags, taxes_included)
    location_id = _location(document)
    for index, line in enumerate(complete(document.line_items, "lineItems")):
        try:
            read_line(line, draft, returned, location_id)
        except SURPRISES as error:
            raise drift_of(error, f"lineItems.nodes[{index}]") from None
    if stated.tip != NOTHING:
        count_tip_once(draft, stated.tip)
    for index, ship in enumerate(complete(document.shipping_lines, "shippingLines")):
        try:
            draft.charges.append(shipping_of(ship, index, bags, returned))
        except SURPRISES as error:
            raise drift_of(error, f"shippingLines.nodes[{index}]") from None
    if draft.duties:
        add_duties(draft, stated, returned, included=document.duties_included is True)
    if document.additional_fees:
        says_current = is_stated(document.current_total_additional_fees_set)
        add_fees(draft, document.additional_fees, stated, says_current=says_current)
    if draft.partial:
        settle_shares(draft, document.current_tax_lines or (), stated)
    if is_cancelled and stated.current_total == NOTHING:
        empty(draft)
    if stated.rounding != NOTHING:
        draft.charges.append(
            Charge(
                charge_id="rounding",
                kind=ChargeKind.ROUNDING,
                title="Cash rounding",
                price=stated.rounding,
                current_price=stated.rounding,
            )
        )
    return Parts(tuple(draft.lines), tuple(draft.charges))


def _location(document: nodes.Order) -> str | None:
    """Return the one location that sold or shipped the order, if there is just one."""
    if document.retail_location is not None:
        return document.retail_location.id
    if not document.fulfillments:
        return None
    found = {id_of(node.location) for node in document.fulfillments if node.status == "SUCCESS"}
    return found.pop() if len(found) == 1 else None
