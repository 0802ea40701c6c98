"""Reads what a Shopify order charges beside its lines: shipping, duties, fees, a tip."""

from __future__ import annotations

from dataclasses import replace

from include.connectors.stores.shopify import nodes
from include.connectors.stores.shopify.deductions import discounts_of, taxes_of
from include.connectors.stores.shopify.draft import Draft
from include.connectors.stores.shopify.refunds import Returned
from include.connectors.stores.shopify.remainders import (
    Remainder,
    less,
    scaled,
    settle,
    split_refunded,
)
from include.connectors.stores.shopify.values import (
    SURPRISES,
    Bags,
    Codes,
    drift_of,
    is_stated,
)
from include.domain.money import NOTHING, Amount, allocate, total_of
from include.domain.order import Charge, ChargeKind, Discount, LineKind, StatedTotals, TaxLine


def count_tip_once(draft: Draft, tip: Amount) -> None:
    """Mark the lines that are the tip, or add it as a charge where no line is.

    The schema has no flag for it: a tip that is a line is one without catalogue entry, delivery
    and tax, and such lines add up to the stated tip. Its title follows the buyer's language.

    Args:
        draft: What was read so far.
        tip: The tip that the store states.
    """
    candidates = [
        index
        for index, line in enumerate(draft.lines)
        if line.kind is LineKind.CUSTOM
        and not line.requires_shipping
        and not line.taxes
        and line.sku is None
    ]
    worth = {
        index: draft.lines[index].unit_price.times(draft.lines[index].quantity)
        for index in candidates
    }
    named = [index for index in candidates if draft.lines[index].title.casefold() == "tip"]
    for group in (named, candidates, *([index] for index in candidates)):
        if group and total_of(worth[index] for index in group) == tip:
            for index in group:
                draft.lines[index] = replace(draft.lines[index], kind=LineKind.TIP)
            return
    draft.charges.append(
        Charge(charge_id="tip", kind=ChargeKind.TIP, title="Tip", price=tip, current_price=tip)
    )


def shipping_of(node: nodes.ShippingLine, index: int, bags: Bags, returned: Returned) -> Charge:
    """Read a shipping line with what is left of it.

    Args:
        node: A ``ShippingLine``.
        index: Its position, which names it where it has no id.
        bags: Reads money.
        returned: What refunds took off.

    Raises:
        Drift: Something is not what the schema promises; its path begins at the shipping line.
    """
    charge_id = node.id or None
    price = bags.required(node.original_price_set, "originalPriceSet")
    allocations = node.discount_allocations
    discounts = discounts_of(allocations, bags) if allocations else ()
    discounted = price
    if is_stated(node.discounted_price_set):
        discounted = bags.required(node.discounted_price_set, "discountedPriceSet")
        if not discounts and discounted != price:
            discounts = (Discount(less(price, discounted)),)
    removed = node.is_removed is True
    taken = returned.charges.get(charge_id) if charge_id and returned.charges else None
    if removed:
        current = NOTHING
    elif is_stated(node.current_discounted_price_set):
        current = bags.required(node.current_discounted_price_set, "currentDiscountedPriceSet")
    else:
        current = less(discounted, taken.amount) if taken else discounted
    tax_nodes = node.tax_lines
    taxes: tuple[TaxLine, ...] = ()
    if tax_nodes:
        taxes = taxes_of(tax_nodes, bags)
        if removed:
            taxes = tuple(replace(tax, current_amount=NOTHING) for tax in taxes)
        elif taken is not None:
            wholes = [tax.amount for tax in taxes]
            parts = split_refunded(taken.tax, wholes, bags.codes)
            taxes = taxes_of(
                tax_nodes, bags, [less(a, b) for a, b in zip(wholes, parts, strict=True)]
            )
    return Charge(
        charge_id=charge_id or f"shipping-{index + 1}",
        kind=ChargeKind.SHIPPING,
        title=node.title or "",
        price=price,
        current_price=current,
        code=node.code or None,
        discounts=discounts,
        taxes=taxes,
        removed=removed,
    )


def duty_of(node: nodes.Duty, line_id: str, bags: Bags) -> Charge:
    """Read a duty of a line, before refunds and edits.

    Args:
        node: A ``Duty``.
        line_id: The line that it is for.
        bags: Reads money.

    Raises:
        Drift: Something is not what the schema promises; its path begins at the duty.
    """
    price = bags.required(node.price, "price")
    return Charge(
        charge_id=node.id,
        kind=ChargeKind.DUTY,
        title="Import duty",
        price=price,
        current_price=price,
        taxes=taxes_of(node.tax_lines, bags) if node.tax_lines else (),
        line_id=line_id,
    )


def add_duties(draft: Draft, stated: StatedTotals, returned: Returned, *, included: bool) -> None:
    """Add the duties less what was refunded of them and, if the total says so, of removed units.

    Args:
        draft: What was read so far.
        stated: The store's totals.
        returned: What refunds took off.
        included: Whether prices contain the duties.
    """
    codes = draft.codes
    left = []
    for charge, _, _ in draft.duties:
        taken = returned.charges.get(charge.charge_id)
        left.append(less(charge.price, taken.amount) if taken else charge.price)
    if total_of(left) != stated.current_duties:
        shares = [
            Remainder(amount, current, before_edit, codes)
            for amount, (_, current, before_edit) in zip(left, draft.duties, strict=True)
        ]
        residue = stated.current_duties.minus(total_of(share.amount for share in shares))
        settle(shares, residue, codes)
        left = [share.amount for share in shares]
    for (charge, current, before_edit), amount in zip(draft.duties, left, strict=True):
        taxes = charge.taxes
        if taxes and amount != charge.price:
            kept = [Remainder(tax.amount, current, before_edit, codes).amount for tax in taxes]
            taxes = tuple(
                replace(tax, current_amount=part) for tax, part in zip(taxes, kept, strict=True)
            )
        # With duties in the prices the lines hold the money already: the charge only names it.
        draft.charges.append(
            replace(
                charge,
                price=NOTHING if included else charge.price,
                current_price=NOTHING if included else amount,
                taxes=taxes,
            )
        )


def add_fees(
    draft: Draft, fees: list[nodes.AdditionalFee], stated: StatedTotals, *, says_current: bool
) -> None:
    """Add the additional fees; after returns only their total is stated: it is split by price.

    Args:
        draft: What was read so far.
        fees: ``additionalFees``.
        stated: The store's totals.
        says_current: Whether their total after returns is stated.

    Raises:
        Drift: One of them is not what the schema promises.
    """
    bags, codes = draft.bags, draft.codes
    prices: list[Amount] = []
    for index, node in enumerate(fees):
        try:
            prices.append(bags.required(node.price, "price"))
        except SURPRISES as error:
            raise drift_of(error, f"additionalFees[{index}]") from None
    left = prices
    if says_current and total_of(prices) != stated.current_fees:
        left = _split(stated.current_fees, prices, codes)
    for index, (node, price, current) in enumerate(zip(fees, prices, left, strict=True)):
        try:
            taxes = taxes_of(node.tax_lines, bags) if node.tax_lines else ()
            if current != price and price[0] and price[1]:
                taxes = tuple(
                    replace(
                        tax,
                        current_amount=Amount(
                            scaled(tax.amount, current[0], price[0], codes)[0],
                            scaled(tax.amount, current[1], price[1], codes)[1],
                        ),
                    )
                    for tax in taxes
                )
            draft.charges.append(
                Charge(
                    charge_id=node.id,
                    kind=ChargeKind.FEE,
                    title=node.name or "",
                    price=price,
                    current_price=current,
                    taxes=taxes,
                )
            )
        except SURPRISES as error:
            raise drift_of(error, f"additionalFees[{index}]") from None


def _split(total: Amount, prices: list[Amount], codes: Codes) -> list[Amount]:
    shop = allocate(total[0], [price[0] for price in prices], codes[0])
    buyer = allocate(total[1], [price[1] for price in prices], codes[1])
    return [Amount(ours, theirs) for ours, theirs in zip(shop, buyer, strict=True)]
