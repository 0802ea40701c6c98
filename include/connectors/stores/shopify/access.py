"""Which parts of an order an app may read, as its scopes and the store's refusals say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from include.connectors.stores.shopify.client import AccessDenied


@dataclass(frozen=True, slots=True)
class Access:
    """Which parts of an order the app may read.

    Attributes:
        customers: Scope for customers and companies.
        personal: Approval for protected customer data: names, streets, e-mails, phones.
        products: Scope for products and variants.
        locations: Scope for locations.
        terms: Scope for payment terms.
        risk: Whether the channel asks for the estimate of fraud; ``read_orders`` is all it takes.
    """

    customers: bool = True
    personal: bool = True
    products: bool = True
    locations: bool = True
    terms: bool = True
    risk: bool = False

    @classmethod
    def of(cls, scopes: Iterable[str]) -> Access:
        """Tell from the granted scopes; a write scope includes reading.

        Args:
            scopes: Handles such as ``read_orders``.
        """
        readable = {scope.replace("write_", "read_", 1) for scope in scopes}
        return cls(
            customers="read_customers" in readable,
            products="read_products" in readable,
            locations=bool(readable & {"read_locations", "read_inventory", "read_markets_home"}),
            terms="read_payment_terms" in readable,
        )

    @property
    def is_full(self) -> bool:
        """Whether nothing of an order is withheld, the estimate of fraud aside."""
        return self.customers and self.personal and self.products and self.locations and self.terms

    @property
    def flags(self) -> dict[str, bool]:
        """The boolean variables of the hydration documents."""
        return {
            "withCustomers": self.customers,
            "withPersonal": self.personal,
            "withProducts": self.products,
            "withLocations": self.locations,
            "withTerms": self.terms,
            "withRisk": self.risk,
        }

    def less(self, denied: AccessDenied) -> Access:
        """Return this access without what the store denies.

        Args:
            denied: The refusal; the fields it names decide, else the most delicate part goes first.

        Raises:
            AccessDenied: What is denied cannot be left out.
        """
        named = {part for path in denied.fields for part in path}
        for part, fields in _DENIABLE.items():
            if getattr(self, part) and (not named or named & fields):
                return replace(self, **{part: False})
        raise denied


_DENIABLE = {
    "personal": frozenset(
        {
            "email",
            "phone",
            "displayName",
            "firstName",
            "lastName",
            "defaultEmailAddress",
            "defaultPhoneNumber",
            "billingAddress",
            "shippingAddress",
        }
    ),
    "customers": frozenset({"customer", "purchasingEntity"}),
    "products": frozenset({"variant", "product"}),
    "locations": frozenset({"location", "retailLocation"}),
    "terms": frozenset({"paymentTerms"}),
}
