"""Translates an order as `orders_hydrate.graphql` returns it into the canonical order.

Follows the field descriptions of the Admin API 2026-10 schema; it computes nothing that the store
states. What the store leaves open (a line's current price) is worked out in `parts.py`. A document
that is not what the schema promises is refused with the path of the field.
"""

from __future__ import annotations

from include.connectors.stores.shopify.parts import read_parts
from include.connectors.stores.shopify.refunds import Codes, Returned, read_refunds
from include.connectors.stores.shopify.values import (
    SURPRISES,
    Drift,
    Node,
    drift_of,
    flag,
    id_of,
    instant,
    money,
    nodes,
    optional_money,
    optional_time,
    required_text,
    text,
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


def normalise(channel: str, document: dict[str, object]) -> Order:
    """Translate one order document into the canonical order. Pure.

    Args:
        channel: Id of the channel that pulled it.
        document: An ``Order`` as `orders_hydrate.graphql` selects it, every connection complete.

    Returns:
        The order, in the shop's and the presentment currency, times in UTC.

    Raises:
        ContractDrift: A field is missing or of another type; the message names order and path.
    """
    try:
        return _order(channel, document)
    except Drift as drift:
        path, problem = drift.path, drift.problem
    except SURPRISES as error:  # a null where an object was promised
        path, problem = "order", f"cannot be read ({type(error).__name__}: {error})"
    number = "without a name"
    if isinstance(document, dict):
        number = str(document.get("name") or document.get("id") or number).replace("\x00", "?")
    raise ContractDrift(
        f"order {number}: {path} {problem}; the store's answer is not what Admin API 2026-10 "
        "promises: compare the document with the schema before it is replayed",
        rule="shopify_contract",
        field=path,
    )


def _order(channel: str, document: Node) -> Order:
    if "fault" in document:  # what stands in for an order that the store could not give
        raise Drift("order", "was not given whole when it was pulled: pull it again")
    order_id = required_text(document, "id")
    number = required_text(document, "name")
    if "\x00" in number:
        raise Drift("name", "holds a NUL character, which no database takes")
    shop_code = required_text(document, "currencyCode")
    buyer_code = text(document, "presentmentCurrencyCode") or shop_code
    codes: Codes = (shop_code, buyer_code)
    included = flag(document, "taxesIncluded")
    refunded = document.get("refunds")
    returned = read_refunds(refunded, codes) if refunded else _NO_REFUNDS
    rounding = _cash_rounding(document, codes)
    stated = _stated(document, codes, rounding)
    cancelled_at = optional_time(document, "cancelledAt")
    parts = read_parts(
        document,
        codes=codes,
        stated=stated,
        returned=returned,
        taxes_included=included,
        is_cancelled=cancelled_at is not None,
    )
    tenders = _tenders(document, codes)
    billing = _address(document, "billingAddress")
    shipping = _address(document, "shippingAddress")
    customer = _customer(document, billing or shipping)
    reason = text(document, "cancelReason")
    source = text(document, "sourceName")
    fulfillment = required_text(document, "displayFulfillmentStatus")
    return Order(
        channel=channel,
        order_id_store=order_id,
        number=number,
        placed_at=time(document, "createdAt"),
        updated_at=time(document, "updatedAt"),
        currency=shop_code,
        presentment_currency=buyer_code,
        taxes_included=included,
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
        closed_at=optional_time(document, "closedAt"),
        is_test=flag(document, "test"),
        is_edited=document.get("edited") is True,
        program=_PROGRAM.get(source, SalesProgram.ONLINE) if source else SalesProgram.ONLINE,
        financial_status=_financial_status(document, stated, tenders),
        fulfillment_status=_lowered(fulfillment),
        purchase_order_number=text(document, "poNumber"),
        pii_state=_pii_state(customer, billing, shipping, is_withheld="email" not in document),
        risk=_risk(document),
        payment_terms=_terms(document),
    )


def _lowered(status: str) -> str:
    found = _FULFILLMENT.get(status)
    if found is None:
        found = _FULFILLMENT[status] = status.lower()
    return found


def _risk(document: Node) -> RiskLevel | None:
    """Return the risk of fraud; documents that were landed before it was read say nothing."""
    node = document.get("risk")
    if node is None:
        return None
    try:
        advised = _ADVISED.get(node["recommendation"])
        if advised is not None or not node["assessments"]:
            return advised
        found = {_ASSESSED.get(assessment["riskLevel"]) for assessment in node["assessments"]}
    except SURPRISES as error:
        raise drift_of(error, "risk") from None
    return next((level for level in reversed(RiskLevel) if level in found), None)


def _terms(document: Node) -> PaymentTerms | None:
    """Return the agreed terms; a day is known once the store has one for every part of the money.

    Terms that run from a bill or a delivery have none before that.
    """
    node = document.get("paymentTerms")
    if node is None:
        return None
    try:
        due = [optional_time(part, "dueAt") for part in nodes(node, "paymentSchedules")]
        known = [at for at in due if at is not None]
        days = node.get("dueInDays")
        if days is not None and type(days) is not int:
            raise Drift("dueInDays", f"is {days!r} where a whole number was promised")
        return PaymentTerms(
            name=required_text(node, "paymentTermsName"),
            due_at=max(known) if known and len(known) == len(due) else None,
            due_in_days=days,
        )
    except SURPRISES as error:
        raise drift_of(error, "paymentTerms") from None


def _stated(document: Node, codes: Codes, rounding: Amount) -> StatedTotals:
    shop, buyer = codes
    return StatedTotals(
        # Before returns: units that an edit removed are still in it, discounts an edit gave are
        # taken off, as recorded live on edited orders.
        original_total=money(document, "totalPriceSet", shop, buyer),
        current_total=money(document, "currentTotalPriceSet", shop, buyer),
        current_subtotal=money(document, "currentSubtotalPriceSet", shop, buyer),
        current_tax=money(document, "currentTotalTaxSet", shop, buyer),
        current_shipping=money(document, "currentShippingPriceSet", shop, buyer),
        current_discounts=optional_money(document, "currentTotalDiscountsSet", shop, buyer),
        tip=optional_money(document, "totalTipReceivedSet", shop, buyer),
        current_duties=optional_money(document, "currentTotalDutiesSet", shop, buyer),
        current_fees=optional_money(document, "currentTotalAdditionalFeesSet", shop, buyer),
        rounding=rounding,
        received=money(document, "totalReceivedSet", shop, buyer),
        refunded=money(document, "totalRefundedSet", shop, buyer),
        net_payment=optional_money(document, "netPaymentSet", shop, buyer),
        outstanding=optional_money(document, "totalOutstandingSet", shop, buyer),
        refund_discrepancy=optional_money(document, "refundDiscrepancySet", shop, buyer),
    )


def _cash_rounding(document: Node, codes: Codes) -> Amount:
    """Return what rounding of cash added to the money kept: on payments less on refunds."""
    node = document.get("totalCashRoundingAdjustment")
    if node is None:
        return NOTHING
    try:
        paid = optional_money(node, "paymentSet", *codes)
        back = optional_money(node, "refundSet", *codes)
    except SURPRISES as error:
        raise drift_of(error, "totalCashRoundingAdjustment") from None
    return paid.minus(back) if back != NOTHING else paid


def _financial_status(
    document: Node, stated: StatedTotals, tenders: tuple[Tender, ...]
) -> FinancialStatus:
    """Return the status; an order without any transaction has none yet and waits to be paid."""
    status = text(document, "displayFinancialStatus")
    if status is not None:
        return _FINANCIAL.get(status, FinancialStatus.UNKNOWN)
    if not tenders and stated.outstanding.presentment > 0:
        return FinancialStatus.PENDING
    return FinancialStatus.UNKNOWN


def _tenders(document: Node, codes: Codes) -> tuple[Tender, ...]:
    shop, buyer = codes
    found = []
    for index, node in enumerate(nodes(document, "transactions")):
        try:
            kind = node["kind"]
            if kind == "SUGGESTED_REFUND":  # a calculation of the store, never a payment
                continue
            amount = money(node, "amountSet", shop, buyer)
            rounding = NOTHING
            if node.get("amountRoundingSet") is not None:
                # Totals and transactions are stated before cash rounding; what moved is their sum
                # (developer changelog, cash transaction rounding, 2025-04-24).
                rounding = money(node, "amountRoundingSet", shop, buyer)
                amount = amount.plus(rounding)
            details = node.get("paymentDetails")
            found.append(
                Tender(
                    tender_id=required_text(node, "id"),
                    gateway=text(node, "gateway") or text(node, "formattedGateway") or "",
                    kind=_TENDER_KIND[kind],
                    status=_TENDER_STATUS[node["status"]],
                    amount=amount,
                    processed_at=instant(node.get("processedAt") or node["createdAt"]),
                    parent_id=id_of(node, "parentTransaction"),
                    is_test=node.get("test") is True,
                    method=text(details, "paymentMethodName") if details else None,
                    rounding=rounding,
                )
            )
        except SURPRISES as error:
            raise _tender_drift(error, index, node) from None
    return tuple(found)


def _tender_drift(error: BaseException, index: int, node: Node) -> Drift:
    path = f"transactions[{index}]"
    if isinstance(node, dict):
        for key, known in (("kind", _TENDER_KIND), ("status", _TENDER_STATUS)):
            value = node.get(key)
            if value is not None and (not isinstance(value, str) or value not in known):
                return Drift(f"{path}.{key}", f"is {value!r}, which is no known transaction {key}")
    return drift_of(error, path)


def _address(document: Node, key: str) -> Address | None:
    node = document.get(key)
    if node is None:
        return None
    try:
        return Address(
            name=text(node, "name"),
            company=text(node, "company"),
            line_1=text(node, "address1"),
            line_2=text(node, "address2"),
            city=text(node, "city"),
            region=text(node, "province"),
            region_code=text(node, "provinceCode"),
            postal_code=text(node, "zip"),
            country_code=text(node, "countryCodeV2"),
            phone=text(node, "phone"),
        )
    except SURPRISES as error:
        raise drift_of(error, key) from None


def _customer(document: Node, address: Address | None) -> Customer | None:
    """Return the buyer; a guest has no store id, an order without any sign of one has none."""
    node = document.get("customer")
    email = text(document, "email")
    phone = text(document, "phone")
    company_node = document.get("purchasingEntity")
    company = None
    tax_ids: tuple[TaxId, ...] = ()
    if company_node:
        company, tax_ids = _company(company_node)
    if document.get("localizedFields"):
        tax_ids += tuple(
            TaxId(required_text(field, "key").lower(), number)
            for field in nodes(document, "localizedFields")
            if field.get("purpose") == "TAX" and (number := text(field, "value"))
        )
    marketing = document.get("customerAcceptsMarketing")
    if type(marketing) is not bool:
        marketing = None
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
    try:
        name = text(node, "displayName")
        if name is None:
            first, last = text(node, "firstName"), text(node, "lastName")
            name = " ".join(part for part in (first, last) if part) or None
        own_email = node.get("defaultEmailAddress")
        own_phone = node.get("defaultPhoneNumber")
        return Customer(
            customer_id_store=required_text(node, "id"),
            name=name or (address.name if address else None),
            email=email or (text(own_email, "emailAddress") if own_email else None),
            phone=phone or (text(own_phone, "phoneNumber") if own_phone else None),
            company=company,
            tax_ids=tax_ids,
            accepts_marketing=marketing,
        )
    except SURPRISES as error:
        raise drift_of(error, "customer") from None


def _company(node: Node) -> tuple[str | None, tuple[TaxId, ...]]:
    """Return the buying company and its tax registration; another purchaser has neither."""
    try:
        company = node.get("company")
        name = text(company, "name") if company else None
        location = node.get("location")
        settings = location.get("taxSettings") if location else None
        number = text(settings, "taxRegistrationId") if settings else None
    except SURPRISES as error:
        raise drift_of(error, "purchasingEntity") from None
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
