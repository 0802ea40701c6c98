"""The tables of the staging database, described so that an analyst can read them.

Landing keeps what came in, by batch; staging keeps the newest version of each order; the ledger
what the ERP got. Hot tables carry no foreign keys: each is written by one statement a chunk.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB
from sqlalchemy.types import TypeEngine

from include.staging.checks import CHECK_COLUMNS

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

INSTANT = DateTime(timezone=True)
MONEY = Numeric(19, 5)
NOW = text("now()")
_CHECK_TYPES: dict[str, TypeEngine[Any]] = {
    "text": Text(),
    "timestamptz": INSTANT,
    "boolean": Boolean(),
    "integer": Integer(),
    "bigint": BigInteger(),
    "numeric": Numeric(),
}
_CHANNEL = "Channel id, the name of its folder under include/channels"
_ORDER_ID = "The store's own id of the order"
_ORDER_NUMBER = "The number people use, such as #1001"
_CUSTOMER_ID = "The id of the customer in the store; empty for guests"


def _needed(name: str, kind: TypeEngine[Any], comment: str, *more: Any, **options: Any) -> Any:
    return Column(name, kind, *more, nullable=False, comment=comment, **options)


def _optional(name: str, kind: TypeEngine[Any], comment: str) -> Any:
    return Column(name, kind, nullable=True, comment=comment)


def _key(name: str, kind: TypeEngine[Any], comment: str, *more: Any) -> Any:
    return Column(name, kind, *more, primary_key=True, autoincrement=False, comment=comment)


def _identity(name: str, comment: str) -> Any:
    return Column(name, BigInteger(), Identity(always=True), primary_key=True, comment=comment)


landing_batch = Table(
    "landing_batch",
    metadata,
    _identity("batch_id", "Number of the batch; a later pull has a higher one"),
    _needed("channel", Text(), _CHANNEL),
    _needed("run_id", Text(), "Airflow run that pulled the batch"),
    _needed("run_type", Text(), "scheduled, backfill or manual"),
    _needed("window_start", INSTANT, "First instant of the window the run owns"),
    _needed("window_end", INSTANT, "First instant after the window"),
    _needed("fetch_start", INSTANT, "Where the pull looked from: window_start less the overlap"),
    _needed("basis", Text(), "Store clock that selects: updated, or created_or_updated"),
    _needed("selection", JSONB(), "Order numbers and statuses that narrowed the run, if any"),
    _optional("store_count", BigInteger(), "Orders the store itself counted in the fetch range"),
    _needed(
        "owned", BigInteger(), "Orders listed that belong to the window", server_default=text("0")
    ),
    _needed("pulled", BigInteger(), "Documents fetched", server_default=text("0")),
    _needed("normalised", BigInteger(), "Of those, translated", server_default=text("0")),
    _needed(
        "state",
        Text(),
        "open, landed, validated, loaded, posted, proven, or superseded",
        server_default=text("'open'"),
    ),
    _needed("created_at", INSTANT, "When the pull began", server_default=NOW),
    _needed("changed_at", INSTANT, "When the state last changed", server_default=NOW),
    CheckConstraint(
        "state IN ('open', 'landed', 'validated', 'loaded', 'posted', 'proven', 'superseded')",
        name="state",
    ),
    CheckConstraint("window_end >= window_start", name="window"),
    Index(None, "channel", "run_id"),
    Index(None, "channel", "window_start"),
    comment="One row a pull: which window of which store it fetched and how far it came",
)

landing_document = Table(
    "landing_document",
    metadata,
    _key("channel", Text(), _CHANNEL),
    _key("order_id_store", Text(), _ORDER_ID),
    _key("updated_at", INSTANT, "The store's version of the document"),
    _key("digest", LargeBinary(), "First 16 bytes of the SHA-256 of the document"),
    _needed("order_number", Text(), _ORDER_NUMBER),
    _needed("document", JSON(), "The order exactly as the store sent it"),
    _needed("batch_id", BigInteger(), "Batch that landed it first"),
    _needed("landed_at", INSTANT, "When it was landed first", server_default=NOW),
    Index(None, "landed_at", postgresql_using="brin"),
    comment="Raw store documents, one row an order version, kept 90 days for replay",
)

landing_order = Table(
    "landing_order",
    metadata,
    _key("batch_id", BigInteger(), "Batch (landing_batch) that pulled it"),
    _key("order_id_store", Text(), _ORDER_ID),
    _needed("order_number", Text(), _ORDER_NUMBER),
    _needed("updated_at", INSTANT, "The store's version of the order"),
    _needed("digest", LargeBinary(), "Digest of the raw document (landing_document)"),
    _optional("canonical", JSON(), "Canonical order; empty when it could not be translated"),
    _optional("canonical_digest", LargeBinary(), "First 16 bytes of the canonical's SHA-256"),
    _optional("lines", JSON(), "Rows for staged_order_line"),
    _optional("original_total", MONEY, "Stated total before returns, shop currency"),
    _optional("current_total", MONEY, "Stated total after returns, shop currency"),
    _optional("current_tax", MONEY, "Stated tax after returns, shop currency"),
    _optional("received", MONEY, "Stated amount received, shop currency"),
    _optional("refunded", MONEY, "Stated amount refunded, shop currency"),
    _optional("outstanding", MONEY, "Stated amount still to be paid, shop currency"),
    _optional("verdict", Text(), "hold, warn, or empty: nothing found"),
    _optional("reason_class", Text(), "Why it could not be translated: class"),
    _optional("rule", Text(), "Why it could not be translated: rule"),
    _optional("field", Text(), "Why it could not be translated: field"),
    _optional("message", Text(), "Why it could not be translated, in words"),
    *(
        _optional(column.name, _CHECK_TYPES[column.sql_type], column.comment.capitalize())
        for column in CHECK_COLUMNS
        if column.name not in ("order_id_store", "order_number", "updated_at")
    ),
    _optional("customer_id_store", Text(), _CUSTOMER_ID),
    CheckConstraint("verdict IN ('hold', 'warn')", name="verdict"),
    comment="Orders of a batch: canonical document, columns that validation looks at, verdict",
)

landing_plan = Table(
    "landing_plan",
    metadata,
    _identity("plan_id", "Number of the plan"),
    _needed("channel", Text(), _CHANNEL),
    _needed("flow", Text(), "orders or quarantine_replay"),
    _needed("run_id", Text(), "Airflow run that planned"),
    _needed("planned_at", INSTANT, "When it was planned"),
    _needed("done", BigInteger(), "Orders whose documents are all in the ERP"),
    _needed("sends", BigInteger(), "Documents that would be sent"),
    _needed("holds", BigInteger(), "Orders that would be held"),
    _needed("skips", BigInteger(), "Orders that would be left out"),
    Index("uq_landing_plan_run", "channel", "flow", "run_id", unique=True),
    comment="Plans of dry runs: what posting would do; kept as long as the orders of a batch",
)

landing_plan_row = Table(
    "landing_plan_row",
    metadata,
    _key(
        "plan_id",
        BigInteger(),
        "Plan (landing_plan)",
        ForeignKey("landing_plan.plan_id", ondelete="CASCADE"),
    ),
    _key("position", Integer(), "Place in the plan, from 1"),
    _needed("action", Text(), "send, hold or skip"),
    _needed("order_id_store", Text(), _ORDER_ID),
    _needed("order_number", Text(), _ORDER_NUMBER),
    _needed("kind", Text(), "Kind of document that would be sent"),
    _needed("sequence", Integer(), "Its number among those of its kind on the order"),
    _optional("document_on", Date(), "Its accounting date"),
    _needed("line_count", Integer(), "Lines it would have"),
    _needed("currency", Text(), "ISO 4217 of both amounts"),
    _needed("total", MONEY, "What it would book"),
    _needed("paid", MONEY, "Payments with it"),
    _needed("reason", Text(), "Why the order would be held or left out, in words"),
    comment="Lines of a dry run's plan: documents to send, orders to hold or leave out",
)

order_amendment = Table(
    "order_amendment",
    metadata,
    _key("channel", Text(), _CHANNEL),
    _key("order_id_store", Text(), _ORDER_ID),
    _key("field", Text(), "Field of the canonical order that the store left empty"),
    _needed("value", Text(), "What a person filled in"),
    _needed("actor", Text(), "Who filled it in last"),
    _needed("reason", Text(), "Why, and where it comes from"),
    _needed("amended_at", INSTANT, "When the row last changed", server_default=NOW),
    comment="Fields that people filled in where the store says nothing; never over its word",
)

staged_order = Table(
    "staged_order",
    metadata,
    _key("channel", Text(), _CHANNEL),
    _key("order_id_store", Text(), _ORDER_ID),
    _needed("order_number", Text(), _ORDER_NUMBER),
    _needed("updated_at", INSTANT, "The store's version; a newer one replaces, an older never"),
    _needed("placed_at", INSTANT, "When the buyer placed it"),
    _optional("cancelled_at", INSTANT, "When it was cancelled"),
    _needed("currency", Text(), "Shop currency, ISO 4217; every amount of the row is in it"),
    _needed("presentment_currency", Text(), "Currency the buyer saw"),
    _needed("original_total", MONEY, "Stated total before returns"),
    _needed("current_total", MONEY, "Stated total after returns"),
    _needed("current_tax", MONEY, "Stated tax after returns"),
    _needed("received", MONEY, "Stated amount received"),
    _needed("refunded", MONEY, "Stated amount refunded"),
    _needed("outstanding", MONEY, "Stated amount still to be paid"),
    _needed("financial_status", Text(), "Where the money stands"),
    _needed("fulfillment_status", Text(), "Where the goods stand"),
    _needed("program", Text(), "How the sale came about"),
    _needed("is_test", Boolean(), "Placed with a test gateway"),
    _needed("line_count", Integer(), "Number of lines"),
    _needed("document", JSON(), "The canonical order, whole"),
    _needed("document_digest", LargeBinary(), "First 16 bytes of its SHA-256"),
    _optional("customer_id_store", Text(), _CUSTOMER_ID),
    _needed("batch_id_first", BigInteger(), "Batch that staged the order first"),
    _needed("batch_id", BigInteger(), "Batch that staged this version"),
    _needed("staged_at", INSTANT, "When the order was staged first", server_default=NOW),
    _needed("changed_at", INSTANT, "When this version was staged", server_default=NOW),
    Index(None, "channel", "order_number"),
    Index(None, "channel", "customer_id_store"),
    Index(None, "placed_at", postgresql_using="brin"),
    Index(None, "updated_at", postgresql_using="brin"),
    comment="Newest version of each valid order",
    postgresql_with={"fillfactor": 85},
)

staged_order_line = Table(
    "staged_order_line",
    metadata,
    _key("channel", Text(), _CHANNEL),
    _key("order_id_store", Text(), _ORDER_ID),
    _key("position", Integer(), "Place of the line in the order, from 1"),
    _needed("line_id", Text(), "The store's id of the line"),
    _needed("kind", Text(), "goods, gift_card, tip, fee or custom"),
    _optional("sku", Text(), "Stock keeping unit, if the line has one"),
    _needed("title", Text(), "What the buyer read"),
    _needed("quantity", Integer(), "Units ordered"),
    _needed("current_quantity", Integer(), "Units left after edits, refunds and cancellations"),
    _needed("unit_price", MONEY, "Price of one before discounts, shop currency"),
    _needed("current_price", MONEY, "Price of the units left after discounts, shop currency"),
    _needed("discount", MONEY, "Discounts over the units ordered, shop currency"),
    _needed("current_tax", MONEY, "Taxes on the units left, shop currency"),
    comment="Lines of staged_order, rewritten whenever their order changes",
)

erp_document = Table(
    "erp_document",
    metadata,
    _key("channel", Text(), _CHANNEL),
    _key("order_id_store", Text(), _ORDER_ID),
    _key("kind", Text(), "sales_order, invoice, credit_note ..."),
    _key("sequence", Integer(), "1 for the first of its kind on the order"),
    _needed("order_number", Text(), _ORDER_NUMBER),
    _needed("state", Text(), "sending, posted or refused; posted is final"),
    _needed("total", MONEY, "Amount of the document"),
    _needed("currency", Text(), "Currency of the document, ISO 4217"),
    _needed("digest", Text(), "Digest of the payload", server_default=text("''")),
    _needed(
        "order_version",
        Text(),
        "Version of the order it was planned from",
        server_default=text("''"),
    ),
    _optional("reference", Text(), "The ERP's own number"),
    _optional("remote_state", Text(), "Last seen in the ERP: open, posted (history) or void"),
    _needed("line_count", Integer(), "Lines of the document", server_default=text("0")),
    _needed("paid", MONEY, "Payments on the document", server_default=text("0")),
    _needed("back_ordered", Numeric(19, 5), "Units that wait for stock", server_default=text("0")),
    _optional("error", Text(), "Why the ERP refused it, in words"),
    _needed("tries", Integer(), "How often it was sent", server_default=text("0")),
    _needed("batch_id", BigInteger(), "Batch that touched it last"),
    _needed("planned_at", INSTANT, "When it was first about to be sent", server_default=NOW),
    _optional("sending_at", INSTANT, "When it was last marked sending, before the call"),
    _optional("posted_at", INSTANT, "When the ERP was first known to hold it"),
    _needed("updated_at", INSTANT, "When the row last changed", server_default=NOW),
    _optional("content", JSON(), "What the document books: lines, charges, payments, concession"),
    _optional("document_on", Date(), "Day of the document, in the shop's time zone"),
    _optional(
        "based_on", Text(), "Kind and sequence of the document it changes, bills, credits or voids"
    ),
    CheckConstraint("state IN ('sending', 'posted', 'refused')", name="state"),
    CheckConstraint("remote_state IN ('open', 'posted', 'void')", name="remote_state"),
    CheckConstraint("state <> 'posted' OR reference IS NOT NULL", name="reference"),
    Index(
        "ix_erp_document_undone",
        "channel",
        "order_id_store",
        postgresql_where=text("state <> 'posted'"),
    ),
    Index(None, "channel", "reference"),
    comment="Document ledger: one row for each document that was sent to the ERP",
    postgresql_with={"fillfactor": 70},
)

quarantine = Table(
    "quarantine",
    metadata,
    _identity("quarantine_id", "Number of the row"),
    _needed("channel", Text(), _CHANNEL),
    _needed("order_id_store", Text(), _ORDER_ID),
    _needed("order_number", Text(), _ORDER_NUMBER),
    _needed("rule", Text(), "Short name of the rule the order breaks"),
    _needed(
        "reason_class",
        Text(),
        "value, missing_mapping, contract_drift, unbalanced, refused_by_erp ...",
    ),
    _needed("severity", Text(), "critical holds the order; warning and info only note it"),
    _needed("field", Text(), "Field that is wrong", server_default=text("''")),
    _needed("message", Text(), "What is wrong and what to do, in words"),
    _needed("remote", Text(), "The remote system's own words", server_default=text("''")),
    _needed("owner", Text(), "Who has to act"),
    _needed("tries", Integer(), "How often it was found", server_default=text("1")),
    _needed("state", Text(), "open or closed", server_default=text("'open'")),
    _needed("first_seen_at", INSTANT, "When it was found first", server_default=NOW),
    _needed("last_seen_at", INSTANT, "When it was found last", server_default=NOW),
    _optional("closed_at", INSTANT, "When it was closed"),
    _optional("closed_by", Text(), "Who closed it: a person, or the run in which it passed"),
    _optional("version", Text(), "Version of the order it was last found in"),
    _needed("batch_id", BigInteger(), "Batch it was last found in"),
    _optional("told_at", INSTANT, "When its owner was told; empty: the next digest tells"),
    _optional("replay_at", INSTANT, "When a person asked for a replay that has not happened yet"),
    _optional("released_at", INSTANT, "When a person let this version of the order pass the rule"),
    _optional("released_by", Text(), "Who let it pass"),
    _optional("written_off", Text(), "Why a person wrote it off; the order is left out since"),
    CheckConstraint("state IN ('open', 'closed')", name="state"),
    CheckConstraint("severity IN ('critical', 'warning', 'info')", name="severity"),
    CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed"),
    Index(
        "uq_quarantine_open",
        "channel",
        "order_id_store",
        "rule",
        unique=True,
        postgresql_where=text("state = 'open'"),
    ),
    Index(None, "channel", "state", "first_seen_at"),
    Index(None, "channel", "order_id_store"),
    comment="Orders held back, one open row an order and rule; closed when the order passes",
)

quarantine_note = Table(
    "quarantine_note",
    metadata,
    _identity("note_id", "Number of the note"),
    _needed("channel", Text(), _CHANNEL),
    _needed("order_id_store", Text(), _ORDER_ID),
    _needed("at", INSTANT, "When it was written", server_default=NOW),
    _needed("author", Text(), "Who wrote it"),
    _needed("body", Text(), "What people should know of the order"),
    Index(None, "channel", "order_id_store"),
    comment="What people noted on orders in quarantine",
)

silence_alert = Table(
    "silence_alert",
    metadata,
    _key("channel", Text(), _CHANNEL),
    _key("since_at", INSTANT, "When the last order before the silence was placed"),
    _needed("noticed_at", INSTANT, "When the silence was longer than the rhythm allows"),
    _needed("missed", Double(), "Orders that the rhythm would have brought by then"),
    _optional("told_at", INSTANT, "When somebody was told"),
    comment="Silences longer than the channel's rhythm allows, one row a silence",
)

privacy_redaction = Table(
    "privacy_redaction",
    metadata,
    _key("channel", Text(), _CHANNEL),
    _key("order_id_store", Text(), _ORDER_ID),
    _needed("redacted_at", INSTANT, "When it was first redacted", server_default=NOW),
    _needed("actor", Text(), "Who asked for it"),
    comment="Orders whose personal data was erased, and is erased again if a pull brings it back",
)

map_value = Table(
    "map_value",
    metadata,
    _key("channel", Text(), _CHANNEL),
    _key("kind", Text(), "payment, shipping, tax, sku, location, customer_class ..."),
    _key("key", Text(), "The store's value"),
    _needed("value", Text(), "The ERP's value"),
    _needed("origin", Text(), "seed: from the channel's CSV; user: edited, wins over the seed"),
    _needed("updated_at", INSTANT, "When the row last changed", server_default=NOW),
    CheckConstraint("origin IN ('seed', 'user')", name="origin"),
    comment="Store value to ERP value, by channel",
)

log_audit = Table(
    "log_audit",
    metadata,
    _identity("audit_id", "Number of the entry"),
    _needed("at", INSTANT, "When", server_default=NOW),
    _needed("actor", Text(), "Who: a user name, or seed"),
    _needed("action", Text(), "added, changed, removed, assigned, closed, released ..."),
    _needed("subject", Text(), "Table that was changed"),
    _needed("key", JSONB(), "Key of the row"),
    _optional("before", JSONB(), "What it said before"),
    _optional("after", JSONB(), "What it says now"),
    Index(None, "subject", "at"),
    Index(None, "key", postgresql_using="gin", postgresql_ops={"key": "jsonb_path_ops"}),
    comment="Changes that people and seed files made",
)

log_validation = Table(
    "log_validation",
    metadata,
    _identity("validation_id", "Number of the entry"),
    _needed("batch_id", BigInteger(), "Batch (landing_batch) that was validated"),
    _needed("suite", Text(), "Expectation suite"),
    _needed("success", Boolean(), "Whether the window as a whole may go on"),
    _needed("evaluated", Integer(), "Orders looked at"),
    _needed("held", Integer(), "Orders held back"),
    _needed("warned", Integer(), "Orders with a warning only"),
    _needed("seconds", Double(), "How long validation took"),
    _needed("results", JSONB(), "Result of each expectation: rule, counts, sample of order ids"),
    _needed("validated_at", INSTANT, "When", server_default=NOW),
    Index(None, "batch_id"),
    comment="Validation results, one row a batch and attempt",
)

proof_window = Table(
    "proof_window",
    metadata,
    _identity("proof_id", "Number of the proof"),
    _needed("channel", Text(), _CHANNEL),
    _needed("run_id", Text(), "Airflow run that proved the window"),
    _needed("run_type", Text(), "scheduled, backfill or manual"),
    _needed("batch_id", BigInteger(), "Batch (landing_batch) of the run"),
    _needed("window_start", INSTANT, "First instant of the window"),
    _needed("window_end", INSTANT, "First instant after the window"),
    _needed("proven_at", INSTANT, "When store and ERP were read"),
    _needed("in_store", BigInteger(), "Orders the store itself counts"),
    _needed("staged", BigInteger(), "Of those, staged in their newest version"),
    _needed("posted", BigInteger(), "Of those, found in the ERP once and as sent"),
    _needed("held", BigInteger(), "Of those, in quarantine"),
    _needed("skipped", BigInteger(), "Of those, left out by policy"),
    _needed("unexplained", BigInteger(), "Of those, none of the three: must be 0"),
    _needed("doubled", BigInteger(), "Documents the ERP holds more than once: must be 0"),
    _needed("back_ordered", BigInteger(), "Posted orders that wait for stock"),
    _needed("skipped_by_reason", JSONB(), "Count by reason"),
    _needed("held_by_reason", JSONB(), "Count by reason"),
    _needed("notes", ARRAY(Text()), "Warnings in words"),
    _needed(
        "lives",
        JSONB(),
        "Orders that are new, changed, unchanged; edited, cancelled, refunded, shipped",
        server_default=text("'{}'"),
    ),
    _needed(
        "tolerance", MONEY, "Largest difference let pass for one order", server_default=text("0")
    ),
    Index("uq_proof_window_run", "channel", "run_id", unique=True),
    Index(None, "channel", "window_start", "window_end", "proven_at"),
    comment="Window proofs: every order the store names is posted, held or skipped",
)

proof_money = Table(
    "proof_money",
    metadata,
    _key(
        "proof_id",
        BigInteger(),
        "Proof (proof_window)",
        ForeignKey("proof_window.proof_id", ondelete="CASCADE"),
    ),
    _key("currency", Text(), "ISO 4217; every amount of the row is in it"),
    _needed("in_store", MONEY, "Sum of the current totals in the store"),
    _needed("staged", MONEY, "Sum of the totals staged"),
    _needed("posted", MONEY, "Sum of the sales orders read back from the ERP"),
    _needed("adjusted", MONEY, "Named differences, such as tax that a marketplace remits"),
    _needed("held", MONEY, "Sum of the totals of held orders"),
    _needed("skipped", MONEY, "Sum of the totals of skipped orders"),
    _needed("invoiced", MONEY, "Sum of the invoices the ERP holds; credit notes are not taken off"),
    _needed(
        "paid", MONEY, "Sum of the payments the ERP holds; what was paid back is not taken off"
    ),
    _needed("unexplained", MONEY, "What is left: must be 0"),
    _needed("credited", MONEY, "Sum of the credit notes the ERP holds", server_default=text("0")),
    _needed("paid_back", MONEY, "Sum of what the credit notes pay back", server_default=text("0")),
    comment="Money of a window proof, one row a currency",
)

proof_document = Table(
    "proof_document",
    metadata,
    _key(
        "proof_id",
        BigInteger(),
        "Proof (proof_window)",
        ForeignKey("proof_window.proof_id", ondelete="CASCADE"),
    ),
    _key("kind", Text(), "sales_order, order_change, void, invoice, credit_note, payment ..."),
    _key("currency", Text(), "ISO 4217; every amount of the row is in it"),
    _needed("documents", BigInteger(), "Documents the ERP was found to hold"),
    _needed("amount", MONEY, "Sum of what they book; of voids, what they strike out"),
    _needed("paid", MONEY, "Sum of the payments with them; of credit notes, paid back"),
    _needed("sent", BigInteger(), "How many of them the proven run sent"),
    _needed("sent_amount", MONEY, "Sum of what those book"),
    comment="Documents of a window proof, one row a kind and currency",
)

proof_order = Table(
    "proof_order",
    metadata,
    _key(
        "proof_id",
        BigInteger(),
        "Proof (proof_window)",
        ForeignKey("proof_window.proof_id", ondelete="CASCADE"),
    ),
    _key("order_id_store", Text(), _ORDER_ID),
    _needed("order_number", Text(), _ORDER_NUMBER),
    _needed("outcome", Text(), "held, skipped or unexplained"),
    _needed("reason", Text(), "Short name of the reason"),
    _needed("message", Text(), "The reason in words and what to do"),
    _needed("owner", Text(), "Who has to act"),
    _needed("currency", Text(), "ISO 4217 code of both amounts"),
    _needed("store_amount", MONEY, "Current total in the store"),
    _needed("erp_amount", MONEY, "What the ERP holds for it"),
    _optional("since_at", INSTANT, "When it was first held"),
    comment="Orders of a window proof that were not simply posted",
)
