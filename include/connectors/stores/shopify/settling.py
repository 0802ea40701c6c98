"""Decides the last cent of what an edit left of lines and taxes, by the totals the store states."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from include.connectors.stores.shopify import nodes
from include.connectors.stores.shopify.draft import Draft
from include.connectors.stores.shopify.remainders import Remainder, settle
from include.connectors.stores.shopify.values import SURPRISES, Bags, drift_of, rate_of
from include.domain.money import NOTHING, Amount, total_of
from include.domain.order import StatedTotals, TaxLine

TaxKey = tuple[str, Decimal | None]


def settle_shares(
    draft: Draft, current_taxes: Sequence[nodes.TaxLine], stated: StatedTotals
) -> None:
    """Decide the last cent of every rounded share by the totals the store states.

    Taxes first, by title and rate against ``currentTaxLines`` ("total price for all tax lines with
    the same rate and title"), then together; prices last, against the current total.

    Args:
        draft: Everything that was read.
        current_taxes: ``currentTaxLines`` of the order.
        stated: The store's totals.

    Raises:
        Drift: A stated tax is not what the schema promises.
    """
    codes = draft.codes
    by_tax: dict[TaxKey, list[Remainder]] = {}
    for position, (_, taxes) in draft.partial.items():
        for tax, share in zip(draft.lines[position].taxes, taxes, strict=True):
            by_tax.setdefault((tax.title, tax.rate), []).append(share)
    if by_tax:
        said = _stated_taxes(current_taxes, draft.bags)
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


def _stated_taxes(taxes: Sequence[nodes.TaxLine], bags: Bags) -> dict[TaxKey, Amount]:
    found: dict[TaxKey, Amount] = {}
    for index, node in enumerate(taxes):
        try:
            key = (node.title, rate_of(node.rate))
            amount = bags.required(node.price_set, "priceSet")
            found[key] = found.get(key, NOTHING).plus(amount)
        except SURPRISES as error:
            raise drift_of(error, f"currentTaxLines[{index}]") from None
    return found


def _tax_amounts(draft: Draft) -> Iterator[tuple[TaxKey, Amount]]:
    """Yield each tax as it stands, rounded shares at their present value."""
    for position, line in enumerate(draft.lines):
        shares = draft.partial.get(position)
        for index, tax in enumerate(line.taxes):
            amount = shares[1][index].amount if shares else tax.current_amount
            yield (tax.title, tax.rate), amount
    for charge in draft.charges:
        for tax in charge.taxes:
            yield (tax.title, tax.rate), tax.current_amount


def _prices(draft: Draft) -> Iterator[Amount]:
    """Yield each price as it stands, rounded shares at their present value."""
    for position, line in enumerate(draft.lines):
        shares = draft.partial.get(position)
        yield shares[0].amount if shares else line.current_price
    for charge in draft.charges:
        yield charge.current_price


def empty(draft: Draft) -> None:
    """Leave nothing of any part: a cancelled order that states a total of zero is worth nothing.

    Args:
        draft: Everything that was read.
    """
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
