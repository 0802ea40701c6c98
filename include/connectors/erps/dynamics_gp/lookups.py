"""What the settings and maps of a channel say: ids, batches, items, sites, payment methods."""

from __future__ import annotations

from include.connectors.erps.dynamics_gp.econnect.parameters import (
    TaCreateSopPaymentInsertRecord,
    TaSopLineIvcInsert,
)
from include.connectors.erps.dynamics_gp.payloads import (
    INVOICE,
    NUMBER_BLANK,
    ORDER,
    RETURN,
    mark_of,
)
from include.connectors.erps.dynamics_gp.settings import DynamicsGpSettings
from include.domain.document import (
    Document,
    DocumentPayment,
)
from include.domain.errors import Refused
from include.ports.erp import Mappings

PAYMENT_TYPES = {"cash": 1, "check": 2, "card": 3}  # deposit on an order; + 3 on an invoice
PAYMENT_ON_INVOICE = 3
CHECK_LIMIT, TENDER_LIMIT, LINE_LIMIT = 20, 15, 28


class Lookups:
    """Looks store values up for one channel.

    Args:
        settings: The company's ids and rules.
        mappings: Store value to ERP value.
    """

    def __init__(self, settings: DynamicsGpSettings, mappings: Mappings) -> None:
        self.settings = settings
        self.mappings = mappings

    def docid_of(self, soptype: int) -> str:
        """Return the channel's document id of a SOPTYPE."""
        if soptype == RETURN:
            return self.settings.return_document_id
        if soptype == INVOICE:
            return self.settings.invoice_document_id
        return self.settings.order_document_id

    def batch_of(self, document: Document) -> str:
        """Return the batch of the day a document is posted on."""
        return f"{self.settings.batch_prefix}{document.post_on or document.document_on:%Y%m%d}"

    def payment(
        self,
        document: Document,
        payment: DocumentPayment,
        soptype: int,
        customer: str,
        sequence: int,
    ) -> TaCreateSopPaymentInsertRecord:
        """Translate one payment; on an order it is a deposit.

        Raises:
            Refused: It is not positive.
        """
        if payment.amount <= 0:
            raise Refused(
                f"payment {payment.tender_id} is {payment.amount}: GP takes no negative payment; "
                "money goes back with a return",
                rule="payment_positive",
                field="DOCAMNT",
            )
        kind, card, checkbook = self._payment_method(payment.gateway)
        return TaCreateSopPaymentInsertRecord(
            SOPTYPE=soptype,
            SOPNUMBE=NUMBER_BLANK,
            CUSTNMBR=customer,
            DOCDATE=document.document_on,
            DOCAMNT=payment.amount,
            CHEKBKID=checkbook or None,
            CARDNAME=card or None,
            CHEKNMBR=mark_of(payment.tender_id, CHECK_LIMIT) if kind == "check" else None,
            AUTHCODE=mark_of(payment.tender_id, TENDER_LIMIT),
            PYMTTYPE=PAYMENT_TYPES[kind] + (0 if soptype == ORDER else PAYMENT_ON_INVOICE),
            SEQNUMBR=sequence,
        )

    def _payment_method(self, gateway: str) -> tuple[str, str, str]:
        """Read a row of the payment map: ``kind:card name:checkbook``, the last two optional."""
        value = self.mappings.require("payment", gateway)
        kind, _, rest = value.partition(":")
        card, _, checkbook = rest.partition(":")
        kind = kind.strip().lower()
        if kind not in PAYMENT_TYPES:
            raise Refused(
                f"the payment map says {value!r} for {gateway!r}: it has to start with one of "
                f"{', '.join(PAYMENT_TYPES)}",
                rule="map_payment",
                field="PYMTTYPE",
            )
        return kind, card.strip(), checkbook.strip()

    def item_of(self, sku: str | None, title: str = "") -> str:
        """Return the item number of a sku.

        Raises:
            MappingMissing: No row, and the sku cannot be an item number itself.
        """
        key = sku or f"title:{title}"
        mapped = self.mappings.get("sku", key)
        if mapped is not None:
            return mapped
        fits = TaSopLineIvcInsert.RULES["ITEMNMBR"].fault(key) is None
        if sku and self.settings.sku_is_item_number and fits:
            return sku
        return self.mappings.require("sku", key)

    def terms_of(self, document: Document) -> str | None:
        """Return the payment terms (PYMTRMID) of a document; none where the order has none.

        Raises:
            MappingMissing: The order has terms and no row says what GP calls them.
        """
        if document.payment_terms is None:
            return None
        return self.mappings.require("payment_terms", document.payment_terms)

    def site_of(self, location_id: str | None) -> str:
        """Return the site of a store location; the default site where the store names none."""
        if location_id is None:
            return self.settings.default_site
        return self.mappings.require("location", location_id)
