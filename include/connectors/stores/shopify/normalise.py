"""Translates an order as `orders_hydrate.graphql` returns it into the canonical order.

Follows the field descriptions of the Admin API 2026-10 schema; it computes nothing that the store
states. What the store leaves open (a line's current price) is worked out in `parts.py`. A document
that is not what the schema promises is refused with the path of the field.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from msgspec import UNSET

from include.connectors.stores.shopify import nodes
from include.connectors.stores.shopify.parts import read_parts
from include.connectors.stores.shopify.refunds import Returned, read_refunds
from include.connectors.stores.shopify.values import (
    SURPRISES,
    Bags,
    Drift,
    bags_in,
    complete,
    drift_of,
    id_of,
    is_stated,
    optional_time,
    time,
)
from include.domain.errors import ContractDrift
from include.domain.money import NOTHING, Amount
from include.domain.order import (
    Address,
    Customer,
    FinancialStatus,
    Order,
    PaymentTerms,
    PiiState,
    RiskLevel,
    SalesProgram,
    StatedTotals,
    TaxId,
    Tender,
    TenderKind,
    TenderStatus,
)

_FINANCIAL = {
    "PENDING": FinancialStatus.PENDING,
    "AUTHORIZED": FinancialStatus.AUTHORIZED,
    "PARTIALLY_PAID": FinancialStatus.PARTIALLY_PAID,
    "PAID": FinancialStatus.PAID,
    "PARTIALLY_REFUNDED": FinancialStatus.PARTIALLY_REFUNDED,
    "REFUNDED": FinancialStatus.REFUNDED,
    "VOIDED": FinancialStatus.VOIDED,
    "EXPIRED": FinancialStatus.EXPIRED,
}
_TENDER_KIND = {
    "AUTHORIZATION": TenderKind.AUTHORIZATION,
    "EMV_AUTHORIZATION": TenderKind.AUTHORIZATION,
    "CAPTURE": TenderKind.CAPTURE,
    "SALE": TenderKind.SALE,
    "REFUND": TenderKind.REFUND,
    "VOID": TenderKind.VOID,
    "CHANGE": TenderKind.CHANGE,
}
_TENDER_STATUS = {
    "SUCCESS": TenderStatus.SUCCESS,
    "PENDING": TenderStatus.PENDING,
    "AWAITING_RESPONSE": TenderStatus.PENDING,
    "FAILURE": TenderStatus.FAILURE,
    "ERROR": TenderStatus.ERROR,
    "UNKNOWN": TenderStatus.UNKNOWN,
}
_PROGRAM = {
    "pos": SalesProgram.POINT_OF_SALE,
    "shopify_draft_order": SalesProgram.DRAFT,
    "subscription_contract": SalesProgram.SUBSCRIPTION,
    "subscription_contract_checkout_one": SalesProgram.SUBSCRIPTION,
}
# What the store makes of all assessments together; without that, the gravest of them counts.
_ADVISED = {
    "ACCEPT": RiskLevel.LOW,
    "INVESTIGATE": RiskLevel.MEDIUM,
    "CANCEL": RiskLevel.HIGH,
}
_ASSESSED = {level.name: level for level in RiskLevel}
_FULFILLMENT: dict[str, str] = {}
_NO_REFUNDS = Returned()


def normalise(channel: str, document: object) -> Order:
    """Translate one order document into the canonical order. Pure.

    Args:
        channel: Id of the channel that pulled it.
        document: An ``Order`` as `orders_hydrate.graphql` selects it, every connection complete:
            read already, or the JSON object.

    Returns:
        The order, in the shop's and the presentment currency, times in UTC.

    Raises:
        ContractDrift: A field is missing or of another type; the message names order and path.
    """
    try:
        return _order(channel, _read(document))
    except SURPRISES as error:
        drift = drift_of(error, "") if not isinstance(error, Drift) else error
    path = drift.path.strip(".") or "order"
    raise ContractDrift(
        f"order {_name(document)}: {path} {drift.problem}; the store's answer is not what Admin "
        "API 2026-10 promises: compare the document with the schema before it is replayed",
        rule="shopify_contract",
        field=path,
    )


def _read(document: object) -> nodes.Order:
    if isinstance(document, nodes.Order):
        return document
    if isinstance(document, dict) and "fault" in document:  # stands in for an order
        raise Drift("order", "was not given whole when it was pulled: pull it again")
    return nodes.read_order(orjson.dumps(document))


def _name(document: object) -> str:
    if isinstance(document, nodes.Order):
        name: object = document.name
    else:
        name = isinstance(document, dict) and (document.get("name") or document.get("id"))
    return str(name or "without a name").replace("\x00", "?")


def _order(channel: str, document: nodes.Order) -> Order:
    number = document.name
    if "\x00" in number:
        raise Drift("name", "holds a NUL character, which no database takes")
    shop_code = document.currency_code
    buyer_code = document.presentment_currency_code or shop_code
    bags = bags_in(shop_code, buyer_code)
    returned = read_refunds(document.refunds, bags) if document.refunds else _NO_REFUNDS
    rounding = _cash_rounding(document.total_cash_rounding_adjustment, bags)
    stated = _stated(document, bags, rounding)
    cancelled_at = optional_time(document.cancelled_at, "cancelledAt")
    parts = read_parts(
        document,
        bags=bags,
        stated=stated,
        returned=returned,
        taxes_included=document.taxes_included,
        is_cancelled=cancelled_at is not None,
    )
    tenders = _tenders(document.transactions or (), bags)
    billing = _address(document.billing_address)
    shipping = _address(document.shipping_address)
    customer = _customer(document, billing or shipping)
    reason, source = document.cancel_reason, document.source_name
    return Order(
        channel=channel,
        order_id_store=document.id,
        number=number,
        placed_at=time(document.created_at, "createdAt"),
        updated_at=time(document.updated_at, "updatedAt"),
        currency=shop_code,
        presentment_currency=buyer_code,
        taxes_included=document.taxes_included,
        stated=stated,
        lines=parts.lines,
        charges=parts.charges,
        tenders=tenders,
        refunds=returned.refunds,
        customer=customer,
        billing_address=billing,
        shipping_address=shipping,
        cancelled_at=cancelled_at,
        cancel_reason=reason.lower() if reason else None,
        closed_at=optional_time(document.closed_at, "closedAt"),
        is_test=document.test,
        is_edited=document.edited is True,
        program=_PROGRAM.get(source, SalesProgram.ONLINE) if source else SalesProgram.ONLINE,
        financial_status=_financial_status(document, stated, tenders),
        fulfillment_status=_lowered(document.display_fulfillment_status),
        purchase_order_number=document.po_number or None,
        pii_state=_pii_state(customer, billing, shipping, is_withheld=document.email is UNSET),
        risk=_risk(document.risk),
        payment_terms=_terms(document.payment_terms),
    )


def _lowered(status: str) -> str:
    found = _FULFILLMENT.get(status)
    if found is None:
        found = _FULFILLMENT[status] = status.lower()
    return found


def _risk(risk: nodes.OrderRiskSummary | None) -> RiskLevel | None:
    """Return the risk of fraud; documents that were landed before it was read say nothing."""
    if risk is None:
        return None
    advised = _ADVISED.get(risk.recommendation or "")
    if advised is not None or not risk.assessments:
        return advised
    found = {_ASSESSED.get(assessment.risk_level or "") for assessment in risk.assessments}
    return next((level for level in reversed(RiskLevel) if level in found), None)


def _terms(terms: nodes.PaymentTerms | None) -> PaymentTerms | None:
    """Return the agreed terms; a day is known once the store has one for every part of the money.

    Terms that run from a bill or a delivery have none before that.
    """
    if terms is None:
        return None
    try:
        parts = complete(terms.payment_schedules, "paymentSchedules")
        due = [optional_time(part.due_at, "dueAt") for part in parts]
    except SURPRISES as error:
        raise drift_of(error, "paymentTerms") from None
    known = [at for at in due if at is not None]
    return PaymentTerms(
        name=terms.payment_terms_name,
        due_at=max(known) if known and len(known) == len(due) else None,
        due_in_days=terms.due_in_days,
    )


def _stated(document: nodes.Order, bags: Bags, rounding: Amount) -> StatedTotals:
    required, optional = bags.required, bags.optional
    return StatedTotals(
        # Before returns: units that an edit removed are still in it, discounts an edit gave are
        # taken off, as recorded live on edited orders.
        original_total=required(document.total_price_set, "totalPriceSet"),
        current_total=required(document.current_total_price_set, "currentTotalPriceSet"),
        current_subtotal=required(document.current_subtotal_price_set, "currentSubtotalPriceSet"),
        current_tax=required(document.current_total_tax_set, "currentTotalTaxSet"),
        current_shipping=required(document.current_shipping_price_set, "currentShippingPriceSet"),
        current_discounts=optional(
            document.current_total_discounts_set, "currentTotalDiscountsSet"
        ),
        tip=optional(document.total_tip_received_set, "totalTipReceivedSet"),
        current_duties=optional(document.current_total_duties_set, "currentTotalDutiesSet"),
        current_fees=optional(
            document.current_total_additional_fees_set, "currentTotalAdditionalFeesSet"
        ),
        rounding=rounding,
        received=required(document.total_received_set, "totalReceivedSet"),
        refunded=required(document.total_refunded_set, "totalRefundedSet"),
        net_payment=optional(document.net_payment_set, "netPaymentSet"),
        outstanding=optional(document.total_outstanding_set, "totalOutstandingSet"),
        refund_discrepancy=optional(document.refund_discrepancy_set, "refundDiscrepancySet"),
    )


def _cash_rounding(node: nodes.CashRoundingAdjustment | None, bags: Bags) -> Amount:
    """Return what rounding of cash added to the money kept: on payments less on refunds."""
    if node is None:
        return NOTHING
    try:
        paid = bags.optional(node.payment_set, "paymentSet")
        back = bags.optional(node.refund_set, "refundSet")
    except SURPRISES as error:
        raise drift_of(error, "totalCashRoundingAdjustment") from None
    return paid.minus(back) if back != NOTHING else paid


def _financial_status(
    document: nodes.Order, stated: StatedTotals, tenders: tuple[Tender, ...]
) -> FinancialStatus:
    """Return the status; an order without any transaction has none yet and waits to be paid."""
    status = document.display_financial_status
    if status:
        return _FINANCIAL.get(status, FinancialStatus.UNKNOWN)
    if not tenders and stated.outstanding.presentment > 0:
        return FinancialStatus.PENDING
    return FinancialStatus.UNKNOWN


def _tenders(transactions: Sequence[nodes.OrderTransaction], bags: Bags) -> tuple[Tender, ...]:
    found = []
    for index, node in enumerate(transactions):
        if node.kind == "SUGGESTED_REFUND":  # a calculation of the store, never a payment
            continue
        try:
            found.append(_tender(node, bags))
        except SURPRISES as error:
            raise drift_of(error, f"transactions[{index}]") from None
    return tuple(found)


def _tender(node: nodes.OrderTransaction, bags: Bags) -> Tender:
    kind, status = _TENDER_KIND.get(node.kind), _TENDER_STATUS.get(node.status)
    if kind is None:
        raise Drift("kind", f"is {node.kind!r}, which is no known transaction kind")
    if status is None:
        raise Drift("status", f"is {node.status!r}, which is no known transaction status")
    amount, rounding = bags.required(node.amount_set, "amountSet"), NOTHING
    if is_stated(node.amount_rounding_set):
        # Totals and transactions are stated before cash rounding; what moved is their sum
        # (developer changelog, cash transaction rounding, 2025-04-24).
        rounding = bags.required(node.amount_rounding_set, "amountRoundingSet")
        amount = amount.plus(rounding)
    processed_at = node.processed_at or node.created_at
    if processed_at is None:
        raise Drift("createdAt", "is missing")
    details = node.payment_details
    return Tender(
        tender_id=node.id,
        gateway=node.gateway or node.formatted_gateway or "",
        kind=kind,
        status=status,
        amount=amount,
        processed_at=time(processed_at, "processedAt"),
        parent_id=id_of(node.parent_transaction),
        is_test=node.test is True,
        method=(details.payment_method_name or None) if details else None,
        rounding=rounding,
    )


def _address(node: nodes.MailingAddress | None) -> Address | None:
    if node is None:
        return None
    return Address(
        name=node.name or None,
        company=node.company or None,
        line_1=node.address1 or None,
        line_2=node.address2 or None,
        city=node.city or None,
        region=node.province or None,
        region_code=node.province_code or None,
        postal_code=node.zip or None,
        country_code=node.country_code_v2 or None,
        phone=node.phone or None,
    )


def _customer(document: nodes.Order, address: Address | None) -> Customer | None:
    """Return the buyer; a guest has no store id, an order without any sign of one has none."""
    node = document.customer
    email = document.email or None
    phone = document.phone or None
    company, tax_ids = _company(document.purchasing_entity)
    if document.localized_fields is not None:
        tax_ids += tuple(
            TaxId(field.key.lower(), field.value)
            for field in complete(document.localized_fields, "localizedFields")
            if field.purpose == "TAX" and field.value
        )
    marketing = document.customer_accepts_marketing
    if node is None:
        if not (email or phone or company or tax_ids):
            return None
        return Customer(
            customer_id_store=None,
            name=address.name if address else None,
            email=email,
            phone=phone,
            company=company,
            tax_ids=tax_ids,
            accepts_marketing=marketing,
        )
    name = node.display_name or " ".join(filter(None, (node.first_name, node.last_name)))
    own_email, own_phone = node.default_email_address, node.default_phone_number
    return Customer(
        customer_id_store=node.id,
        name=name or (address.name if address else None),
        email=email or (own_email.email_address or None if own_email else None),
        phone=phone or (own_phone.phone_number or None if own_phone else None),
        company=company,
        tax_ids=tax_ids,
        accepts_marketing=marketing,
    )


def _company(entity: nodes.PurchasingEntity | None) -> tuple[str | None, tuple[TaxId, ...]]:
    """Return the buying company and its tax registration; another purchaser has neither."""
    if entity is None:
        return None, ()
    name = (entity.company.name or None) if entity.company else None
    settings = entity.location.tax_settings if entity.location else None
    number = settings.tax_registration_id if settings else None
    return name, (TaxId("tax_registration", number),) if number else ()


def _pii_state(
    customer: Customer | None,
    billing: Address | None,
    shipping: Address | None,
    *,
    is_withheld: bool,
) -> PiiState:
    """Tell whether personal data is there, was never given, or is withheld by access rules."""
    if customer is None and billing is None and shipping is None:
        return PiiState.REDACTED if is_withheld else PiiState.ABSENT
    if (
        (customer is not None and (customer.name or customer.email or customer.phone))
        or (shipping is not None and (shipping.name or shipping.line_1))
        or (billing is not None and (billing.name or billing.line_1))
    ):
        return PiiState.PRESENT
    return PiiState.REDACTED
