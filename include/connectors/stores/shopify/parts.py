"""Reads lines and charges of a Shopify order, and works out what is left of each.

A line states quantity, price, discount allocations and taxes for all units ever ordered ("including
refunded and removed quantities"); what it is worth now is that, less what refunds state exactly,
less the share of the units that an edit removed. Most lines are untouched and take a short way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from include.connectors.stores.shopify.refunds import Codes, Returned, Taken
from include.connectors.stores.shopify.remainders import (
    Remainder,
    less,
    scaled,
    settle,
    split_refunded,
)
from include.connectors.stores.shopify.values import (
    SURPRISES,
    Drift,
    Node,
    drift_of,
    flag,
    id_of,
    money,
    nodes,
    rate_of,
    required_text,
    text,
)
from include.domain.money import NOTHING, Amount, allocate, minor_unit, total_of
from include.domain.order import (
    Charge,
    ChargeKind,
    Discount,
    LineKind,
    OrderLine,
    StatedTotals,
    TaxLine,
)

TaxKey = tuple[str, Decimal | None]


@dataclass(frozen=True, slots=True)
class Parts:
    """Lines and charges of an order, as the canonical order carries them."""

    lines: tuple[OrderLine, ...]
    charges: tuple[Charge, ...]


@dataclass(slots=True)
class _Draft:
    """What was read so far.

    Attributes:
        partial: By line position: the remainder of its price and those of its taxes.
        duties: Duty charges with the units that stayed and were left before an edit.
    """

    codes: Codes
    taxes_included: bool
    lines: list[OrderLine] = field(default_factory=list)
    charges: list[Charge] = field(default_factory=list)
    partial: dict[int, tuple[Remainder, list[Remainder]]] = field(default_factory=dict)
    duties: list[tuple[Charge, int, int]] = field(default_factory=list)


def read_parts(
    document: Node,
    *,
    codes: Codes,
    stated: StatedTotals,
    returned: Returned,
    taxes_included: bool,
    is_cancelled: bool,
) -> Parts:
    """Read lines and charges with what is left of each.

    Args:
        document: The order document.
        codes: Shop and presentment currency.
        stated: The store's totals, which decide how the share of removed units is rounded.
        returned: What refunds took off.
        taxes_included: Whether prices contain their taxes.
        is_cancelled: Whether the order is cancelled.

    Raises:
        Drift: Something is not what the schema promises.
    """
    draft = _Draft(codes, taxes_included)
    location_id = _location(document)
    if "lineItems" not in document:
        raise Drift("lineItems", "is missing")
    for index, node in enumerate(nodes(document, "lineItems")):
        try:
            _read_line(node, draft, returned, location_id)
        except SURPRISES as error:
            raise drift_of(error, f"lineItems.nodes[{index}]") from None
    if stated.tip != NOTHING:
        _count_tip_once(draft, stated.tip)
    for index, node in enumerate(nodes(document, "shippingLines")):
        try:
            draft.charges.append(_shipping(node, index, codes, returned))
        except SURPRISES as error:
            raise drift_of(error, f"shippingLines.nodes[{index}]") from None
    if draft.duties:
        included = document.get("dutiesIncluded") is True
        _add_duties(draft, stated, returned, included=included)
    if document.get("additionalFees"):
        _add_fees(draft, document["additionalFees"], document, stated)
    if draft.partial:
        _settle(draft, document, stated)
    if is_cancelled and stated.current_total == NOTHING:
        _empty(draft)
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


def _location(document: Node) -> str | None:
    """Return the one location that sold or shipped the order, if there is just one."""
    retail = document.get("retailLocation")
    if retail is not None:
        return required_text(retail, "id")
    fulfillments = document.get("fulfillments")
    if not fulfillments:
        return None
    found = {id_of(node, "location") for node in fulfillments if node.get("status") == "SUCCESS"}
    return found.pop() if len(found) == 1 else None


def _read_line(node: Node, draft: _Draft, returned: Returned, location_id: str | None) -> None:
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
    discounts = _discounts(allocations, draft.codes) if allocations else ()
    whole = _extended(unit, quantity, discounts)
    taken = returned.lines.get(line_id) if returned.lines else None
    tax_nodes = node.get("taxLines")
    if current == quantity and taken is None:
        price = whole
        taxes = _taxes(tax_nodes, draft.codes) if tax_nodes else ()
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
                charge = _duty(duty, line_id, draft.codes)
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


def _discounts(allocations: list[Node], codes: Codes) -> tuple[Discount, ...]:
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


def _taxes(
    tax_nodes: list[Node], codes: Codes, left: Sequence[Amount] | None = None
) -> tuple[TaxLine, ...]:
    """Read tax lines; ``left`` is what is left of each, all of it when not given."""
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


def _left_of_line(
    draft: _Draft,
    whole: Amount,
    tax_nodes: list[Node] | None,
    units: tuple[int, int],
    taken: Taken | None,
) -> tuple[Amount, tuple[TaxLine, ...]]:
    """Return what is left of a line's price and taxes, and note what had to be rounded."""
    codes = draft.codes
    quantity, current = units
    whole_taxes = [tax.amount for tax in _taxes(tax_nodes, codes)] if tax_nodes else []
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
    return price.amount, _taxes(tax_nodes, codes, left_taxes) if tax_nodes else ()


def _refunded_price(draft: _Draft, whole: Amount, quantity: int, taken: Taken) -> Amount:
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


def _count_tip_once(draft: _Draft, tip: Amount) -> None:
    """Mark the lines that are the tip, or add it as a charge where no line is.

    The schema has no flag for it: a tip that is a line is one without catalogue entry, delivery
    and tax, and such lines add up to the stated tip. Its title follows the buyer's language.
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


def _shipping(node: Node, index: int, codes: Codes, returned: Returned) -> Charge:
    shop, buyer = codes
    charge_id = text(node, "id")
    price = money(node, "originalPriceSet", shop, buyer)
    allocations = node.get("discountAllocations")
    discounts = _discounts(allocations, codes) if allocations else ()
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
        taxes = _taxes(tax_nodes, codes)
        if removed:
            taxes = tuple(replace(tax, current_amount=NOTHING) for tax in taxes)
        elif taken is not None:
            wholes = [tax.amount for tax in taxes]
            parts = split_refunded(taken.tax, wholes, codes)
            taxes = _taxes(
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


def _duty(node: Node, line_id: str, codes: Codes) -> Charge:
    price = money(node, "price", *codes)
    tax_nodes = node.get("taxLines")
    return Charge(
        charge_id=required_text(node, "id"),
        kind=ChargeKind.DUTY,
        title="Import duty",
        price=price,
        current_price=price,
        code=text(node, "harmonizedSystemCode"),
        taxes=_taxes(tax_nodes, codes) if tax_nodes else (),
        line_id=line_id,
    )


def _add_duties(draft: _Draft, stated: StatedTotals, returned: Returned, *, included: bool) -> None:
    """Add the duties less what was refunded of them and, if the total says so, of removed units."""
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


def _add_fees(draft: _Draft, fees: list[Node], document: Node, stated: StatedTotals) -> None:
    """Add the additional fees; after returns only their total is stated: it is split by price."""
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
            taxes = _taxes(tax_nodes, codes) if tax_nodes else ()
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


def _settle(draft: _Draft, document: Node, stated: StatedTotals) -> None:
    """Decide the last cent of every rounded share by the totals the store states.

    Taxes first, by title and rate against ``currentTaxLines`` ("total price for all tax lines with
    the same rate and title"), then together; prices last, against the current total.
    """
    codes = draft.codes
    by_tax: dict[TaxKey, list[Remainder]] = {}
    for position, (_, taxes) in draft.partial.items():
        for tax, share in zip(draft.lines[position].taxes, taxes, strict=True):
            by_tax.setdefault((tax.title, tax.rate), []).append(share)
    if by_tax:
        said = _stated_taxes(document, codes)
        for key, shares in by_tax.items():
            if key in said:
                now = total_of(amount for found, amount in _tax_amounts(draft) if found == key)
                settle(shares, said[key].minus(now), codes)
        together = [share for shares in by_tax.values() for share in shares]
        tax_now = total_of(amount for _, amount in _tax_amounts(draft))
        settle(together, stated.current_tax.minus(tax_now), codes)
    now = total_of(_prices(draft))
    if not draft.taxes_included:
        now = now.plus(total_of(amount for _, amount in _tax_amounts(draft)))
    settle([price for price, _ in draft.partial.values()], stated.current_total.minus(now), codes)
    for position, (price, taxes) in draft.partial.items():
        line = draft.lines[position]
        draft.lines[position] = replace(
            line,
            current_price=price.amount,
            taxes=tuple(
                replace(tax, current_amount=share.amount)
                for tax, share in zip(line.taxes, taxes, strict=True)
            ),
        )


def _stated_taxes(document: Node, codes: Codes) -> dict[TaxKey, Amount]:
    found: dict[TaxKey, Amount] = {}
    for index, node in enumerate(document.get("currentTaxLines") or ()):
        try:
            key = (required_text(node, "title"), rate_of(node.get("rate")))
            found[key] = found.get(key, NOTHING).plus(money(node, "priceSet", *codes))
        except SURPRISES as error:
            raise drift_of(error, f"currentTaxLines[{index}]") from None
    return found


def _tax_amounts(draft: _Draft) -> Iterator[tuple[TaxKey, Amount]]:
    """Yield each tax as it stands, rounded shares at their present value."""
    for position, line in enumerate(draft.lines):
        shares = draft.partial.get(position)
        for index, tax in enumerate(line.taxes):
            amount = shares[1][index].amount if shares else tax.current_amount
            yield (tax.title, tax.rate), amount
    for charge in draft.charges:
        for tax in charge.taxes:
            yield (tax.title, tax.rate), tax.current_amount


def _prices(draft: _Draft) -> Iterator[Amount]:
    """Yield each price as it stands, rounded shares at their present value."""
    for position, line in enumerate(draft.lines):
        shares = draft.partial.get(position)
        yield shares[0].amount if shares else line.current_price
    for charge in draft.charges:
        yield charge.current_price


def _empty(draft: _Draft) -> None:
    """Leave nothing of any part: a cancelled order that states a total of zero is worth nothing."""
    draft.lines = [
        line
        if line.current_price == NOTHING and not any(_worth(line.taxes))
        else replace(line, current_price=NOTHING, taxes=_emptied(line.taxes))
        for line in draft.lines
    ]
    draft.charges = [
        charge
        if charge.current_price == NOTHING and not any(_worth(charge.taxes))
        else replace(charge, current_price=NOTHING, taxes=_emptied(charge.taxes))
        for charge in draft.charges
    ]


def _worth(taxes: Iterable[TaxLine]) -> Iterator[bool]:
    return (tax.current_amount != NOTHING for tax in taxes)


def _emptied(taxes: tuple[TaxLine, ...]) -> tuple[TaxLine, ...]:
    return tuple(replace(tax, current_amount=NOTHING) for tax in taxes)
