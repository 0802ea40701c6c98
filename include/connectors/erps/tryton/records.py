"""The records of a Tryton company, by kind: what every step of a document works with."""

from __future__ import annotations

from dataclasses import dataclass

from include.connectors.erps.tryton.company import CompanyBook
from include.connectors.erps.tryton.customers import Customers, Party
from include.connectors.erps.tryton.documents import TrytonDocument
from include.connectors.erps.tryton.invoices import Invoices
from include.connectors.erps.tryton.lookup import Lookup
from include.connectors.erps.tryton.payments import Payments
from include.connectors.erps.tryton.rpc import TrytonClient
from include.connectors.erps.tryton.sales import Sales


@dataclass(frozen=True, slots=True)
class Records:
    """The records of one company."""

    client: TrytonClient
    book: CompanyBook
    customers: Customers
    sales: Sales
    invoices: Invoices
    payments: Payments
    lookup: Lookup

    def level(self, document: TrytonDocument, party: Party) -> None:
        """Bring the deposits on an order to what a document of it says.

        Args:
            document: Any document of the order.
            party: Who it is booked on.
        """
        lines = self.payments.lines_of(document.web_id, party)
        self.payments.level(document, party, lines)

    def reconcile(self, document: TrytonDocument, party: Party) -> None:
        """Reconcile what is open of the document's order, where it comes to nothing.

        Args:
            document: Any document of the order.
            party: Who it is booked on.
        """
        lines = self.payments.lines_of(document.web_id, party)
        self.payments.reconcile(document.mark, lines)
