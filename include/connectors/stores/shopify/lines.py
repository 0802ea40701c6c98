"""Reads the lines of a Shopify order, and works out what is left of each.

A line states quantity, price, discount allocations and taxes for all units ever ordered ("including
refunded and removed quantities"); what it is worth now is that, less what refunds state exactly,
less the share of the units that an edit removed. Most lines are untouched and take a short way.
"""

from __future__ import annotations

from include.connectors.stores.shopify.charges import duty_of
from include.connectors.stores.shopify.deductions import discounts_of, taxes_of
from include.connectors.stores.shopify.draft import Draft
from include.connectors.stores.shopify.refunds import Returned, Taken
from include.connectors.stores.shopify.remainders import Remainder, less, split_refunded
from include.connectors.stores.shopify.values import (
    SURPRISES,
    Drift,
    Node,
    drift_of,
    flag,
    id_of,
    money,
    required_text,
    text,
)
from include.domain.money import Amount, minor_unit
from include.domain.order import Discount, LineKind, OrderLine, TaxLine


def read_line(node: Node, draft: Draft, returned: Returned, location_id: str | None) -> None:
    """Add a line to the draft, and note what of it had to be rounded.

    Args:
        node: A ``LineItem``.
        draft: What was read so far.
        returned: What refunds took off.
        location_id: The one location of the order, if there is just one.

    Raises:
        Drift: Something is not what the schema promises; its path begins at the line.
    """
    shop, buyer = draft.codes
    line_id = required_text(node, "id")
    quantity = node["quantity"]
    current = node["currentQuantity"]
    if type(quantity) is not int or type(current) is not int:
        key = "quantity" if type(quantity) is not int else "currentQuantity"
        raise Drift(key, f"is {node[key]!r} where a whole number was promised")
    unit = money(node, "originalUnitPriceSet", shop, buyer)
    allocations = node.get("discountAllocations")
    # `discountedTotalSet` leaves order-level and code discounts out; the allocations hold them all.
    discounts = discounts_of(allocations, draft.codes) if allocations else ()
    whole = _extended(unit, quantity, discounts)
    taken = returned.lines.get(line_id) if returned.lines else None
    tax_nodes = node.get("taxLines")
    if current == quantity and taken is None:
        price = whole
        taxes = taxes_of(tax_nodes, draft.codes) if tax_nodes else ()
    else:
        price, taxes = _left_of_line(draft, whole, tax_nodes, (quantity, current), taken)
    sku = text(node, "sku")
    requires_shipping = flag(node, "requiresShipping")
    variant_id = id_of(node, "variant")
    product_id = id_of(node, "product")
    draft.lines.append(
        OrderLine(
            line_id=line_id,
            kind=_line_kind(node, sku, variant_id or product_id),
            sku=sku,
            title=text(node, "title") or "",
            quantity=quantity,
            current_quantity=current,
            unit_price=unit,
            current_price=price,
            discounts=discounts,
            taxes=taxes,
            variant_id_store=variant_id,
            product_id_store=product_id,
            variant_title=text(node, "variantTitle"),
            location_id=location_id,
            requires_shipping=requires_shipping,
            taxable=flag(node, "taxable"),
            fulfilled_quantity=_fulfilled(node, current),
        )
    )
    if node.get("duties"):
        gone = taken.units if taken else 0
        for index, duty in enumerate(node["duties"]):
            try:
                charge = duty_of(duty, line_id, draft.codes)
            except SURPRISES as error:
                raise drift_of(error, f"duties[{index}]") from None
            draft.duties.append((charge, current, quantity - gone))


def _fulfilled(node: Node, current: int) -> int | None:
    """Return how many of the units that are left were handed over."""
    waiting = node.get("unfulfilledQuantity")
    if waiting is None:
        return None
    if type(waiting) is not int:
        raise Drift("unfulfilledQuantity", f"is {waiting!r} where a whole number was promised")
    return min(max(current - waiting, 0), current) if current > 0 else 0


def _line_kind(node: Node, sku: str | None, catalogue_id: str | None) -> LineKind:
    """Tell what a line sells; a product deleted since still names its vendor, a custom line never.

    Without access to products their ids are not selected, and only the sku can tell.
    """
    if node.get("isGiftCard") is True:
        return LineKind.GIFT_CARD
    if catalogue_id or node.get("vendor"):
        return LineKind.GOODS
    if "variant" not in node and "product" not in node and sku:
        return LineKind.GOODS
    return LineKind.CUSTOM


def _extended(unit: Amount, quantity: int, discounts: tuple[Discount, ...]) -> Amount:
    if not discounts:
        if quantity == 1:
            return unit
        shop = unit[0] * quantity
        return Amount(shop, shop) if unit[0] is unit[1] else Amount(shop, unit[1] * quantity)
    shop = unit[0] * quantity
    if unit[0] is unit[1]:
        for discount in discounts:
            shop -= discount.amount[0]
        return Amount(shop, shop)
    buyer = unit[1] * quantity
    for discount in discounts:
        shop -= discount.amount[0]
        buyer -= discount.amount[1]
    return Amount(shop, buyer)


def _left_of_line(
    draft: Draft,
    whole: Amount,
    tax_nodes: list[Node] | None,
    units: tuple[int, int],
    taken: Taken | None,
) -> tuple[Amount, tuple[TaxLine, ...]]:
    """Return what is left of a line's price and taxes, and note what had to be rounded."""
    codes = draft.codes
    quantity, current = units
    whole_taxes = [tax.amount for tax in taxes_of(tax_nodes, codes)] if tax_nodes else []
    before_edit = quantity
    left, left_taxes = whole, whole_taxes
    if taken is not None:
        before_edit -= taken.units
        left = less(whole, _refunded_price(draft, whole, quantity, taken))
        if whole_taxes:
            parts = split_refunded(taken.tax, whole_taxes, codes)
            left_taxes = [less(a, b) for a, b in zip(whole_taxes, parts, strict=True)]
    price = Remainder(left, current, before_edit, codes)
    taxes = [Remainder(tax, current, before_edit, codes) for tax in left_taxes]
    draft.partial[len(draft.lines)] = (price, taxes)
    left_taxes = [tax.amount for tax in taxes]
    return price.amount, taxes_of(tax_nodes, codes, left_taxes) if tax_nodes else ()


def _refunded_price(draft: Draft, whole: Amount, quantity: int, taken: Taken) -> Amount:
    """Return what refunds took off a line's price, on the same footing as the price.

    The schema does not say whether a refunded subtotal holds the taxes that the price includes:
    where it is short of the units' share by just those taxes, they are added.
    """
    if not draft.taxes_included or not taken.tax[0] or not quantity:
        return taken.amount
    share = whole[0] * taken.units / quantity
    short = share - taken.amount[0]
    if short < minor_unit(draft.codes[0]) * taken.units or abs(short - taken.tax[0]) >= short:
        return taken.amount
    return taken.amount.plus(taken.tax)
