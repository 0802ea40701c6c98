"""Makes orders of the ordinary kind, and the beginnings of the extraordinary ones."""

from __future__ import annotations

import random
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from include.connectors.stores.shopify.sandbox import amend, catalog, compose
from include.connectors.stores.shopify.sandbox.amounts import Currencies
from include.connectors.stores.shopify.sandbox.book import Line, Order
from include.connectors.stores.shopify.sandbox.compose import Ids
from include.connectors.stores.shopify.sandbox.people import Crowd, address

_CODES = (("WELCOME10", "10"), ("TRAIL15", "15"), ("FALL20", "20"))


def _risk_of(number: int) -> str:
    """Return what the shop recommends: a few orders are to be looked into, fewer to be cancelled.

    It goes by the number, so that a seed draws the same orders whatever is thought of them.
    """
    if number % 53 == 9:  # noqa: PLR2004 - one in fifty-three
        return "CANCEL"
    return "INVESTIGATE" if number % 19 == 4 else "ACCEPT"  # noqa: PLR2004 - one in nineteen


@dataclass(slots=True)
class Maker:
    """Makes the orders of one shop, one after the other.

    Attributes:
        chance: Source of chance.
        ids: Where ids come from.
        crowd: Who orders.
        until: Nothing happens after this time.
        number: The last order number given.
        lead: In a lively shop: leads an ordinary order's whole life, or leaves it to its course.
        kept: In a lively shop: the earlier versions of the order that is being made.
    """

    chance: random.Random
    ids: Ids
    crowd: Crowd
    until: datetime
    number: int = 1000
    lead: Callable[[Maker, Order], bool] | None = None
    kept: list[Order] = field(default_factory=list)

    def keep(self, order: Order) -> None:
        """Keep an order as it is before something happens to it."""
        if self.lead is not None:
            self.kept.append(deepcopy(order))

    def blank(
        self,
        at: datetime,
        *,
        place: catalog.Place | None = None,
        currency: str = catalog.SHOP_CURRENCY,
        guest: bool = False,
    ) -> tuple[Order, catalog.Place]:
        """Start an order.

        Args:
            at: When it is placed.
            place: Where it goes (default: where the customer lives).
            currency: What the customer pays in.
            guest: Whether there is neither customer nor address.

        Returns:
            The order without lines, and the place whose taxes it bears.
        """
        self.number += 1
        currencies = Currencies(catalog.SHOP_CURRENCY, currency, catalog.RATES[currency])
        order = Order(
            id=self.ids("Order"),
            number=self.number,
            name=f"#{self.number}",
            created_at=at,
            updated_at=at + timedelta(seconds=2),
            currencies=currencies,
            risk=_risk_of(self.number),
        )
        customer, home = self.crowd.pick(self.chance)
        where = place or home
        if guest:
            return order, where
        record = self.crowd.records[customer]
        order.customer_id, order.email = customer, record["email"]
        order.shipping_to = address(record["firstName"], record["lastName"], where, self.chance)
        order.phone = order.shipping_to["phone"]  # type: ignore[assignment]
        order.billing = dict(order.shipping_to)
        return order, where

    def goods(self, order: Order, lines: int = 2, most: int = 3) -> list[Line]:
        """Add lines of different goods with small quantities."""
        chosen = self.chance.sample(catalog.GOODS, lines)
        return [
            compose.sell(order, self.ids, variant, self.chance.randint(1, most))
            for variant in chosen
        ]

    def later(self, order: Order, hours: float) -> datetime:
        """Return when the next thing happens to an order: before the end of the seed if it can."""
        self.keep(order)
        # Always two draws: a shop that is seeded further must not change its earlier days.
        delay, share = self.chance.randint(1, 1800), self.chance.random()
        at = order.updated_at + timedelta(hours=hours, seconds=delay)
        if at < self.until:
            return at
        left = max((self.until - order.updated_at).total_seconds() - 1, 0)
        return order.updated_at + timedelta(seconds=int(left * share))

    def paid(self, at: datetime, lines: int = 2, **start: object) -> tuple[Order, catalog.Place]:
        """Return a plain paid order with standard shipping, for cases that go on from it."""
        order, place = self.blank(at, **start)  # type: ignore[arg-type]
        self.goods(order, lines)
        compose.ship(order, self.ids, "Standard")
        compose.charge_taxes(order, place)
        compose.pay(order, self.ids, "shopify_payments", at)
        return order, place

    def ordinary(self, at: datetime) -> Order:
        """Make an order of the kind that most are."""
        chance = self.chance
        order, place = self.blank(at)
        self.goods(order, chance.choices((1, 2, 3, 4, 5), (38, 30, 18, 9, 5))[0])
        if chance.random() < 0.18:  # noqa: PLR2004 - share of orders with a code
            code, percent = chance.choice(_CODES)
            compose.discount_order(order, code, Decimal(percent), percent=True)
        elif chance.random() < 0.08:  # noqa: PLR2004 - share with a promotion on a line
            line = chance.choice(order.lines)
            compose.discount_line(order, line, "Weekly pick", Decimal(25), percent=True)
        title = chance.choices(("Standard", "Express", "Local pickup"), (80, 15, 5))[0]
        compose.ship(order, self.ids, title)
        if title == "Standard" and order.subtotal.shop > 150:  # noqa: PLR2004 - free from here
            compose.discount_shipping(order, "FREESHIP150")
        compose.charge_taxes(order, place)
        if self.lead is not None and self.lead(self, order):
            return order
        self._take_payment(order)
        self._history(order)
        return order

    def _take_payment(self, order: Order) -> None:
        gateway = self.chance.choices(("shopify_payments", "paypal"), (78, 22))[0]
        if gateway == "shopify_payments" and self.chance.random() < 0.4:  # noqa: PLR2004
            compose.authorize_and_capture(order, self.ids, gateway, order.created_at)
        else:
            compose.pay(order, self.ids, gateway, order.created_at)

    def _history(self, order: Order) -> None:
        """Let some orders be shipped and a few come back later, as far as time allows."""
        chance = self.chance
        if chance.random() < 0.55:  # noqa: PLR2004 - share shipped within the seed
            at = self.later(order, chance.uniform(3, 30))
            if at < self.until:
                amend.fulfill(order, self.ids, at)
        if order.fulfillments and chance.random() < 0.04:  # noqa: PLR2004 - share returned
            at = self.later(order, chance.uniform(10, 40))
            if at < self.until:
                amend.refund(order, self.ids, at, [(order.lines[0], 1)], note="Did not fit")
