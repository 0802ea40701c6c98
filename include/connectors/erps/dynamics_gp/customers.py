"""Who a document is booked on in GP: found before it is created, changed with the store, once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

from include.connectors.erps.dynamics_gp.calls import Call
from include.connectors.erps.dynamics_gp.econnect.fields import Procedure, Value
from include.connectors.erps.dynamics_gp.gateway import Gateway, Session
from include.connectors.erps.dynamics_gp.payloads import GpDocument
from include.connectors.erps.dynamics_gp.records import Situation, SopDocument
from include.connectors.erps.dynamics_gp.settings import DynamicsGpSettings
from include.domain.errors import Refused
from include.ports.erp import Mappings

Finder = Callable[[Session, str], list[str]]


class Customers:
    """The customers of one company for one channel.

    Args:
        gateway: The way into the company database.
        settings: The company's ids and rules.
        mappings: Store value to ERP value.
    """

    def __init__(self, gateway: Gateway, settings: DynamicsGpSettings, mappings: Mappings) -> None:
        self.gateway = gateway
        self.settings = settings
        self.mappings = mappings

    @contextmanager
    def booked_on(
        self,
        session: Session,
        payload: GpDocument,
        situation: Situation,
        original: SopDocument | None,
    ) -> Iterator[tuple[str, list[Call]]]:
        """Find the customer; one that has to be created stays locked until the document is in.

        Args:
            session: The session that posts the document.
            payload: The document.
            situation: Whether GP knows the customer's number.
            original: The document that it follows, whose customer it stays with.

        Yields:
            The customer's number, and the calls that come before the document's own.

        Raises:
            Refused: Several customers have the buyer's tax registration or e-mail address.
            MappingMissing: Unknown customers are held, and no row of the map names one.
        """
        number = payload.customer
        if original is not None:
            yield original.customer, []
        elif situation.customer_exists:
            yield number, self._changes(session, payload)
        elif payload.store_customer is None:
            yield number, _sent(payload.customer_calls)
        else:
            with ExitStack() as locks:
                names = [f"customer:{number}"]
                names += [f"{what}:{_digest(value)}" for what, value, _, _ in self._marks(payload)]
                for name in names:
                    locked = self.gateway.locked_too(session, name, number)
                    situation = locks.enter_context(locked)
                if situation.customer_exists:
                    yield number, []
                else:
                    yield self._new(session, payload)

    def _marks(self, payload: GpDocument) -> Iterator[tuple[str, str, str, Finder]]:
        """Yield what a customer is known by beside the number, the surest first."""
        if payload.registration and self.settings.match_customers_by_registration:
            find: Finder = Session.customers_by_registration
            yield "tax registration", payload.registration, "TXRGNNUM", find
        if payload.email and self.settings.match_customers_by_email:
            yield "e-mail address", payload.email.lower(), "INET1", Session.customers_by_e_mail

    def _new(self, session: Session, payload: GpDocument) -> tuple[str, list[Call]]:
        settings = self.settings
        for what, value, field, find in self._marks(payload):
            known = find(session, value)
            if len(known) > 1:
                raise Refused(
                    f"order {payload.reference}: {len(known)} customers of GP have the buyer's "
                    f"{what} ({', '.join(known)}): add a row to the customer map, key "
                    f"{payload.store_customer!r}",
                    rule="customer_known_once",
                    field=field,
                )
            if known:
                return known[0], []
        if settings.unknown_customers == "guest" and settings.guest_customer:
            return settings.guest_customer, []
        if settings.unknown_customers != "create":
            self.mappings.require("customer", payload.store_customer or "")
        return payload.customer, _sent(payload.customer_calls)

    def _changes(self, session: Session, payload: GpDocument) -> list[Call]:
        """Return the calls whose values differ from what GP has of a known customer.

        An order older than the newest that GP has of the customer brings no news.
        """
        if not self.settings.update_customers or not payload.is_own_customer:
            return []
        known = session.customer(payload.customer)
        changes = [
            Call(call.PROCEDURE, call.values())
            for call in payload.customer_calls
            if _differs(call.values(), known.get(str(call.values().get("ADRSCODE", "")), {}))
        ]
        if not changes:
            return []
        newest = session.newest_order_on(payload.customer)
        return [] if newest is not None and newest > payload.header.DOCDATE else changes


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def _sent(procedures: Iterable[Procedure]) -> list[Call]:
    return [Call(p.PROCEDURE, p.values()) for p in procedures]


def _differs(wanted: Mapping[str, Value], known: Mapping[str, str]) -> bool:
    compared = wanted.keys() - {"CUSTNMBR", "CUSTCLAS", "UpdateIfExists"}
    return any(
        str(wanted[name]) != known.get(name.upper(), str(wanted[name]) if known else "")
        for name in compared
    )
