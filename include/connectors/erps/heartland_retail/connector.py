"""The ERP port on Heartland Retail: find, prepare and post an order's documents.

Posting is a chain of small calls without an idempotency key. Each one looks first, so that a chain
that broke anywhere goes on where it stood; documents of one order are worked on one at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal

from include.connectors.erps.heartland_retail.client import HeartlandClient
from include.connectors.erps.heartland_retail.documents import Translator
from include.connectors.erps.heartland_retail.finder import Finder
from include.connectors.erps.heartland_retail.held import Reader
from include.connectors.erps.heartland_retail.invoices import InvoiceDesk
from include.connectors.erps.heartland_retail.names import Names, require_set_up
from include.connectors.erps.heartland_retail.orders import OrderDesk
from include.connectors.erps.heartland_retail.payloads import (
    HeartlandInvoice,
    HeartlandOrder,
    HeartlandPayments,
    HeartlandReturn,
    HeartlandVoid,
    ticket_reference,
)
from include.connectors.erps.heartland_retail.people import People
from include.connectors.erps.heartland_retail.returns import ChangeDesk
from include.connectors.erps.heartland_retail.settings import HeartlandRetailSettings
from include.connectors.erps.heartland_retail.tickets import TicketDesk
from include.domain.document import (
    Document,
    DocumentKey,
    PreparedDocument,
    RemoteDocument,
    StockNeed,
)
from include.domain.errors import AmbiguousOutcome, MappingMissing, OrderError, Refused
from include.domain.money import ZERO
from include.ports.erp import Mappings
from include.transport.connection import HttpRemote

_CHUNK = 100


class HeartlandRetail:
    """One Heartland Retail account as a channel's ERP.

    Args:
        client: The account.
        settings: Its names and rules.
        mappings: Store value to Heartland value.
    """

    def __init__(
        self, client: HeartlandClient, settings: HeartlandRetailSettings, mappings: Mappings
    ) -> None:
        self.client = client
        self.settings = settings
        self.translator = Translator(settings, mappings)
        self.names = Names(client, settings)
        self.reader = Reader(client, settings)
        people = People(client, settings)
        self.people = people
        self.orders = OrderDesk(client, settings, self.names, self.reader, people)
        self.invoices = InvoiceDesk(client, settings, self.reader, self.orders)
        self.tickets = TicketDesk(client, settings, self.names, self.reader, self.orders)
        self.changes = ChangeDesk(settings, self.names, self.reader, self.orders, self.tickets)
        self.finder = Finder(self.reader, settings)

    def preflight(self) -> None:
        """Check that the account answers and holds what the settings name.

        Raises:
            ConfigurationError: One message that names every missing thing.
            RemoteUnavailable: The account cannot be reached.
        """
        require_set_up(self.names)
        if self.settings.guest_customer is not None:
            self.people.guest_id()

    def available(self, needs: Iterable[StockNeed]) -> Mapping[StockNeed, Decimal]:
        """Return units free to promise: ``qty_available`` of ``inventory/values``.

        A need without item or location is left out, and so is an item that Heartland shows at no
        location at all: it is not kept in stock. One shown elsewhere has none here.
        """
        places: dict[StockNeed, tuple[str, str]] = {}
        for need in needs:
            with suppress(OrderError):
                item = self.translator.parts.item_of(need.sku, need.sku)
                places[need] = (item, self.translator.parts.location_of(need.location_id))
        items = self.names.item_ids(item for item, _ in places.values())
        free = self._free(sorted(items.values()))
        shown = {item for item, _ in free}
        found: dict[StockNeed, Decimal] = {}
        for need, (item, location) in places.items():
            number = items.get(item)
            if number in shown:
                with suppress(Refused):
                    site = self.names.id_of("locations", location)
                    found[need] = free.get((number, site), ZERO)
        return found

    def _free(self, items: Sequence[int]) -> dict[tuple[int, int], Decimal]:
        free: dict[tuple[int, int], Decimal] = {}
        for start in range(0, len(items), _CHUNK):
            part = ",".join(map(str, items[start : start + _CHUNK]))
            rows = self.client.all_rows(
                "inventory/values",
                [
                    ("group[]", "item_id"),
                    ("group[]", "location_id"),
                    ("_filter", f'{{"item_id":{{"$in":[{part}]}}}}'),
                ],
            )
            for row in rows:
                place = (int(row["item_id"]), int(row["location_id"]))
                free[place] = Decimal(str(row["qty_available"]))
        return free

    def unknown_skus(self, skus: Iterable[str]) -> frozenset[str]:
        """Return the skus whose item the account does not have, mapped or as they are."""
        items: dict[str, str] = {}
        unmapped = set()
        for sku in set(skus):
            try:
                items[sku] = self.translator.parts.item_of(sku, sku)
            except MappingMissing:
                unmapped.add(sku)
        known = self.names.item_ids(items.values())
        return frozenset({sku for sku, item in items.items() if item not in known} | unmapped)

    def first_open_on(self, day: date) -> date:
        """Return the day itself: the public API knows no accounting periods."""
        return day

    def prepare(self, document: Document) -> PreparedDocument:
        """Translate and check one document; see ``Translator.prepare``."""
        return self.translator.prepare(document)

    def find(
        self, documents: Sequence[tuple[DocumentKey, str]]
    ) -> Mapping[DocumentKey, tuple[RemoteDocument, ...]]:
        """Look documents up by our custom fields.

        An order that is pending is not found: it is not whole, and posting it again finishes it.
        One that people invoiced shows as posted.

        Args:
            documents: Pairs of natural key and order number.

        Returns:
            Every match of every key, documents that are not void first; keys without one left out.
        """
        wanted = []
        for key, number in documents:
            with suppress(OrderError):  # a reference that does not fit cannot be there
                wanted.append((key, self.translator.reference(number)))
        return self.finder.find(wanted) if wanted else {}

    def begun(self, documents: Sequence[tuple[DocumentKey, str]]) -> frozenset[DocumentKey]:
        """Return none: posting goes on from whatever is there to what the document says now."""
        return frozenset()

    def post(self, prepared: PreparedDocument) -> RemoteDocument:
        """Bring the document about, from wherever an earlier try left it.

        Raises:
            Refused: Heartland said no, or the order stays pending; the message says why.
            RemoteUnavailable: It may work later; what was done so far stands and is gone on from.
            AmbiguousOutcome: A call broke off; look the document up, or post it again.
        """
        document, payload = prepared.document, prepared.payload
        key = document.key
        base = self.translator.reference(document.order_number)
        with self.orders.alone(base):
            if isinstance(payload, HeartlandOrder) and payload.change:
                self.changes.change(payload, ticket_reference(base, key.kind, key.sequence))
            elif isinstance(payload, HeartlandOrder):
                held = self.orders.bring(payload)
                if not held.may_have_tickets:
                    return self.finder.shown(key, held)
            elif isinstance(payload, HeartlandInvoice):
                self.invoices.bill(payload)
            elif isinstance(payload, HeartlandReturn):
                self.tickets.give_back(payload)
            elif isinstance(payload, HeartlandPayments):
                self._pay(payload)
            elif isinstance(payload, HeartlandVoid):
                self.changes.void(payload)
            else:
                raise TypeError(f"{type(payload).__name__} was prepared for another ERP")
            matches = self.finder.find([(key, base)]).get(key)
        if not matches:
            raise AmbiguousOutcome(
                f"{key.kind} of order {document.order_number} was sent and is not found yet",
                system=self.client.system,
            )
        return matches[0]

    def close(self) -> None:
        """Nothing is kept open between calls but the session, which its owner closes."""

    def _pay(self, payload: HeartlandPayments) -> None:
        for reference in payload.order_references:
            order = self.orders.find(reference)
            if order is not None and not order.is_struck_out:
                self.orders.set_payments(order, payload.payments, None)
                return
        raise Refused(
            f"payment on order {payload.order_references[-1]}: it is not in Heartland",
            rule="order_is_there",
            field="order_id",
        )


def create(
    remote: HttpRemote, settings: HeartlandRetailSettings, mappings: Mappings
) -> HeartlandRetail:
    """Connect to an account.

    Args:
        remote: The account behind HTTP; the connection's password is the API token.
        settings: Its names and rules.
        mappings: Store value to Heartland value.
    """
    return HeartlandRetail(HeartlandClient(remote, settings), settings, mappings)
