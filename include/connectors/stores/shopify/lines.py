"""Reads the lines of a Shopify order, and works out what is left of each.

A line states quantity, price, discount allocations and taxes for all units ever ordered ("including
refunded and removed quantities"); what it is worth now is that, less what refunds state exactly,
less the share of the units that an edit removed. Most lines are untouched and take a short way.
"""

from __future__ import annotations

from msgspec import UNSET

from include.connectors.stores.shopify import nodes
from include.connectors.stores.shopify.charges import duty_of
from include.connectors.stores.shopify.deductions import discounts_of, taxes_of
from include.connectors.stores.shopify.draft import Draft
from include.connectors.stores.shopify.refunds import Returned, Taken
from include.connectors.stores.shopify.remainders import Remainder, less, split_refunded
from include.connectors.stores.shopify.values import SURPRISES, drift_of
from include.domain.money import Amount, minor_unit
from include.domain.order import Discount, LineKind, OrderLine, TaxLine


def read_line(
    node: nodes.LineItem, draft: Draft, returned: Returned, location_id: str | None
) -> None:
    """Add a line to the draft, and note what of it had to be rounded.

    Args:
        node: A ``LineItem``.
        draft: What was read so far.
        returned: What refunds took off.
        location_id: The one location of the order, if there is just one.

    Raises:
        Drift: Something is not what the schema promises; its path begins at the line.
    """
    bags = draft.bags
    line_id, quantity, current = node.id, node.quantity, node.current_quantity
    unit = bags.required(node.original_unit_price_set, "originalUnitPriceSet")
    allocations = node.discount_allocations
    # `discountedTotalSet` leaves order-level and code discounts out; the allocations hold them all.
    discounts = discounts_of(allocations, bags) if allocations else ()
    whole = _extended(unit, quantity, discounts)
    taken = returned.lines.get(line_id) if returned.lines else None
    tax_nodes = node.tax_lines
    if current == quantity and taken is None:
        price = whole
        taxes = taxes_of(tax_nodes, bags) if tax_nodes else ()
    else:
        price, taxes = _left_of_line(draft, whole, tax_nodes, (quantity, current), taken)
    sku = node.sku or None
    variant, product = node.variant, node.product
    variant_id = variant.id if variant else None
    product_id = product.id if product else None
    draft.lines.append(
        OrderLine(
            line_id=line_id,
            kind=_line_kind(node, sku, variant_id or product_id),
            sku=sku,
            title=node.title or "",
            quantity=quantity,
            current_quantity=current,
            unit_price=unit,
            current_price=price,
            discounts=discounts,
            taxes=taxes,
            variant_id_store=variant_id,
            product_id_store=product_id,
            variant_title=node.variant_title or None,
            location_id=location_id,
            requires_shipping=node.requires_shipping,
            taxable=node.taxable,
            fulfilled_quantity=_fulfilled(node.unfulfilled_quantity, current),
        )
    )
    if node.duties:
        gone = taken.units if taken else 0
        for index, duty in enumerate(node.duties):
            try:
                charge = duty_of(duty, line_id, bags)
            except SURPRISES as error:
                raise drift_of(error, f"duties[{index}]") from None
            draft.duties.append((charge, current, quantity - gone))


def _fulfilled(waiting: int | None, current: int) -> int | None:
    """Return how many of the units that are left were handed over."""
    if waiting is None:
        return None
    return min(max(current - waiting, 0), current) if current > 0 else 0


def _line_kind(node: nodes.LineItem, sku: str | None, catalogue_id: str | None) -> LineKind:
    """Tell what a line sells; a product deleted since still names its vendor, a custom line never.

    Without access to products their ids are not selected, and only the sku can tell.
    """
    if node.is_gift_card:
        return LineKind.GIFT_CARD
    if catalogue_id or node.vendor:
        return LineKind.GOODS
    if node.variant is UNSET and node.product is UNSET and sku:
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
    tax_nodes: list[nodes.TaxLine] | None,
    units: tuple[int, int],
    taken: Taken | None,
) -> tuple[Amount, tuple[TaxLine, ...]]:
    """Return what is left of a line's price and taxes, and note what had to be rounded."""
    bags, codes = draft.bags, draft.codes
    quantity, current = units
    whole_taxes = [tax.amount for tax in taxes_of(tax_nodes, bags)] if tax_nodes else []
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
    return price.amount, taxes_of(tax_nodes, bags, left_taxes) if tax_nodes else ()


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
