"""Who a document is booked on: the customer with its addresses, as GP knows them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from include.connectors.erps.dynamics_gp.econnect.fields import Procedure
from include.connectors.erps.dynamics_gp.econnect.parameters import (
    TaCreateCustomerAddress,
    TaCreateInternetAddresses,
    TaSopHdrIvcInsert,
    TaUpdateCreateCustomerRcd,
)
from include.connectors.erps.dynamics_gp.lookups import Lookups
from include.domain.document import (
    Document,
)
from include.domain.errors import Refused
from include.domain.order import Address, Customer

PRIMARY, SHIP_TO = "PRIMARY", "SHIP TO"
NOBODY = Customer(None)
ADDRESS_FIELDS = ("CNTCPRSN", "ADDRESS1", "ADDRESS2", "ADDRESS3", "CITY", "STATE", "ZIPCODE")


class Buyer:
    """The customer that a document is booked on.

    Args:
        lookups: The channel's settings and maps.
        document: The document.

    Raises:
        Refused: There is no customer and the channel names no account for guests.
        MappingMissing: The store's id makes no customer number and no row names one.
    """

    def __init__(self, lookups: Lookups, document: Document) -> None:
        self.settings = lookups.settings
        self.mappings = lookups.mappings
        self.document = document
        self.number = self._number()

    @property
    def store_id(self) -> str | None:
        """The store's id of the customer; none for a guest."""
        return (self.document.customer or NOBODY).customer_id_store or None

    @property
    def email(self) -> str | None:
        """The customer's e-mail address; none for a guest."""
        return (self.document.customer or NOBODY).email if self.store_id else None

    @property
    def is_own(self) -> bool:
        """Whether the number is the channel's own, not one of the map or the guests'."""
        return self.store_id is not None and self.mappings.get("customer", self.store_id) is None

    @property
    def tax_id(self) -> str | None:
        """The buyer's tax registration; of several the one whose kind the channel prefers."""
        tax_ids = (self.document.customer or NOBODY).tax_ids
        for kind in self.settings.tax_registration_kinds:
            for tax_id in tax_ids:
                if tax_id.kind == kind:
                    return tax_id.number
        if self.settings.tax_registration_kinds:
            return None
        return tax_ids[0].number if tax_ids else None

    @property
    def registration(self) -> str | None:
        """The customer's tax registration as it is compared; none for a guest."""
        if self.store_id is None:
            return None
        return re.sub(r"[\s./-]", "", self.tax_id or "").upper() or None

    @property
    def name_on_document(self) -> str | None:
        """A guest's own name goes on the document; a customer's comes from the customer."""
        if self.store_id:
            return None
        bill = self.document.billing_address or self.document.shipping_address
        customer = self.document.customer
        return (customer.name if customer else None) or (bill.name if bill else None) or None

    def _number(self) -> str:
        customer = self.document.customer
        if customer is None or not customer.customer_id_store:
            if self.settings.guest_customer is None:
                raise Refused(
                    f"order {self.document.order_number} has no customer and the channel names no "
                    "account for guests",
                    rule="guest_customer",
                    field="CUSTNMBR",
                )
            return self.settings.guest_customer
        store_id = customer.customer_id_store
        mapped = self.mappings.get("customer", store_id)
        if mapped is not None:
            return mapped
        digits = re.search(r"\d+$", store_id)
        number = f"{self.settings.customer_prefix}{digits[0]}" if digits else ""
        if not number or TaSopHdrIvcInsert.RULES["CUSTNMBR"].fault(number) is not None:
            return self.mappings.require("customer", store_id)
        return number

    def calls(self) -> Iterator[Procedure]:
        """Yield the calls that create the customer, or bring it up to date."""
        document, customer = self.document, self.document.customer
        bill = document.billing_address or document.shipping_address or Address()
        name = "Web guests"
        if self.store_id is not None and customer is not None:
            name = customer.company or customer.name or bill.company or bill.name or ""
            name = name or f"Web customer {self.number}"
        place = bill.country_code or ""
        customer_class = (
            self.mappings.get("customer_class", place)
            or self.mappings.get("customer_class", "*")
            or self.settings.customer_class
        )
        update = int(self.settings.update_customers and self.store_id is not None)
        blank = dict.fromkeys(ADDRESS_FIELDS, "") if update else {}
        address = {} if self.store_id is None else blank | address_of(bill)
        yield TaUpdateCreateCustomerRcd(
            CUSTNMBR=self.number,
            CUSTNAME=name,
            CUSTCLAS=customer_class,
            TXRGNNUM=self.tax_id if self.store_id is not None else None,
            ADRSCODE=PRIMARY,
            UpdateIfExists=update,
            **{key: value for key, value in address.items() if key != "PHNUMBR1"},
        )
        if self.store_id is not None and customer is not None and customer.email:
            yield TaCreateInternetAddresses(
                Master_Type="CUS", Master_ID=self.number, ADRSCODE=PRIMARY, INET1=customer.email
            )
        ship = document.shipping_address
        if ship is not None and self.store_id is not None:
            yield TaCreateCustomerAddress(
                CUSTNMBR=self.number,
                ADRSCODE=SHIP_TO,
                ShipToName=ship.company or ship.name or name,
                UpdateIfExists=update,
                **blank | address_of(ship),
            )


def address_of(address: Address) -> dict[str, Any]:
    """Return an address in the names that eConnect's nodes share; missing parts are left out.

    Args:
        address: The store's address.
    """
    street = " ".join(part for part in (address.line_1, address.street_number) if part)
    parts = {
        "CNTCPRSN": address.name,
        "ADDRESS1": street,
        "ADDRESS2": address.line_2,
        "ADDRESS3": address.neighbourhood,
        "CITY": address.city,
        "STATE": address.region_code or address.region,
        "ZIPCODE": address.postal_code,
        "COUNTRY": address.country_code,
        # GP keeps the bare digits and shows them through a mask.
        "PHNUMBR1": re.sub(r"[^\d+]", "", address.phone or ""),
    }
    return {name: value for name, value in parts.items() if value}
