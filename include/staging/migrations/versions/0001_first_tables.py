"""First tables: landing, staging, ledger, quarantine, maps, logs, proofs; views for analysts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

COMPRESSED = (
    ("landing_document", "document"),
    ("landing_order", "canonical"),
    ("landing_order", "lines"),
    ("staged_order", "document"),
)

# Not every build of PostgreSQL knows lz4. Its own pglz then has to do, but not for raw documents:
# compressing one takes longer than all else about landing an order.
COMPRESS = """
DO $$ BEGIN
    ALTER TABLE {table} ALTER COLUMN {column} SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    {otherwise};
END $$
"""
PLAIN = "ALTER TABLE landing_document ALTER COLUMN document SET STORAGE EXTERNAL"
PGLZ = "RAISE DEBUG 'lz4 is not built in'"

_ORDER_COLUMNS = {
    "channel": "Channel id",
    "order_id_store": "The store''s own id of the order",
    "order_number": "The number people use",
}

VIEWS = (
    (
        "orders",
        "Newest valid version of each order, with what the books hold for it",
        """
        SELECT o.channel, o.order_id_store, o.order_number, o.placed_at, o.updated_at,
               o.cancelled_at, o.currency, o.original_total, o.current_total, o.current_tax,
               o.received, o.refunded, o.outstanding, o.financial_status, o.fulfillment_status,
               o.program, o.is_test, o.line_count,
               (SELECT e.reference FROM erp_document AS e
                WHERE e.channel = o.channel AND e.order_id_store = o.order_id_store
                  AND e.kind = 'sales_order' AND e.state = 'posted'
                ORDER BY e.sequence DESC LIMIT 1) AS sales_order,
               (SELECT e.reference FROM erp_document AS e
                WHERE e.channel = o.channel AND e.order_id_store = o.order_id_store
                  AND e.kind = 'invoice' AND e.state = 'posted'
                ORDER BY e.sequence DESC LIMIT 1) AS invoice,
               EXISTS (SELECT FROM quarantine AS q
                WHERE q.channel = o.channel AND q.order_id_store = o.order_id_store
                  AND q.state = 'open' AND q.severity = 'critical') AS is_held
        FROM staged_order AS o
        """,
        {
            **_ORDER_COLUMNS,
            "current_total": "Total after returns, in currency",
            "sales_order": "Number of the newest sales order in the ERP",
            "invoice": "Number of the newest invoice in the ERP",
            "is_held": "An open quarantine row holds the order",
        },
    ),
    (
        "order_lines",
        "Lines of analyst.orders; amounts in the order''s currency",
        """
        SELECT l.channel, l.order_id_store, o.order_number, o.placed_at, l.position, l.line_id,
               l.kind, l.sku, l.title, l.quantity, l.current_quantity, o.currency, l.unit_price,
               l.current_price, l.discount, l.current_tax
        FROM staged_order_line AS l JOIN staged_order AS o USING (channel, order_id_store)
        """,
        {**_ORDER_COLUMNS, "current_price": "Price of the units left after discounts"},
    ),
    (
        "documents",
        "Documents that should be in the ERP, and where each stands",
        """
        SELECT channel, order_id_store, order_number, kind, sequence, state, reference,
               remote_state, total, currency, paid, line_count, back_ordered, error, tries,
               planned_at, posted_at
        FROM erp_document
        """,
        {**_ORDER_COLUMNS, "reference": "The ERP''s own number"},
    ),
    (
        "held_orders",
        "Open quarantine: which orders are held back, why, since when and who has to act",
        """
        SELECT channel, order_id_store, order_number, severity, reason_class, rule, field,
               message, remote, owner, tries, first_seen_at, last_seen_at
        FROM quarantine WHERE state = 'open'
        """,
        {**_ORDER_COLUMNS, "message": "What is wrong and what to do"},
    ),
    (
        "window_proofs",
        "Newest proof of each window, one row a currency; unexplained must be 0",
        """
        SELECT p.channel, p.window_start, p.window_end, p.run_type, p.proven_at, p.in_store,
               p.staged, p.posted, p.held, p.skipped, p.unexplained, p.doubled, m.currency,
               m.in_store AS store_amount, m.posted AS posted_amount,
               m.adjusted AS adjusted_amount, m.held AS held_amount,
               m.skipped AS skipped_amount, m.unexplained AS unexplained_amount
        FROM (SELECT DISTINCT ON (channel, window_start, window_end) *
              FROM proof_window
              ORDER BY channel, window_start, window_end, proven_at DESC, proof_id DESC) AS p
        LEFT JOIN proof_money AS m USING (proof_id)
        """,
        {"channel": "Channel id", "unexplained": "Orders nothing accounts for: must be 0"},
    ),
)


def upgrade() -> None:
    op.create_table(
        "erp_document",
        sa.Column(
            "channel",
            sa.Text(),
            autoincrement=False,
            nullable=False,
            comment="Channel id, the name of its folder under include/channels",
        ),
        sa.Column(
            "order_id_store",
            sa.Text(),
            autoincrement=False,
            nullable=False,
            comment="The store's own id of the order",
        ),
        sa.Column(
            "kind",
            sa.Text(),
            autoincrement=False,
            nullable=False,
            comment="sales_order, invoice, credit_note ...",
        ),
        sa.Column(
            "sequence",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="1 for the first of its kind on the order",
        ),
        sa.Column(
            "order_number",
            sa.Text(),
            nullable=False,
            comment="The number people use, such as #1001",
        ),
        sa.Column(
            "state",
            sa.Text(),
            nullable=False,
            comment="planned, sending, posted, refused or held; posted is final",
        ),
        sa.Column(
            "total",
            sa.Numeric(precision=19, scale=5),
            nullable=False,
            comment="Amount of the document",
        ),
        sa.Column(
            "currency", sa.Text(), nullable=False, comment="Currency of the document, ISO 4217"
        ),
        sa.Column(
            "digest",
            sa.Text(),
            server_default=sa.text("''"),
            nullable=False,
            comment="Digest of the payload",
        ),
        sa.Column(
            "order_version",
            sa.Text(),
            server_default=sa.text("''"),
            nullable=False,
            comment="Version of the order it was planned from",
        ),
        sa.Column("reference", sa.Text(), nullable=True, comment="The ERP's own number"),
        sa.Column(
            "remote_state",
            sa.Text(),
            nullable=True,
            comment="Last seen in the ERP: open, posted (history) or void",
        ),
        sa.Column(
            "line_count",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Lines of the document",
        ),
        sa.Column(
            "paid",
            sa.Numeric(precision=19, scale=5),
            server_default=sa.text("0"),
            nullable=False,
            comment="Payments on the document",
        ),
        sa.Column(
            "back_ordered",
            sa.Numeric(precision=19, scale=5),
            server_default=sa.text("0"),
            nullable=False,
            comment="Units that wait for stock",
        ),
        sa.Column("error", sa.Text(), nullable=True, comment="Why it is refused or held, in words"),
        sa.Column(
            "tries",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="How often it was sent",
        ),
        sa.Column(
            "batch_id", sa.BigInteger(), nullable=False, comment="Batch that touched it last"
        ),
        sa.Column(
            "planned_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When it was planned first",
        ),
        sa.Column(
            "sending_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When it was last marked sending, before the call",
        ),
        sa.Column(
            "posted_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When the ERP was first known to hold it",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the row last changed",
        ),
        sa.CheckConstraint(
            "remote_state IN ('open', 'posted', 'void')", name=op.f("ck_erp_document_remote_state")
        ),
        sa.CheckConstraint(
            "state <> 'posted' OR reference IS NOT NULL", name=op.f("ck_erp_document_reference")
        ),
        sa.CheckConstraint(
            "state IN ('planned', 'sending', 'posted', 'refused', 'held')",
            name=op.f("ck_erp_document_state"),
        ),
        sa.PrimaryKeyConstraint(
            "channel", "order_id_store", "kind", "sequence", name=op.f("pk_erp_document")
        ),
        comment="Document ledger: one row for each document that should exist in the ERP",
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        op.f("ix_erp_document_channel_reference"),
        "erp_document",
        ["channel", "reference"],
        unique=False,
    )
    op.create_index(
        "ix_erp_document_undone",
        "erp_document",
        ["channel", "order_id_store"],
        unique=False,
        postgresql_where=sa.text("state <> 'posted'"),
    )
    op.create_table(
        "landing_batch",
        sa.Column(
            "batch_id",
            sa.BigInteger(),
            sa.Identity(always=True),
            nullable=False,
            comment="Number of the batch; a later pull has a higher one",
        ),
        sa.Column(
            "channel",
            sa.Text(),
            nullable=False,
            comment="Channel id, the name of its folder under include/channels",
        ),
        sa.Column("run_id", sa.Text(), nullable=False, comment="Airflow run that pulled the batch"),
        sa.Column("run_type", sa.Text(), nullable=False, comment="scheduled, backfill or manual"),
        sa.Column(
            "window_start",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="First instant of the window the run owns",
        ),
        sa.Column(
            "window_end",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="First instant after the window",
        ),
        sa.Column(
            "fetch_start",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="Where the pull looked from: window_start less the overlap",
        ),
        sa.Column(
            "basis",
            sa.Text(),
            nullable=False,
            comment="Store clock that selects: updated, or created_or_updated",
        ),
        sa.Column(
            "selection",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="Order numbers and statuses that narrowed the run, if any",
        ),
        sa.Column(
            "store_count",
            sa.BigInteger(),
            nullable=True,
            comment="Orders the store itself counted in the fetch range",
        ),
        sa.Column(
            "owned",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Orders listed that belong to the window",
        ),
        sa.Column(
            "pulled",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Documents fetched",
        ),
        sa.Column(
            "normalised",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Of those, translated",
        ),
        sa.Column(
            "state",
            sa.Text(),
            server_default=sa.text("'open'"),
            nullable=False,
            comment="open, landed, validated, loaded, posted, proven, or superseded",
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the pull began",
        ),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the state last changed",
        ),
        sa.CheckConstraint(
            "state IN ('open', 'landed', 'validated', 'loaded', 'posted', 'proven', 'superseded')",
            name=op.f("ck_landing_batch_state"),
        ),
        sa.CheckConstraint("window_end >= window_start", name=op.f("ck_landing_batch_window")),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_landing_batch")),
        comment="One row a pull: which window of which store it fetched and how far it came",
    )
    op.create_index(
        op.f("ix_landing_batch_channel_run_id"),
        "landing_batch",
        ["channel", "run_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_landing_batch_channel_window_start"),
        "landing_batch",
        ["channel", "window_start"],
        unique=False,
    )
    op.create_table(
        "landing_document",
        sa.Column(
            "channel",
            sa.Text(),
            autoincrement=False,
            nullable=False,
            comment="Channel id, the name of its folder under include/channels",
        ),
        sa.Column(
            "order_id_store",
            sa.Text(),
            autoincrement=False,
            nullable=False,
            comment="The store's own id of the order",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            autoincrement=False,
            nullable=False,
            comment="The store's version of the document",
        ),
        sa.Column(
            "digest",
            sa.LargeBinary(),
            autoincrement=False,
            nullable=False,
            comment="First 16 bytes of the SHA-256 of the document",
        ),
        sa.Column(
            "order_number",
            sa.Text(),
            nullable=False,
            comment="The number people use, such as #1001",
        ),
        sa.Column(
            "document",
            postgresql.JSON(astext_type=sa.Text()),
            nullable=False,
            comment="The order exactly as the store sent it",
        ),
        sa.Column(
            "batch_id", sa.BigInteger(), nullable=False, comment="Batch that landed it first"
        ),
        sa.Column(
            "landed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When it was landed first",
        ),
        sa.PrimaryKeyConstraint(
            "channel", "order_id_store", "updated_at", "digest", name=op.f("pk_landing_document")
        ),
        comment="Raw store documents, one row an order version, kept 90 days for replay",
    )
    op.create_index(
        op.f("ix_landing_document_landed_at"),
        "landing_document",
        ["landed_at"],
        unique=False,
        postgresql_using="brin",
    )
    op.create_table(
        "landing_order",
        sa.Column(
            "batch_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="Batch (landing_batch) that pulled it",
        ),
        sa.Column(
            "order_id_store",
            sa.Text(),
            autoincrement=False,
            nullable=False,
            comment="The store's own id of the order",
        ),
        sa.Column(
            "order_number",
            sa.Text(),
            nullable=False,
            comment="The number people use, such as #1001",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="The store's version of the order",
        ),
        sa.Column(
            "digest",
            sa.LargeBinary(),
            nullable=False,
            comment="Digest of the raw document (landing_document)",
        ),
        sa.Column(
            "canonical",
            postgresql.JSON(astext_type=sa.Text()),
            nullable=True,
            comment="Canonical order; empty when it could not be translated",
        ),
        sa.Column(
            "canonical_digest",
            sa.LargeBinary(),
            nullable=True,
            comment="First 16 bytes of the canonical's SHA-256",
        ),
        sa.Column(
            "lines",
            postgresql.JSON(astext_type=sa.Text()),
            nullable=True,
            comment="Rows for staged_order_line",
        ),
        sa.Column(
            "original_total",
            sa.Numeric(precision=19, scale=5),
            nullable=True,
            comment="Stated total before returns, shop currency",
        ),
        sa.Column(
            "current_total",
            sa.Numeric(precision=19, scale=5),
            nullable=True,
            comment="Stated total after returns, shop currency",
        ),
        sa.Column(
            "current_tax",
            sa.Numeric(precision=19, scale=5),
            nullable=True,
            comment="Stated tax after returns, shop currency",
        ),
        sa.Column(
            "received",
            sa.Numeric(precision=19, scale=5),
            nullable=True,
            comment="Stated amount received, shop currency",
        ),
        sa.Column(
            "refunded",
            sa.Numeric(precision=19, scale=5),
            nullable=True,
            comment="Stated amount refunded, shop currency",
        ),
        sa.Column(
            "outstanding",
            sa.Numeric(precision=19, scale=5),
            nullable=True,
            comment="Stated amount still to be paid, shop currency",
        ),
        sa.Column(
            "verdict", sa.Text(), nullable=True, comment="hold, warn, or empty: nothing found"
        ),
        sa.Column(
            "reason_class",
            sa.Text(),
            nullable=True,
            comment="Why it could not be translated: class",
        ),
        sa.Column("rule", sa.Text(), nullable=True, comment="Why it could not be translated: rule"),
        sa.Column(
            "field", sa.Text(), nullable=True, comment="Why it could not be translated: field"
        ),
        sa.Column(
            "message", sa.Text(), nullable=True, comment="Why it could not be translated, in words"
        ),
        sa.Column("channel", sa.Text(), nullable=True, comment="Channel id"),
        sa.Column(
            "placed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When the buyer placed it",
        ),
        sa.Column(
            "cancelled_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When it was cancelled",
        ),
        sa.Column("currency", sa.Text(), nullable=True, comment="Shop currency, iso 4217"),
        sa.Column(
            "presentment_currency",
            sa.Text(),
            nullable=True,
            comment="Currency the buyer saw, iso 4217",
        ),
        sa.Column(
            "financial_status", sa.Text(), nullable=True, comment="Canonical financial status"
        ),
        sa.Column(
            "fulfillment_status", sa.Text(), nullable=True, comment="Canonical fulfillment status"
        ),
        sa.Column("program", sa.Text(), nullable=True, comment="How the sale came about"),
        sa.Column("pii_state", sa.Text(), nullable=True, comment="Present, absent or redacted"),
        sa.Column("is_test", sa.Boolean(), nullable=True, comment="Placed with a test gateway"),
        sa.Column("is_cancelled", sa.Boolean(), nullable=True, comment="Cancelled as a whole"),
        sa.Column("is_edited", sa.Boolean(), nullable=True, comment="Edited after it was placed"),
        sa.Column(
            "taxes_included", sa.Boolean(), nullable=True, comment="Prices contain their taxes"
        ),
        sa.Column(
            "in_future", sa.Boolean(), nullable=True, comment="Placed later than it was pulled"
        ),
        sa.Column(
            "updated_before_placed",
            sa.Boolean(),
            nullable=True,
            comment="Version older than the order itself",
        ),
        sa.Column(
            "line_count", sa.Integer(), nullable=True, comment="Lines, removed ones included"
        ),
        sa.Column("charge_count", sa.Integer(), nullable=True, comment="Charges beside the lines"),
        sa.Column(
            "tender_count",
            sa.Integer(),
            nullable=True,
            comment="Payment transactions, failed ones included",
        ),
        sa.Column("refund_count", sa.Integer(), nullable=True, comment="Refunds"),
        sa.Column(
            "duplicate_line_ids",
            sa.Integer(),
            nullable=True,
            comment="Lines whose id another line carries too",
        ),
        sa.Column("quantity_total", sa.Integer(), nullable=True, comment="Units ordered"),
        sa.Column(
            "current_quantity_total",
            sa.Integer(),
            nullable=True,
            comment="Units left after edits and refunds",
        ),
        sa.Column(
            "original_total_minor",
            sa.BigInteger(),
            nullable=True,
            comment="Stated total before returns, minor units",
        ),
        sa.Column(
            "current_total_minor",
            sa.BigInteger(),
            nullable=True,
            comment="Stated total after returns, minor units",
        ),
        sa.Column(
            "current_subtotal_minor",
            sa.BigInteger(),
            nullable=True,
            comment="Stated subtotal after returns, minor units",
        ),
        sa.Column(
            "current_tax_minor",
            sa.BigInteger(),
            nullable=True,
            comment="Stated tax after returns, minor units",
        ),
        sa.Column(
            "current_shipping_minor",
            sa.BigInteger(),
            nullable=True,
            comment="Stated shipping after returns, minor units",
        ),
        sa.Column(
            "presentment_total_minor",
            sa.BigInteger(),
            nullable=True,
            comment="Stated current total in presentment minor units",
        ),
        sa.Column(
            "lines_total_minor",
            sa.BigInteger(),
            nullable=True,
            comment="Sum of the lines' current prices, minor units",
        ),
        sa.Column(
            "charges_total_minor",
            sa.BigInteger(),
            nullable=True,
            comment="Sum of the charges' current prices, minor units",
        ),
        sa.Column(
            "taxes_total_minor",
            sa.BigInteger(),
            nullable=True,
            comment="Sum of the current tax lines, minor units",
        ),
        sa.Column(
            "marketplace_tax_minor",
            sa.BigInteger(),
            nullable=True,
            comment="Part of the taxes that a marketplace remits",
        ),
        sa.Column(
            "discount_minor",
            sa.BigInteger(),
            nullable=True,
            comment="Sum of all discount allocations, minor units",
        ),
        sa.Column(
            "rounding_minor", sa.BigInteger(), nullable=True, comment="Cash rounding, minor units"
        ),
        sa.Column(
            "received_minor",
            sa.BigInteger(),
            nullable=True,
            comment="Stated amount received, minor units",
        ),
        sa.Column(
            "refunded_minor",
            sa.BigInteger(),
            nullable=True,
            comment="Stated amount refunded, minor units",
        ),
        sa.Column(
            "outstanding_minor",
            sa.BigInteger(),
            nullable=True,
            comment="Stated amount still to be paid, minor units",
        ),
        sa.Column(
            "refund_discrepancy_minor",
            sa.BigInteger(),
            nullable=True,
            comment="Stated refund discrepancy, minor units",
        ),
        sa.Column(
            "broken_ties",
            sa.Integer(),
            nullable=True,
            comment="Pairs of figures that should be equal and are not",
        ),
        sa.Column(
            "first_broken_tie", sa.Text(), nullable=True, comment="Name of the first such pair"
        ),
        sa.Column(
            "tie_difference_minor",
            sa.BigInteger(),
            nullable=True,
            comment="Largest difference of a tie, shop minor units",
        ),
        sa.Column(
            "presentment_tie_difference_minor",
            sa.BigInteger(),
            nullable=True,
            comment="The same in presentment minor units",
        ),
        sa.Column(
            "fractional_amounts",
            sa.Integer(),
            nullable=True,
            comment="Stated totals finer than the currency allows",
        ),
        sa.Column(
            "negative_quantities",
            sa.Integer(),
            nullable=True,
            comment="Lines with a negative quantity",
        ),
        sa.Column(
            "grown_quantities",
            sa.Integer(),
            nullable=True,
            comment="Lines with more units left than were ordered",
        ),
        sa.Column(
            "negative_prices",
            sa.Integer(),
            nullable=True,
            comment="Lines, charges or discounts below zero",
        ),
        sa.Column(
            "over_discounted_lines",
            sa.Integer(),
            nullable=True,
            comment="Lines whose discounts exceed their price",
        ),
        sa.Column(
            "lines_without_sku",
            sa.Integer(),
            nullable=True,
            comment="Goods lines that carry no sku",
        ),
        sa.Column(
            "lines_without_title", sa.Integer(), nullable=True, comment="Lines that carry no title"
        ),
        sa.Column(
            "gift_card_lines", sa.Integer(), nullable=True, comment="Lines that sell a gift card"
        ),
        sa.Column(
            "custom_lines", sa.Integer(), nullable=True, comment="Lines without a catalogue entry"
        ),
        sa.Column(
            "max_sku_length", sa.Integer(), nullable=True, comment="Characters of the longest sku"
        ),
        sa.Column(
            "max_title_length",
            sa.Integer(),
            nullable=True,
            comment="Characters of the longest line title",
        ),
        sa.Column("has_customer", sa.Boolean(), nullable=True, comment="A customer is named"),
        sa.Column(
            "has_billing_address", sa.Boolean(), nullable=True, comment="A billing address is there"
        ),
        sa.Column(
            "has_shipping_address",
            sa.Boolean(),
            nullable=True,
            comment="A shipping address is there",
        ),
        sa.Column(
            "requires_shipping",
            sa.Boolean(),
            nullable=True,
            comment="A line that is left needs shipping",
        ),
        sa.Column(
            "has_shipping_charge",
            sa.Boolean(),
            nullable=True,
            comment="A shipping line is there and not removed",
        ),
        sa.Column("shipping_country", sa.Text(), nullable=True, comment="Iso 3166-1 alpha-2 code"),
        sa.Column(
            "shipping_country_valid", sa.Boolean(), nullable=True, comment="Two capital letters"
        ),
        sa.Column(
            "email_valid", sa.Boolean(), nullable=True, comment="The e-mail has the form of one"
        ),
        sa.Column(
            "gateway_count", sa.Integer(), nullable=True, comment="Distinct payment gateways"
        ),
        sa.Column(
            "tenders_without_gateway",
            sa.Integer(),
            nullable=True,
            comment="Transactions that name no gateway",
        ),
        sa.Column(
            "pending_tenders", sa.Integer(), nullable=True, comment="Transactions still under way"
        ),
        sa.Column(
            "tax_line_count", sa.Integer(), nullable=True, comment="Tax lines of lines and charges"
        ),
        sa.Column("negative_taxes", sa.Integer(), nullable=True, comment="Tax lines below zero"),
        sa.Column(
            "min_tax_rate",
            sa.Numeric(),
            nullable=True,
            comment="Smallest stated tax rate, a fraction",
        ),
        sa.Column(
            "max_tax_rate",
            sa.Numeric(),
            nullable=True,
            comment="Largest stated tax rate, a fraction",
        ),
        sa.CheckConstraint("verdict IN ('hold', 'warn')", name=op.f("ck_landing_order_verdict")),
        sa.PrimaryKeyConstraint("batch_id", "order_id_store", name=op.f("pk_landing_order")),
        comment="Orders of a batch: canonical document, columns that validation looks at, verdict",
    )
    op.create_table(
        "log_audit",
        sa.Column(
            "audit_id",
            sa.BigInteger(),
            sa.Identity(always=True),
            nullable=False,
            comment="Number of the entry",
        ),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When",
        ),
        sa.Column("actor", sa.Text(), nullable=False, comment="Who: a user name, or seed"),
        sa.Column(
            "action", sa.Text(), nullable=False, comment="added, changed, removed, closed, released"
        ),
        sa.Column("subject", sa.Text(), nullable=False, comment="Table that was changed"),
        sa.Column(
            "key", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="Key of the row"
        ),
        sa.Column(
            "before",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="What it said before",
        ),
        sa.Column(
            "after",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="What it says now",
        ),
        sa.PrimaryKeyConstraint("audit_id", name=op.f("pk_log_audit")),
        comment="Changes that people and seed files made",
    )
    op.create_index(op.f("ix_log_audit_subject_at"), "log_audit", ["subject", "at"], unique=False)
    op.create_table(
        "log_validation",
        sa.Column(
            "validation_id",
            sa.BigInteger(),
            sa.Identity(always=True),
            nullable=False,
            comment="Number of the entry",
        ),
        sa.Column(
            "batch_id",
            sa.BigInteger(),
            nullable=False,
            comment="Batch (landing_batch) that was validated",
        ),
        sa.Column("suite", sa.Text(), nullable=False, comment="Expectation suite"),
        sa.Column(
            "success",
            sa.Boolean(),
            nullable=False,
            comment="Whether the window as a whole may go on",
        ),
        sa.Column("evaluated", sa.Integer(), nullable=False, comment="Orders looked at"),
        sa.Column("held", sa.Integer(), nullable=False, comment="Orders held back"),
        sa.Column("warned", sa.Integer(), nullable=False, comment="Orders with a warning only"),
        sa.Column("seconds", sa.Double(), nullable=False, comment="How long validation took"),
        sa.Column(
            "results",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="Result of each expectation: rule, counts, sample of order ids",
        ),
        sa.Column(
            "validated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When",
        ),
        sa.PrimaryKeyConstraint("validation_id", name=op.f("pk_log_validation")),
        comment="Validation results, one row a batch and attempt",
    )
    op.create_index(
        op.f("ix_log_validation_batch_id"), "log_validation", ["batch_id"], unique=False
    )
    op.create_table(
        "map_value",
        sa.Column(
            "channel",
            sa.Text(),
            autoincrement=False,
            nullable=False,
            comment="Channel id, the name of its folder under include/channels",
        ),
        sa.Column(
            "kind",
            sa.Text(),
            autoincrement=False,
            nullable=False,
            comment="payment, shipping, tax, sku, location, customer_class ...",
        ),
        sa.Column(
            "key", sa.Text(), autoincrement=False, nullable=False, comment="The store's value"
        ),
        sa.Column("value", sa.Text(), nullable=False, comment="The ERP's value"),
        sa.Column(
            "origin",
            sa.Text(),
            nullable=False,
            comment="seed: from the channel's CSV; user: edited, wins over the seed",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the row last changed",
        ),
        sa.CheckConstraint("origin IN ('seed', 'user')", name=op.f("ck_map_value_origin")),
        sa.PrimaryKeyConstraint("channel", "kind", "key", name=op.f("pk_map_value")),
        comment="Store value to ERP value, by channel",
    )
    op.create_table(
        "proof_window",
        sa.Column(
            "proof_id",
            sa.BigInteger(),
            sa.Identity(always=True),
            nullable=False,
            comment="Number of the proof",
        ),
        sa.Column(
            "channel",
            sa.Text(),
            nullable=False,
            comment="Channel id, the name of its folder under include/channels",
        ),
        sa.Column(
            "run_id", sa.Text(), nullable=False, comment="Airflow run that proved the window"
        ),
        sa.Column("run_type", sa.Text(), nullable=False, comment="scheduled, backfill or manual"),
        sa.Column(
            "batch_id", sa.BigInteger(), nullable=False, comment="Batch (landing_batch) of the run"
        ),
        sa.Column(
            "window_start",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="First instant of the window",
        ),
        sa.Column(
            "window_end",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="First instant after the window",
        ),
        sa.Column(
            "proven_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When store and ERP were read",
        ),
        sa.Column(
            "in_store", sa.BigInteger(), nullable=False, comment="Orders the store itself counts"
        ),
        sa.Column(
            "staged",
            sa.BigInteger(),
            nullable=False,
            comment="Of those, staged in their newest version",
        ),
        sa.Column(
            "posted",
            sa.BigInteger(),
            nullable=False,
            comment="Of those, found in the ERP once and as sent",
        ),
        sa.Column("held", sa.BigInteger(), nullable=False, comment="Of those, in quarantine"),
        sa.Column(
            "skipped", sa.BigInteger(), nullable=False, comment="Of those, left out by policy"
        ),
        sa.Column(
            "unexplained",
            sa.BigInteger(),
            nullable=False,
            comment="Of those, none of the three: must be 0",
        ),
        sa.Column(
            "doubled",
            sa.BigInteger(),
            nullable=False,
            comment="Documents the ERP holds more than once: must be 0",
        ),
        sa.Column(
            "back_ordered",
            sa.BigInteger(),
            nullable=False,
            comment="Posted orders that wait for stock",
        ),
        sa.Column(
            "skipped_by_reason",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="Count by reason",
        ),
        sa.Column(
            "held_by_reason",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="Count by reason",
        ),
        sa.Column(
            "notes", postgresql.ARRAY(sa.Text()), nullable=False, comment="Warnings in words"
        ),
        sa.PrimaryKeyConstraint("proof_id", name=op.f("pk_proof_window")),
        comment="Window proofs: every order the store names is posted, held or skipped",
    )
    op.create_index(
        op.f("ix_proof_window_channel_window_start_window_end_proven_at"),
        "proof_window",
        ["channel", "window_start", "window_end", "proven_at"],
        unique=False,
    )
    op.create_index("uq_proof_window_run", "proof_window", ["channel", "run_id"], unique=True)
    op.create_table(
        "quarantine",
        sa.Column(
            "quarantine_id",
            sa.BigInteger(),
            sa.Identity(always=True),
            nullable=False,
            comment="Number of the row",
        ),
        sa.Column(
            "channel",
            sa.Text(),
            nullable=False,
            comment="Channel id, the name of its folder under include/channels",
        ),
        sa.Column(
            "order_id_store", sa.Text(), nullable=False, comment="The store's own id of the order"
        ),
        sa.Column(
            "order_number",
            sa.Text(),
            nullable=False,
            comment="The number people use, such as #1001",
        ),
        sa.Column(
            "rule", sa.Text(), nullable=False, comment="Short name of the rule the order breaks"
        ),
        sa.Column(
            "reason_class",
            sa.Text(),
            nullable=False,
            comment="value, missing_mapping, contract_drift, unbalanced, refused_by_erp ...",
        ),
        sa.Column(
            "severity",
            sa.Text(),
            nullable=False,
            comment="critical holds the order; warning and info only note it",
        ),
        sa.Column(
            "field",
            sa.Text(),
            server_default=sa.text("''"),
            nullable=False,
            comment="Field that is wrong",
        ),
        sa.Column(
            "message", sa.Text(), nullable=False, comment="What is wrong and what to do, in words"
        ),
        sa.Column(
            "remote",
            sa.Text(),
            server_default=sa.text("''"),
            nullable=False,
            comment="The remote system's own words",
        ),
        sa.Column("owner", sa.Text(), nullable=False, comment="Who has to act"),
        sa.Column(
            "tries",
            sa.Integer(),
            server_default=sa.text("1"),
            nullable=False,
            comment="How often it was found",
        ),
        sa.Column(
            "state",
            sa.Text(),
            server_default=sa.text("'open'"),
            nullable=False,
            comment="open or closed",
        ),
        sa.Column(
            "first_seen_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When it was found first",
        ),
        sa.Column(
            "last_seen_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When it was found last",
        ),
        sa.Column(
            "closed_at", sa.DateTime(timezone=True), nullable=True, comment="When it was closed"
        ),
        sa.Column(
            "closed_by",
            sa.Text(),
            nullable=True,
            comment="Who closed it: a person, or the run in which it passed",
        ),
        sa.Column(
            "version", sa.Text(), nullable=True, comment="Version of the order it was last found in"
        ),
        sa.Column(
            "batch_id", sa.BigInteger(), nullable=False, comment="Batch it was last found in"
        ),
        sa.CheckConstraint(
            "(state = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_quarantine_closed")
        ),
        sa.CheckConstraint(
            "severity IN ('critical', 'warning', 'info')", name=op.f("ck_quarantine_severity")
        ),
        sa.CheckConstraint("state IN ('open', 'closed')", name=op.f("ck_quarantine_state")),
        sa.PrimaryKeyConstraint("quarantine_id", name=op.f("pk_quarantine")),
        comment="Orders held back, one open row an order and rule; closed when the order passes",
    )
    op.create_index(
        op.f("ix_quarantine_channel_state_first_seen_at"),
        "quarantine",
        ["channel", "state", "first_seen_at"],
        unique=False,
    )
    op.create_index(
        "uq_quarantine_open",
        "quarantine",
        ["channel", "order_id_store", "rule"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "staged_order",
        sa.Column(
            "channel",
            sa.Text(),
            autoincrement=False,
            nullable=False,
            comment="Channel id, the name of its folder under include/channels",
        ),
        sa.Column(
            "order_id_store",
            sa.Text(),
            autoincrement=False,
            nullable=False,
            comment="The store's own id of the order",
        ),
        sa.Column(
            "order_number",
            sa.Text(),
            nullable=False,
            comment="The number people use, such as #1001",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="The store's version; a newer one replaces, an older never",
        ),
        sa.Column(
            "placed_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When the buyer placed it",
        ),
        sa.Column(
            "cancelled_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When it was cancelled",
        ),
        sa.Column(
            "currency",
            sa.Text(),
            nullable=False,
            comment="Shop currency, ISO 4217; every amount of the row is in it",
        ),
        sa.Column(
            "presentment_currency", sa.Text(), nullable=False, comment="Currency the buyer saw"
        ),
        sa.Column(
            "original_total",
            sa.Numeric(precision=19, scale=5),
            nullable=False,
            comment="Stated total before returns",
        ),
        sa.Column(
            "current_total",
            sa.Numeric(precision=19, scale=5),
            nullable=False,
            comment="Stated total after returns",
        ),
        sa.Column(
            "current_tax",
            sa.Numeric(precision=19, scale=5),
            nullable=False,
            comment="Stated tax after returns",
        ),
        sa.Column(
            "received",
            sa.Numeric(precision=19, scale=5),
            nullable=False,
            comment="Stated amount received",
        ),
        sa.Column(
            "refunded",
            sa.Numeric(precision=19, scale=5),
            nullable=False,
            comment="Stated amount refunded",
        ),
        sa.Column(
            "outstanding",
            sa.Numeric(precision=19, scale=5),
            nullable=False,
            comment="Stated amount still to be paid",
        ),
        sa.Column("financial_status", sa.Text(), nullable=False, comment="Where the money stands"),
        sa.Column("fulfillment_status", sa.Text(), nullable=False, comment="Where the goods stand"),
        sa.Column("program", sa.Text(), nullable=False, comment="How the sale came about"),
        sa.Column("is_test", sa.Boolean(), nullable=False, comment="Placed with a test gateway"),
        sa.Column("line_count", sa.Integer(), nullable=False, comment="Number of lines"),
        sa.Column(
            "document",
            postgresql.JSON(astext_type=sa.Text()),
            nullable=False,
            comment="The canonical order, whole",
        ),
        sa.Column(
            "document_digest",
            sa.LargeBinary(),
            nullable=False,
            comment="First 16 bytes of its SHA-256",
        ),
        sa.Column(
            "batch_id_first",
            sa.BigInteger(),
            nullable=False,
            comment="Batch that staged the order first",
        ),
        sa.Column(
            "batch_id", sa.BigInteger(), nullable=False, comment="Batch that staged this version"
        ),
        sa.Column(
            "staged_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the order was staged first",
        ),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When this version was staged",
        ),
        sa.PrimaryKeyConstraint("channel", "order_id_store", name=op.f("pk_staged_order")),
        comment="Newest version of each valid order",
        postgresql_with={"fillfactor": 85},
    )
    op.create_index(
        op.f("ix_staged_order_channel_order_number"),
        "staged_order",
        ["channel", "order_number"],
        unique=False,
    )
    op.create_index(
        op.f("ix_staged_order_placed_at"),
        "staged_order",
        ["placed_at"],
        unique=False,
        postgresql_using="brin",
    )
    op.create_index(
        op.f("ix_staged_order_updated_at"),
        "staged_order",
        ["updated_at"],
        unique=False,
        postgresql_using="brin",
    )
    op.create_table(
        "staged_order_line",
        sa.Column(
            "channel",
            sa.Text(),
            autoincrement=False,
            nullable=False,
            comment="Channel id, the name of its folder under include/channels",
        ),
        sa.Column(
            "order_id_store",
            sa.Text(),
            autoincrement=False,
            nullable=False,
            comment="The store's own id of the order",
        ),
        sa.Column(
            "position",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="Place of the line in the order, from 1",
        ),
        sa.Column("line_id", sa.Text(), nullable=False, comment="The store's id of the line"),
        sa.Column(
            "kind", sa.Text(), nullable=False, comment="goods, gift_card, tip, fee or custom"
        ),
        sa.Column(
            "sku", sa.Text(), nullable=True, comment="Stock keeping unit, if the line has one"
        ),
        sa.Column("title", sa.Text(), nullable=False, comment="What the buyer read"),
        sa.Column("quantity", sa.Integer(), nullable=False, comment="Units ordered"),
        sa.Column(
            "current_quantity",
            sa.Integer(),
            nullable=False,
            comment="Units left after edits, refunds and cancellations",
        ),
        sa.Column(
            "unit_price",
            sa.Numeric(precision=19, scale=5),
            nullable=False,
            comment="Price of one before discounts, shop currency",
        ),
        sa.Column(
            "current_price",
            sa.Numeric(precision=19, scale=5),
            nullable=False,
            comment="Price of the units left after discounts, shop currency",
        ),
        sa.Column(
            "discount",
            sa.Numeric(precision=19, scale=5),
            nullable=False,
            comment="Discounts over the units ordered, shop currency",
        ),
        sa.Column(
            "current_tax",
            sa.Numeric(precision=19, scale=5),
            nullable=False,
            comment="Taxes on the units left, shop currency",
        ),
        sa.PrimaryKeyConstraint(
            "channel", "order_id_store", "position", name=op.f("pk_staged_order_line")
        ),
        comment="Lines of staged_order, rewritten whenever their order changes",
    )
    op.create_table(
        "proof_money",
        sa.Column(
            "proof_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="Proof (proof_window)",
        ),
        sa.Column(
            "currency",
            sa.Text(),
            autoincrement=False,
            nullable=False,
            comment="ISO 4217; every amount of the row is in it",
        ),
        sa.Column(
            "in_store",
            sa.Numeric(precision=19, scale=5),
            nullable=False,
            comment="Sum of the current totals in the store",
        ),
        sa.Column(
            "staged",
            sa.Numeric(precision=19, scale=5),
            nullable=False,
            comment="Sum of the totals staged",
        ),
        sa.Column(
            "posted",
            sa.Numeric(precision=19, scale=5),
            nullable=False,
            comment="Sum of the sales orders read back from the ERP",
        ),
        sa.Column(
            "adjusted",
            sa.Numeric(precision=19, scale=5),
            nullable=False,
            comment="Named differences, such as tax that a marketplace remits",
        ),
        sa.Column(
            "held",
            sa.Numeric(precision=19, scale=5),
            nullable=False,
            comment="Sum of the totals of held orders",
        ),
        sa.Column(
            "skipped",
            sa.Numeric(precision=19, scale=5),
            nullable=False,
            comment="Sum of the totals of skipped orders",
        ),
        sa.Column(
            "invoiced",
            sa.Numeric(precision=19, scale=5),
            nullable=False,
            comment="Sum of the invoices the ERP holds",
        ),
        sa.Column(
            "paid",
            sa.Numeric(precision=19, scale=5),
            nullable=False,
            comment="Sum of the payments the ERP holds",
        ),
        sa.Column(
            "unexplained",
            sa.Numeric(precision=19, scale=5),
            nullable=False,
            comment="What is left: must be 0",
        ),
        sa.ForeignKeyConstraint(
            ["proof_id"],
            ["proof_window.proof_id"],
            name=op.f("fk_proof_money_proof_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("proof_id", "currency", name=op.f("pk_proof_money")),
        comment="Money of a window proof, one row a currency",
    )
    op.create_table(
        "proof_order",
        sa.Column(
            "proof_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="Proof (proof_window)",
        ),
        sa.Column(
            "order_id_store",
            sa.Text(),
            autoincrement=False,
            nullable=False,
            comment="The store's own id of the order",
        ),
        sa.Column(
            "order_number",
            sa.Text(),
            nullable=False,
            comment="The number people use, such as #1001",
        ),
        sa.Column("outcome", sa.Text(), nullable=False, comment="held, skipped or unexplained"),
        sa.Column("reason", sa.Text(), nullable=False, comment="Short name of the reason"),
        sa.Column(
            "message", sa.Text(), nullable=False, comment="The reason in words and what to do"
        ),
        sa.Column("owner", sa.Text(), nullable=False, comment="Who has to act"),
        sa.Column("currency", sa.Text(), nullable=False, comment="ISO 4217 code of both amounts"),
        sa.Column(
            "store_amount",
            sa.Numeric(precision=19, scale=5),
            nullable=False,
            comment="Current total in the store",
        ),
        sa.Column(
            "erp_amount",
            sa.Numeric(precision=19, scale=5),
            nullable=False,
            comment="What the ERP holds for it",
        ),
        sa.Column(
            "since_at", sa.DateTime(timezone=True), nullable=True, comment="When it was first held"
        ),
        sa.ForeignKeyConstraint(
            ["proof_id"],
            ["proof_window.proof_id"],
            name=op.f("fk_proof_order_proof_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("proof_id", "order_id_store", name=op.f("pk_proof_order")),
        comment="Orders of a window proof that were not simply posted",
    )
    for table, column in COMPRESSED:
        otherwise = PLAIN if table == "landing_document" else PGLZ
        op.execute(COMPRESS.format(table=table, column=column, otherwise=otherwise))
    op.execute("CREATE SCHEMA analyst")
    op.execute(
        "COMMENT ON SCHEMA analyst IS 'Views for analysts: orders, lines, documents, proofs'"
    )
    for name, comment, query, columns in VIEWS:
        op.execute(f"CREATE VIEW analyst.{name} AS {query}")
        op.execute(f"COMMENT ON VIEW analyst.{name} IS '{comment}'")
        for column, words in columns.items():
            op.execute(f"COMMENT ON COLUMN analyst.{name}.{column} IS '{words}'")


def downgrade() -> None:
    op.execute("DROP SCHEMA analyst CASCADE")
    op.drop_table("proof_order")
    op.drop_table("proof_money")
    op.drop_table("staged_order_line")
    op.drop_table("staged_order")
    op.drop_table("quarantine")
    op.drop_table("proof_window")
    op.drop_table("map_value")
    op.drop_table("log_validation")
    op.drop_table("log_audit")
    op.drop_table("landing_order")
    op.drop_table("landing_document")
    op.drop_table("landing_batch")
    op.drop_table("erp_document")
