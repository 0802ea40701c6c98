"""Awkward orders whose difficulty is in names: missing, too long, in other scripts, unmapped."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from include.connectors.stores.shopify.sandbox import catalog, compose
from include.connectors.stores.shopify.sandbox.book import Line, Order
from include.connectors.stores.shopify.sandbox.maker import Maker
from include.connectors.stores.shopify.sandbox.people import address

_NAMES = (
    ("Łucja 🌲", "Żółkiewska-O'Brien"),
    ("美咲", "高橋"),
    ("José María", "Ñáñez y Álvarez"),
    ("عائشة", "الكندري"),
)
_NOTE = "Please leave the parcel with the neighbour on the left; the bell does not work. "


def _special(maker: Maker, at: datetime, variant: catalog.Variant) -> Order:
    order, place = maker.blank(at)
    maker.goods(order, 1)
    compose.sell(order, maker.ids, variant, 1)
    compose.ship(order, maker.ids, "Standard")
    compose.charge_taxes(order, place)
    compose.pay(order, maker.ids, "shopify_payments", at)
    return order


def custom_line(maker: Maker, at: datetime) -> Order:
    """A line without product, variant or sku."""
    order, place = maker.blank(at)
    maker.goods(order, 1)
    order.lines.append(
        Line(
            id=maker.ids("LineItem"),
            title="Engraving, two lines",
            unit=order.currencies.price(Decimal("18.00")),
            quantity=1,
            kind="custom",
        )
    )
    compose.ship(order, maker.ids, "Standard")
    compose.charge_taxes(order, place)
    compose.pay(order, maker.ids, "shopify_payments", at)
    return order


def null_sku(maker: Maker, at: datetime) -> Order:
    """A variant to which nobody gave a sku."""
    order, _ = maker.paid(at, 2)
    order.lines[0].sku = None
    return order


def deleted_variant(maker: Maker, at: datetime) -> Order:
    """The product was deleted since: its sku is all that is left."""
    order, _ = maker.paid(at, 2)
    order.lines[0].variant_id = order.lines[0].product_id = None
    return order


def guest(maker: Maker, at: datetime) -> Order:
    """Addresses and an e-mail, but no customer."""
    order, _ = maker.paid(at, 2)
    order.customer_id = None
    return order


def no_shipping_address(maker: Maker, at: datetime) -> Order:
    """Picked up: a billing address only."""
    order, place = maker.blank(at)
    order.shipping_to = None
    maker.goods(order, 2)
    compose.ship(order, maker.ids, "Local pickup")
    compose.charge_taxes(order, place)
    compose.pay(order, maker.ids, "shopify_payments", at)
    return order


def other_script(maker: Maker, at: datetime) -> Order:
    """Names in other scripts, with an emoji."""
    first, last = maker.chance.choice(_NAMES)
    order, place = maker.paid(at, 2)
    number = 900_000 + maker.number
    order.customer_id = maker.crowd.add(number, first, last, place, maker.chance)
    order.email = str(maker.crowd.records[order.customer_id]["email"])
    order.shipping_to = address(first, last, place, maker.chance)
    order.shipping_to["company"] = "Bäckerei Müller & Söhne 🥨"
    order.billing = dict(order.shipping_to)
    return order


def long_texts(maker: Maker, at: datetime) -> Order:
    """A long note, a long address and a long purchase order number."""
    order, _ = maker.paid(at, 1)
    order.note = _NOTE * 60
    order.po_number = "PO-2026-11-WHOLESALE-0000000000042"
    assert order.shipping_to is not None
    order.shipping_to["address1"] = "The Old Lighthouse Keeper's Cottage, 1200 North Harbor Road"
    order.shipping_to["company"] = "Pemberton, Whitlock, Sandoval and Daughters Outdoor Supply LLC"
    return order


def long_name(maker: Maker, at: datetime) -> Order:
    """An order name longer than most books have room for."""
    order, _ = maker.paid(at, 1)
    order.name = f"PNH-WEB-HOLIDAY-2026-#{order.number}"
    return order


def long_sku(maker: Maker, at: datetime) -> Order:
    """A sku of more than thirty characters."""
    return _special(maker, at, catalog.LONG_SKU_VARIANT)


def unknown_sku(maker: Maker, at: datetime) -> Order:
    """A sku that no book knows."""
    return _special(maker, at, catalog.UNKNOWN_SKU_VARIANT)


def unknown_gateway(maker: Maker, at: datetime) -> Order:
    """Paid by a means that nobody mapped."""
    order, _ = maker.paid(at, 2)
    order.payments[0].gateway = catalog.UNKNOWN_GATEWAY
    return order


def unknown_shipping(maker: Maker, at: datetime) -> Order:
    """Shipped in a way that nobody mapped."""
    order, place = maker.blank(at)
    maker.goods(order, 2)
    compose.ship(order, maker.ids, catalog.UNKNOWN_SHIPPING, Decimal("22.00"))
    compose.charge_taxes(order, place)
    compose.pay(order, maker.ids, "shopify_payments", at)
    return order
