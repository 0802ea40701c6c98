"""Finds the party that a document is booked on, or creates it: code first, then e-mail address.

A party's code is unique in Tryton, so that two posters never make the same buyer twice.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from include.connectors.erps.tryton.company import CompanyBook
from include.connectors.erps.tryton.documents import Buyer
from include.connectors.erps.tryton.rpc import TrytonClient
from include.connectors.erps.tryton.settings import TrytonSettings
from include.domain.errors import Refused
from include.domain.order import Address, Customer

_ADDRESS = ("party_name", "attn", "street", "postal_code", "city", "country")
_FIELDS = (
    "name",
    "code",
    "account_receivable",
    *(f"addresses.{field}" for field in _ADDRESS),
)
REMEMBERED = 5000


@dataclass(frozen=True, slots=True)
class Party:
    """Who a document is booked on.

    Attributes:
        id: The party.
        invoice_address: Where the invoice goes.
        shipment_address: Where the goods go.
        receivable: Account of what the party owes.
    """

    id: int
    invoice_address: int
    shipment_address: int
    receivable: int


class Customers:
    """The company's parties, as far as web orders concern them.

    Args:
        client: The session.
        book: The company's set-up.
        settings: Rules for customers.
    """

    def __init__(self, client: TrytonClient, book: CompanyBook, settings: TrytonSettings) -> None:
        self.client = client
        self.book = book
        self.settings = settings
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, Any]] = {}

    def party_for(self, buyer: Buyer, reference: str) -> Party:
        """Return the party of a buyer, created if the settings say so.

        Args:
            buyer: The buyer.
            reference: The order's number, for messages.

        Raises:
            Refused: There is no party to book on, or several have the e-mail address.
        """
        row = self._row(buyer, reference)
        wanted = [self._address(address) for address in (buyer.billing, buyer.shipping) if address]
        row = self._with_addresses(row, wanted)
        ids = [_same(row, address) for address in wanted] or [None]
        first = next((i for i in ids if i is not None), None) or _first_address(row)
        if first is None:
            raise Refused(
                f"order {reference}: party {row['code']} has no address in Tryton and the order "
                "brings none",
                rule="address_exists",
                field="addresses",
            )
        billed = ids[0] if buyer.billing and ids[0] is not None else first
        shipped = ids[-1] if buyer.shipping and ids[-1] is not None else billed
        return Party(
            row["id"], billed, shipped, row["account_receivable"] or self.book.company.receivable
        )

    def _row(self, buyer: Buyer, reference: str) -> dict[str, Any]:
        if buyer.code is None:
            guest = self.settings.guest_customer
            if guest is None:
                raise Refused(
                    f"order {reference} has no customer and the channel names no guest_customer",
                    rule="customer_known",
                    field="party",
                )
            return self._required(guest, reference)
        if buyer.is_mapped:
            return self._required(buyer.code, reference)
        known = self._find(buyer.code)
        if known is None:
            known = self._by_e_mail(buyer, reference) or self._create(buyer, buyer.code)
        return self._updated(known, buyer)

    def _required(self, code: str, reference: str) -> dict[str, Any]:
        found = self._find(code)
        if found is None:
            raise Refused(
                f"order {reference}: Tryton has no party with the code {code!r}",
                rule="party_exists",
                field="code",
            )
        return found

    def _find(self, code: str) -> dict[str, Any] | None:
        with self._lock:
            known = self._known.get(code)
        if known is not None:
            return known
        rows = self.client.search("party.party", [["code", "=", code]], _FIELDS, limit=1)
        return self._remember(code, rows[0]) if rows else None

    def _remember(self, code: str, row: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[code] = row
        return row

    def _by_e_mail(self, buyer: Buyer, reference: str) -> dict[str, Any] | None:
        email = buyer.customer.email if buyer.customer else None
        if not email or not self.settings.match_customers_by_email:
            return None
        has = ["contact_mechanisms", "where", [["type", "=", "email"], ["value", "ilike", email]]]
        rows = self.client.search("party.party", [has], _FIELDS, limit=5)
        if len(rows) > 1:
            codes = ", ".join(str(row["code"]) for row in rows)
            raise Refused(
                f"order {reference}: several parties of Tryton have the buyer's e-mail address "
                f"({codes}): add a row to the customer map",
                rule="e_mail_unique",
                field="contact_mechanisms",
            )
        return self._remember(str(buyer.code), rows[0]) if rows else None

    def _create(self, buyer: Buyer, code: str) -> dict[str, Any]:
        customer = buyer.customer or Customer(None)
        addresses = _distinct(
            self._address(address) for address in (buyer.billing, buyer.shipping) if address
        )
        values: dict[str, Any] = {
            "name": customer.name or customer.company or code,
            "code": code,
            "addresses": [["create", addresses or [{"city": None}]]],
        }
        contacts = [
            {"type": kind, "value": value}
            for kind, value in (("email", customer.email), ("other", customer.phone))
            if value
        ]
        if contacts:
            values["contact_mechanisms"] = [["create", contacts]]
        if customer.tax_ids:
            kinds = self.settings.tax_identifiers
            identifiers = [
                {"type": kinds.get(tax_id.kind), "code": tax_id.number}
                for tax_id in customer.tax_ids
            ]
            values["identifiers"] = [["create", identifiers]]
        try:
            self.client.create("party.party", [values])
        except Refused:
            # Another poster may have been faster: the code is unique.
            known = self._find(code)
            if known is None:
                raise
            return known
        known = self._find(code)
        if known is None:
            raise AssertionError("a party that was created is there")
        return known

    def _updated(self, row: dict[str, Any], buyer: Buyer) -> dict[str, Any]:
        name = buyer.customer.name if buyer.customer else None
        if not self.settings.update_customers or not name or name == row["name"]:
            return row
        self.client.write("party.party", [row["id"]], {"name": name})
        return self._remember(str(buyer.code), {**row, "name": name})

    def _with_addresses(self, row: dict[str, Any], wanted: list[dict[str, Any]]) -> dict[str, Any]:
        """Add the addresses that the party does not have yet."""
        lacking = _distinct(address for address in wanted if _same(row, address) is None)
        if not lacking:
            return row
        values = [{**address, "party": row["id"]} for address in lacking]
        made = self.client.create("party.address", values)
        kept = [*row["addresses."], *({**a, "id": i} for a, i in zip(lacking, made, strict=True))]
        row = {**row, "addresses.": kept}
        for code, known in list(self._known.items()):
            if known["id"] == row["id"]:
                self._remember(code, row)
        return row

    def _address(self, address: Address) -> dict[str, Any]:
        """Spell an address; a country or region that Tryton does not know stays in its text."""
        country = self.book.company.countries.get(address.country_code or "")
        lines = [address.line_1, address.line_2]
        if country is None and address.country_code:
            lines.append(address.country_code)
        place = ", ".join(filter(None, (address.city, address.region_code or address.region)))
        return {
            "party_name": address.company or None,
            "attn": address.name or None,
            "street": "\n".join(filter(None, lines)) or None,
            "postal_code": address.postal_code or None,
            "city": place or None,
            "country": country,
        }


def _same(row: dict[str, Any], wanted: dict[str, Any]) -> int | None:
    for address in row["addresses."]:
        if all((address[field] or None) == wanted[field] for field in _ADDRESS):
            return int(address["id"])
    return None


def _first_address(row: dict[str, Any]) -> int | None:
    return int(row["addresses."][0]["id"]) if row["addresses."] else None


def _distinct(addresses: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for address in addresses:
        if address not in found:
            found.append(address)
    return found
