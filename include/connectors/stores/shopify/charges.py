"""Reads what a Shopify order charges beside its lines: shipping, duties, fees, a tip."""

from __future__ import annotations

from dataclasses import replace

from include.connectors.stores.shopify.deductions import discounts_of, taxes_of
from include.connectors.stores.shopify.draft import Draft
from include.connectors.stores.shopify.refunds import Codes, Returned
from include.connectors.stores.shopify.remainders import (
    Remainder,
    less,
    scaled,
    settle,
    split_refunded,
)
from include.connectors.stores.shopify.values import (
    SURPRISES,
    Node,
    drift_of,
    money,
    required_text,
    text,
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


def shipping_of(node: Node, index: int, codes: Codes, returned: Returned) -> Charge:
    """Read a shipping line with what is left of it.

    Args:
        node: A ``ShippingLine``.
        index: Its position, which names it where it has no id.
        codes: Shop and presentment currency.
        returned: What refunds took off.

    Raises:
        Drift: Something is not what the schema promises; its path begins at the shipping line.
    """
    shop, buyer = codes
    charge_id = text(node, "id")
    price = money(node, "originalPriceSet", shop, buyer)
    allocations = node.get("discountAllocations")
    discounts = discounts_of(allocations, codes) if allocations else ()
    discounted = price
    if node.get("discountedPriceSet") is not None:
        discounted = money(node, "discountedPriceSet", shop, buyer)
        if not discounts and discounted != price:
            discounts = (Discount(less(price, discounted)),)
    removed = node.get("isRemoved") is True
    taken = returned.charges.get(charge_id) if charge_id and returned.charges else None
    if removed:
        current = NOTHING
    elif node.get("currentDiscountedPriceSet") is not None:
        current = money(node, "currentDiscountedPriceSet", shop, buyer)
    else:
        current = less(discounted, taken.amount) if taken else discounted
    tax_nodes = node.get("taxLines")
    taxes: tuple[TaxLine, ...] = ()
    if tax_nodes:
        taxes = taxes_of(tax_nodes, codes)
        if removed:
            taxes = tuple(replace(tax, current_amount=NOTHING) for tax in taxes)
        elif taken is not None:
            wholes = [tax.amount for tax in taxes]
            parts = split_refunded(taken.tax, wholes, codes)
            taxes = taxes_of(
                tax_nodes, codes, [less(a, b) for a, b in zip(wholes, parts, strict=True)]
            )
    return Charge(
        charge_id=charge_id or f"shipping-{index + 1}",
        kind=ChargeKind.SHIPPING,
        title=text(node, "title") or "",
        price=price,
        current_price=current,
        code=text(node, "code"),
        discounts=discounts,
        taxes=taxes,
        removed=removed,
    )


def duty_of(node: Node, line_id: str, codes: Codes) -> Charge:
    """Read a duty of a line, before refunds and edits.

    Args:
        node: A ``Duty``.
        line_id: The line that it is for.
        codes: Shop and presentment currency.

    Raises:
        Drift: Something is not what the schema promises; its path begins at the duty.
    """
    price = money(node, "price", *codes)
    tax_nodes = node.get("taxLines")
    return Charge(
        charge_id=required_text(node, "id"),
        kind=ChargeKind.DUTY,
        title="Import duty",
        price=price,
        current_price=price,
        code=text(node, "harmonizedSystemCode"),
        taxes=taxes_of(tax_nodes, codes) if tax_nodes else (),
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


def add_fees(draft: Draft, fees: list[Node], document: Node, stated: StatedTotals) -> None:
    """Add the additional fees; after returns only their total is stated: it is split by price.

    Args:
        draft: What was read so far.
        fees: Nodes of ``additionalFees``.
        document: The order document.
        stated: The store's totals.

    Raises:
        Drift: One of them is not what the schema promises.
    """
    codes = draft.codes
    prices: list[Amount] = []
    for index, node in enumerate(fees):
        try:
            prices.append(money(node, "price", *codes))
        except SURPRISES as error:
            raise drift_of(error, f"additionalFees[{index}]") from None
    left = prices
    says_current = document.get("currentTotalAdditionalFeesSet") is not None
    if says_current and total_of(prices) != stated.current_fees:
        left = _split(stated.current_fees, prices, codes)
    for index, (node, price, current) in enumerate(zip(fees, prices, left, strict=True)):
        try:
            tax_nodes = node.get("taxLines")
            taxes = taxes_of(tax_nodes, codes) if tax_nodes else ()
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
                    charge_id=required_text(node, "id"),
                    kind=ChargeKind.FEE,
                    title=text(node, "name") or "",
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
