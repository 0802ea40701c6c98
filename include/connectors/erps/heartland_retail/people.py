"""Buyers and addresses: fit for Heartland's fields, and found before they are created.

A customer is found by the store's id in a custom field, else by e-mail. Of one buyer, one caller
in this process looks and creates at a time; the others wait and find what it made. Other processes
do not wait: another channel's of the same account, say. So whoever made one looks once more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping

from include.connectors.erps.heartland_retail.client import HeartlandClient, Row
from include.connectors.erps.heartland_retail.payloads import HeartlandOrder, Person, Postal
from include.connectors.erps.heartland_retail.settings import HeartlandRetailSettings
from include.connectors.erps.heartland_retail.turns import Turns
from include.domain.document import Document
from include.domain.errors import ConfigurationError, Refused
from include.domain.order import Address

log = logging.getLogger(__name__)

DISCARDED = "discarded "
UNKNOWN = "?"  # the vendor's own advice for a name that the source does not have
Fits = Callable[[str, str | None], str | None]
_COMPARED = (
    "first_name",
    "last_name",
    "line_1",
    "line_2",
    "city",
    "state",
    "postal_code",
    "country",
)


def person_of(document: Document, fits: Fits, guests: str | None) -> Person | None:
    """Return the buyer of a document, or none for a guest.

    Args:
        document: The document.
        fits: Refuses a text that is too long.
        guests: Customer that guests are booked on.

    Raises:
        Refused: A name is too long, or there is no customer for guests.
    """
    customer = document.customer
    if customer is None or customer.customer_id_store is None:
        if guests is None:
            raise Refused(
                f"order {document.order_number} has no customer, and the channel names none for "
                "guests: set guest_customer",
                rule="customer_known",
                field="customer_id",
            )
        return None
    address = document.billing_address or document.shipping_address
    first, last = _names(customer.name or (address.name if address else None))
    return Person(
        store_id=fits("custom@customer id", customer.customer_id_store.rsplit("/", 1)[-1]),
        first_name=fits("customer.first_name", first) or UNKNOWN,
        last_name=fits("customer.last_name", last) or UNKNOWN,
        email=fits("customer.email", customer.email),
    )


def postal_of(address: Address | None, document: Document, fits: Fits) -> Postal | None:
    """Return an address in Heartland's fields, or none if there is nothing to write on a parcel.

    Args:
        address: The store's address, if there is one.
        document: Whose customer lends a name to an address without one.
        fits: Refuses a text that is too long.

    Raises:
        Refused: A part is too long.
    """
    if address is None or not (address.line_1 or address.city or address.postal_code):
        return None
    customer = document.customer
    first, last = _names(address.name or (customer.name if customer else None) or address.company)
    street = " ".join(part for part in (address.line_1, address.street_number) if part)
    second = ", ".join(
        part
        for part in (
            address.company if address.name else None,
            address.line_2,
            address.neighbourhood,
        )
        if part
    )
    parts = {
        "first_name": first or UNKNOWN,
        "last_name": last or UNKNOWN,
        "line_1": street,
        "line_2": second,
        "city": address.city,
        "state": address.region_code or address.region,
        "postal_code": address.postal_code,
        "country": address.country_code,
        "phone": address.phone,
    }
    return {
        name: value for name, value in parts.items() if value and fits(f"address.{name}", value)
    }


def _names(name: str | None) -> tuple[str, str]:
    first, _, last = (name or "").strip().rpartition(" ")
    return (first.strip(), last) if first else (last, "")


class People:
    """The customers of one account.

    Args:
        client: The account.
        settings: How customers are found and made.
    """

    def __init__(self, client: HeartlandClient, settings: HeartlandRetailSettings) -> None:
        self._client = client
        self._settings = settings
        self._turns = Turns()
        self._guest_id: int | None = None

    def customer_id(self, person: Person | None) -> int:
        """Return the customer's id; made unless the account knows them.

        Raises:
            Refused: Several customers carry the e-mail address or the store's id.
            ConfigurationError: The guests' customer does not exist.
        """
        if person is None:
            return self.guest_id()
        mail = f"mail:{person.email.casefold()}" if person.email else f"id:{person.store_id}"
        with self._turns.alone(f"customer:{person.store_id}"), self._turns.alone(mail):
            found = self._find(person)
            if found is None:
                return self._made(person)
            self._bring_up_to_date(found, person)
            return int(found["id"])

    def guest_id(self) -> int:
        """Return the id of the guests' customer.

        Raises:
            ConfigurationError: It does not exist, or the channel names none.
        """
        if self._guest_id is None:
            name = self._settings.guest_customer
            rows = list(self._client.rows("customers", where={"public_id": name}, only=("id",)))
            if not name or not rows:
                raise ConfigurationError(
                    f"Heartland has no customer {name!r} for guests: make it, or name another in "
                    "guest_customer"
                )
            self._guest_id = int(rows[0]["id"])
        return self._guest_id

    def address_id(self, customer_id: int, postal: Postal | None) -> int | None:
        """Return the id of the customer's address, made unless it is there."""
        if postal is None:
            return None
        path = f"customers/{customer_id}/addresses"
        with self._turns.alone(f"address:{customer_id}:{postal.get('line_1')}"):
            where = {n: postal[n] for n in ("last_name", "line_1", "postal_code") if n in postal}
            for row in self._client.rows(path, where=where):
                if all((row.get(n) or "") == (postal.get(n) or "") for n in _COMPARED):
                    return int(row["id"])
            return self._client.create(path, dict(postal))

    def addresses(self, customer_id: int, order: HeartlandOrder) -> tuple[int | None, int | None]:
        """Return the ids of an order's billing and shipping address."""
        billing = self.address_id(customer_id, order.billing)
        if order.shipping == order.billing:
            return billing, billing
        return billing, self.address_id(customer_id, order.shipping)

    def _made(self, person: Person) -> int:
        """Make the buyer; of two that were made at once the older one stays."""
        made = self._client.create("customers", self._values(person))
        older = [row for row in self._all_of(person) if int(row["id"]) < made]
        if not older:
            return made
        log.info("a customer was made twice at once: %d goes", made)
        self._client.update(
            f"customers/{made}",
            {
                "active": False,
                "email": None,
                "custom": {self._settings.customer_field: f"{DISCARDED}{person.store_id}"},
            },
        )
        first = min(older, key=lambda row: int(row["id"]))
        self._bring_up_to_date(first, person)
        return int(first["id"])

    def _all_of(self, person: Person) -> Iterator[Row]:
        field = f"custom@{self._settings.customer_field}"
        yield from self._client.rows("customers", where={field: person.store_id})
        if self._settings.match_customers_by_email and person.email:
            yield from self._client.rows("customers", where={"email": person.email})

    def _find(self, person: Person) -> Row | None:
        field = f"custom@{self._settings.customer_field}"
        found = list(self._client.rows("customers", where={field: person.store_id}))
        if not found and self._settings.match_customers_by_email and person.email:
            found = list(self._client.rows("customers", where={"email": person.email}))
        if len(found) > 1:
            raise Refused(
                f"{len(found)} customers of Heartland carry the store's id or e-mail address of "
                "this buyer: merge them there",
                rule="customer_is_one",
                field="customer_id",
            )
        return found[0] if found else None

    def _values(self, person: Person) -> Row:
        values: Row = {
            "first_name": person.first_name,
            "last_name": person.last_name,
            "custom": {self._settings.customer_field: person.store_id},
        }
        return values | ({"email": person.email} if person.email else {})

    def _bring_up_to_date(self, found: Mapping[str, object], person: Person) -> None:
        custom = found.get("custom")
        known = custom.get(self._settings.customer_field) if isinstance(custom, dict) else None
        wanted = self._values(person)
        if known and known != person.store_id:
            # Found by e-mail, and the store's buyer of another id already: theirs it stays.
            wanted.pop("custom")
        elif known == person.store_id:
            wanted.pop("custom")
        if not self._settings.update_customers:
            wanted = {name: value for name, value in wanted.items() if name == "custom"}
        changed = {
            name: value
            for name, value in wanted.items()
            if found.get(name) != value and value != UNKNOWN
        }
        if changed:
            self._client.update(f"customers/{found['id']}", changed)
