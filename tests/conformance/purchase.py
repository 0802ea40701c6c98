"""A purchase in nobody's shop: lived through step by step, told as the canonical order.

It knows nothing of any store or ERP. Every amount is computed here once, by the rules that the
canonical order states, so that it always ties; what the books have to show follows from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from include.domain.money import NOTHING, Amount, quantise, total_of
from include.domain.order import (
    Address,
    Charge,
    ChargeKind,
    Customer,
    Discount,
    FinancialStatus,
    LineKind,
    Order,
    OrderLine,
    Refund,
    RefundAdjustment,
    RefundCharge,
    RefundLine,
    Restock,
    StatedTotals,
    TaxLine,
    Tender,
    TenderKind,
    TenderStatus,
)
from tests.conformance.parts import CURRENCY, Extra, Part, Rates

PLACED = datetime(2026, 11, 18, 15, 30, tzinfo=UTC)
# Nobody is called this, so that it can be looked for wherever it must not be.
PRIVATE = ("Zebulon", "Quartermain", "privacy.example", "Marzipan", "5550177", "555-0177")


@dataclass
class Purchase:
    """One order, as its store would tell it now.

    Attributes:
        number: Running number; ids and the order's number are made from it.
        order_number: The number people use.
        taxes_included: Prices contain their taxes.
        rate: Presentment money for one of shop money; 1 where they are the same.
        placed_at: When it was placed.
    """

    number: int
    order_number: str = ""
    taxes_included: bool = False
    rate: Decimal = Decimal(1)
    placed_at: datetime = PLACED
    is_guest: bool = False
    street: str = "77 Marzipan Crescent"
    parts: list[Part] = field(default_factory=list)
    extras: list[Extra] = field(default_factory=list)
    tenders: list[Tender] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    goodwill: Decimal = Decimal(0)
    cancelled_at: datetime | None = None
    version: int = 0

    def __post_init__(self) -> None:
        self.order_number = self.order_number or f"#{self.number}"

    @property
    def order_id(self) -> str:
        """The store's id."""
        return f"gid://shopify/Order/{self.number}"

    @property
    def now(self) -> datetime:
        """The store's version: an hour later with each change."""
        return self.placed_at + timedelta(hours=self.version)

    # -- what happens to it -------------------------------------------------------------------

    def add(
        self,
        sku: str | None,
        price: str | Decimal,
        quantity: int = 1,
        rates: Rates = (),
        **more: object,
    ) -> Part:
        """Put something on the order, at first or by an edit."""
        line_id = f"gid://shopify/LineItem/{self.number}{len(self.parts) + 1:02}"
        title = f"Thing {len(self.parts) + 1}"
        part = Part(line_id, sku, title, Decimal(price), quantity, quantity, rates, **more)  # type: ignore[arg-type]
        self.parts.append(part)
        return part

    def charge(
        self, kind: ChargeKind, price: str, rates: Rates = (), title: str = "Standard"
    ) -> Extra:
        """Charge something beside the lines."""
        extra = Extra(
            f"{self.number}-{kind.value}", kind, title, Decimal(price), Decimal(price), rates
        )
        self.extras.append(extra)
        return extra

    def remove(self, part: Part, units: int) -> None:
        """Take units off by an edit."""
        part.left -= units

    def hand_over(self, units: Mapping[int, int]) -> None:
        """Ship units of lines, by position."""
        for at, count in units.items():
            self.parts[at].handed_over += count

    def pay(self, value: Amount | None = None, gateway: str = "shopify_payments") -> Tender:
        """Receive money: what is owed, unless said otherwise."""
        return self._tender(TenderKind.SALE, value or self.owed, gateway)

    def pay_cash(self, rounding: str) -> Tender:
        """Receive what is owed in coins: so much more, or less, than the cents say."""
        off = self.amount(Decimal(rounding))
        tender = self._tender(TenderKind.SALE, self.owed.plus(off), "cash", rounding=off)
        self.charge(ChargeKind.ROUNDING, rounding, title="Cash rounding")
        return tender

    def pay_back(self, value: Amount | None = None) -> Tender:
        """Give money back without a cause of its own: what was paid beyond the total."""
        owed = self.owed
        value = value or Amount(-owed.shop, -owed.presentment)
        back = self._back(value)
        self.refunds.append(Refund(self._refund_id, self.now, value, tender_ids=(back.tender_id,)))
        return back

    def refund(
        self,
        units: Mapping[int, int] | None = None,
        *,
        restock: Restock = Restock.RETURNED,
        charges: Sequence[Extra] = (),
        beyond: str = "0",
        paid_at_rate: Decimal | None = None,
        gateway: str | None = None,
    ) -> Refund:
        """Refund units of lines (by position), charges, and money beyond them.

        Args:
            units: Line position to units; every unit left of every line unless given.
            restock: What becomes of the goods.
            charges: Charges that are refunded whole.
            beyond: Goodwill: money that nothing accounts for.
            paid_at_rate: Presentment money for one of shop money on the day it is paid back.
            gateway: Where it goes; back the way the money came unless given.
        """
        if units is None:
            units = {at: part.left for at, part in enumerate(self.parts) if part.left}
        before = self.total
        lines = []
        for at, count in units.items():
            part = self.parts[at]
            old = self._line(part)
            part.left -= count
            new = self._line(part)
            taxes_old = total_of(tax.current_amount for tax in old.taxes)
            taxes_new = total_of(tax.current_amount for tax in new.taxes)
            lines.append(
                RefundLine(
                    line_id=part.line_id,
                    quantity=count,
                    restock=restock,
                    subtotal=old.current_price.minus(new.current_price),
                    tax=taxes_old.minus(taxes_new),
                    location_id=part.location_id,
                )
            )
        gone = []
        for extra in charges:
            old_charge = self._charge(extra)
            taxes = total_of(tax.current_amount for tax in old_charge.taxes)
            gone.append(RefundCharge(extra.kind, old_charge.current_price, taxes, extra.charge_id))
            extra.left = Decimal(0)
        goodwill = self.amount(Decimal(beyond))
        self.goodwill += goodwill.shop
        value = before.minus(self.total).plus(goodwill)
        if paid_at_rate is not None:
            value = Amount(quantise(value.presentment / paid_at_rate, CURRENCY), value.presentment)
        tender_ids = ()
        if value.shop:
            tender_ids = (self._back(value, gateway).tender_id,)
        adjustments = (RefundAdjustment("discrepancy", goodwill),) if goodwill.shop else ()
        refund = Refund(
            self._refund_id, self.now, value, tuple(lines), tuple(gone), adjustments, tender_ids
        )
        self.refunds.append(refund)
        return refund

    def cancel(self, *, restock: Restock = Restock.CANCELLED) -> None:
        """Cancel it: what was paid goes back, nothing is left."""
        if self.kept.shop:
            self.refund(restock=restock, charges=[e for e in self.extras if e.left])
        for part in self.parts:
            part.left = 0
        for extra in self.extras:
            extra.left = Decimal(0)
        self.cancelled_at = self.now

    def later(self, hours: int = 1) -> Purchase:
        """Let time pass, so that what happens next is news."""
        self.version += hours
        return self

    # -- what it is worth ---------------------------------------------------------------------

    def amount(self, shop: Decimal) -> Amount:
        """An amount of shop money with what the buyer saw."""
        return Amount(shop, quantise(shop * self.rate, CURRENCY))

    @property
    def total(self) -> Amount:
        """What lines, charges and taxes add up to now."""
        parts = [*map(self._line, self.parts), *map(self._charge, self._priced)]
        prices = total_of(part.current_price for part in parts)
        return prices if self.taxes_included else prices.plus(self.tax)

    @property
    def tax(self) -> Amount:
        """Taxes on what is left."""
        parts = [*map(self._line, self.parts), *map(self._charge, self._priced)]
        return total_of(tax.current_amount for part in parts for tax in part.taxes)

    @property
    def received(self) -> Amount:
        """Money that came for the order, cash rounding apart."""
        came = [t for t in self.tenders if t.kind is TenderKind.SALE]
        return total_of(t.amount.minus(t.rounding) for t in came)

    @property
    def returned(self) -> Amount:
        """Money that went back."""
        return total_of(t.amount for t in self.tenders if t.kind is TenderKind.REFUND)

    @property
    def kept(self) -> Amount:
        """Money received less money given back."""
        return self.received.minus(self.returned)

    @property
    def owed(self) -> Amount:
        """What is still to be paid; negative where too much was."""
        return self.total.minus(self.amount(self.goodwill)).minus(self.kept)

    @property
    def rounding(self) -> Decimal:
        """Cash rounding."""
        return sum((t.rounding.shop for t in self.tenders), Decimal(0))

    @property
    def book_total(self) -> Decimal:
        """What the books have to show as sold, with taxes that are ours."""
        if self.cancelled_at is not None or self.rate != 1:
            return self.kept.shop
        return self.total.shop - self.goodwill + self.rounding - self._remitted

    @property
    def book_tax(self) -> Decimal:
        """What the books have to show as tax."""
        return Decimal(0) if self.cancelled_at else self.tax.shop - self._remitted

    @property
    def book_paid(self) -> Decimal:
        """What the books have to show as received."""
        return self.kept.shop + self.rounding - self._remitted

    @property
    def _remitted(self) -> Decimal:
        lines = (self._line(part) for part in self.parts if part.marketplace)
        return sum((t.current_amount.shop for line in lines for t in line.taxes), Decimal(0))

    @property
    def units(self) -> dict[str, Decimal]:
        """Units left of what is kept in stock, by sku."""
        found: dict[str, Decimal] = {}
        for part in self.parts:
            if part.stocked and part.kind is LineKind.GOODS and part.sku and part.left:
                found[part.sku] = found.get(part.sku, Decimal(0)) + part.left
        return found

    # -- as its store tells it ----------------------------------------------------------------

    def as_order(self, channel: str) -> Order:
        """Tell it as the canonical order of this moment."""
        lines = tuple(map(self._line, self.parts))
        charges = tuple(map(self._charge, self.extras))
        priced = [*lines, *(c for c in charges if c.kind is not ChargeKind.ROUNDING)]
        own = Decimal(-1) * self.goodwill
        original = total_of(
            [
                *(line.unit_price.times(line.quantity) for line in lines),
                *(c.price for c in charges if c.kind is not ChargeKind.ROUNDING),
            ]
        ).minus(total_of(d.amount for line in lines for d in line.discounts))
        if not self.taxes_included:
            original = original.plus(total_of(t.amount for part in priced for t in part.taxes))
        shipping = total_of(c.current_price for c in charges if c.kind is ChargeKind.SHIPPING)
        stated = StatedTotals(
            original_total=original,
            current_total=self.total,
            current_subtotal=total_of(line.current_price for line in lines),
            current_tax=self.tax,
            current_shipping=shipping,
            received=self.received,
            refunded=self.returned,
            net_payment=self.kept,
            outstanding=NOTHING if self.cancelled_at else self.owed,
            rounding=total_of(c.current_price for c in charges if c.kind is ChargeKind.ROUNDING),
            refund_discrepancy=Amount(own, quantise(own * self.rate, CURRENCY)),
        )
        return Order(
            channel=channel,
            order_id_store=self.order_id,
            number=self.order_number,
            placed_at=self.placed_at,
            updated_at=self.now,
            currency=CURRENCY,
            presentment_currency=CURRENCY if self.rate == 1 else "EUR",
            taxes_included=self.taxes_included,
            stated=stated,
            lines=lines,
            charges=charges,
            tenders=tuple(self.tenders),
            refunds=tuple(self.refunds),
            customer=self._customer(),
            billing_address=self._address(),
            shipping_address=self._address(),
            cancelled_at=self.cancelled_at,
            cancel_reason="customer" if self.cancelled_at else None,
            is_edited=self.version > 0,
            financial_status=self._status(),
        )

    @property
    def _priced(self) -> list[Extra]:
        return [extra for extra in self.extras if extra.kind is not ChargeKind.ROUNDING]

    @property
    def _refund_id(self) -> str:
        return f"gid://shopify/Refund/{self.number}{len(self.refunds) + 1:02}"

    def _tender(
        self,
        kind: TenderKind,
        value: Amount,
        gateway: str,
        parent: str | None = None,
        rounding: Amount = NOTHING,
    ) -> Tender:
        number = f"gid://shopify/OrderTransaction/{self.number}{len(self.tenders) + 1:02}"
        tender = Tender(
            number,
            gateway,
            kind,
            TenderStatus.SUCCESS,
            value,
            self.now,
            parent_id=parent,
            rounding=rounding,
        )
        self.tenders.append(tender)
        return tender

    def _back(self, value: Amount, gateway: str | None = None) -> Tender:
        came = next(
            t
            for t in reversed(self.tenders)
            if t.kind is TenderKind.SALE and gateway in (None, t.gateway)
        )
        return self._tender(TenderKind.REFUND, value, came.gateway, came.tender_id)

    def _taxes(self, rates: Rates, whole: Decimal, left: Decimal, *, ours: bool) -> list[TaxLine]:
        base = 1 + sum((rate for _, rate in rates), Decimal(0)) if self.taxes_included else 1
        return [
            TaxLine(
                title,
                self.amount(quantise(whole * rate / base, CURRENCY)),
                self.amount(quantise(left * rate / base, CURRENCY)),
                rate,
                collected_by_marketplace=not ours,
            )
            for title, rate in rates
        ]

    def _line(self, part: Part) -> OrderLine:
        whole, left = part.worth(part.quantity), part.worth(part.left)
        discount = (Discount(self.amount(part.discount)),) if part.discount else ()
        return OrderLine(
            line_id=part.line_id,
            kind=part.kind,
            sku=part.sku,
            title=part.title,
            quantity=part.quantity,
            current_quantity=part.left,
            unit_price=self.amount(part.price),
            current_price=self.amount(left),
            discounts=discount,
            taxes=tuple(self._taxes(part.rates, whole, left, ours=not part.marketplace)),
            location_id=part.location_id,
            requires_shipping=part.stocked,
            fulfilled_quantity=part.handed_over,
        )

    def _charge(self, extra: Extra) -> Charge:
        return Charge(
            extra.charge_id,
            extra.kind,
            extra.title,
            self.amount(extra.price),
            self.amount(extra.left),
            taxes=tuple(self._taxes(extra.rates, extra.price, extra.left, ours=True)),
        )

    def _customer(self) -> Customer | None:
        if self.is_guest:
            return None
        return Customer(
            f"gid://shopify/Customer/{self.number}",
            name=f"Zebulon Quartermain {self.number}",
            email=f"zebulon.{self.number}@privacy.example",
            phone="+1 212 555-0177",
        )

    def _address(self) -> Address | None:
        return Address(
            name=f"Zebulon Quartermain {self.number}",
            line_1=self.street,
            city="New York",
            region="New York",
            region_code="NY",
            postal_code="10013",
            country_code="US",
            phone="+1 212 555-0177",
        )

    def _status(self) -> FinancialStatus:
        if self.returned.shop:
            done = not self.kept.presentment
            return FinancialStatus.REFUNDED if done else FinancialStatus.PARTIALLY_REFUNDED
        if self.owed.presentment <= 0:
            return FinancialStatus.PAID
        return FinancialStatus.PARTIALLY_PAID if self.received.shop else FinancialStatus.PENDING
