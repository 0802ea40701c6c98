"""Plans of dry runs, fields that people filled in, and the purchase history of customers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
MONEY = sa.Numeric(precision=19, scale=5)
CHANNEL = "Channel id, the name of its folder under include/channels"
ORDER = "The store's own id of the order"
NUMBER = "The number people use, such as #1001"

CUSTOMER_ORDERS = """
SELECT s.channel, s.customer_id_store,
       s.order_id_store, s.order_number, s.placed_at, s.cancelled_at, s.currency,
       s.original_total, s.current_total, s.received, s.refunded, s.outstanding,
       s.financial_status, s.fulfillment_status, s.is_test,
       coalesce(s.document ->> 'pii_state', 'present') = 'redacted' AS is_redacted,
       coalesce(e.documents, 0) AS documents, coalesce(e.invoiced, 0) AS invoiced,
       coalesce(e.credited, 0) AS credited,
       EXISTS (SELECT FROM quarantine AS q WHERE q.channel = s.channel
               AND q.order_id_store = s.order_id_store AND q.state = 'open'
               AND q.severity = 'critical') AS is_held
FROM staged_order AS s
LEFT JOIN LATERAL (
    SELECT count(*) AS documents,
           sum(d.total) FILTER (WHERE d.kind = 'invoice'
                                AND d.remote_state IS DISTINCT FROM 'void') AS invoiced,
           sum(d.total) FILTER (WHERE d.kind = 'credit_note'
                                AND d.remote_state IS DISTINCT FROM 'void') AS credited
    FROM erp_document AS d WHERE d.channel = s.channel
    AND d.order_id_store = s.order_id_store AND d.state = 'posted'
) AS e ON true
"""
CUSTOMERS = """
SELECT channel, customer_id_store, currency, count(*) AS orders, min(placed_at) AS first_order_at,
       max(placed_at) AS last_order_at, sum(current_total) AS current_total,
       sum(received) AS received, sum(refunded) AS refunded, sum(outstanding) AS outstanding,
       sum(invoiced) AS invoiced, sum(credited) AS credited,
       count(*) FILTER (WHERE is_held) AS held_orders, bool_or(is_redacted) AS is_redacted
FROM analyst.customer_orders
WHERE customer_id_store IS NOT NULL AND NOT is_test
GROUP BY channel, customer_id_store, currency
"""
VIEWS = (
    (
        "customer_orders",
        "Purchase history: each order with the id of its customer, and what was booked of it",
        CUSTOMER_ORDERS,
        {
            "customer_id_store": "The id of the customer in the store; empty for guests",
            "current_total": "Stated total after edits, returns and cancellations",
            "outstanding": "Stated amount still to be paid",
            "is_redacted": "Name, address and mail of the customer were erased",
            "documents": "Documents in the ERP",
            "invoiced": "Sum of the invoices in the ERP that are not void",
            "credited": "Sum of the credit notes in the ERP that are not void",
            "is_held": "Waits in quarantine",
        },
    ),
    (
        "customers",
        "Purchase history in sums: one row a customer and currency; no names, no addresses",
        CUSTOMERS,
        {
            "customer_id_store": "The id of the customer in the store",
            "currency": "ISO 4217; every amount of the row is in it",
            "current_total": "Sum of the totals after edits, returns and cancellations",
            "held_orders": "Orders that wait in quarantine",
            "is_redacted": "Name, address and mail of the customer were erased",
        },
    ),
)


def upgrade() -> None:
    op.create_table(
        "landing_plan",
        sa.Column(
            "plan_id",
            sa.BigInteger(),
            sa.Identity(always=True),
            nullable=False,
            comment="Number of the plan",
        ),
        sa.Column("channel", sa.Text(), nullable=False, comment=CHANNEL),
        sa.Column("flow", sa.Text(), nullable=False, comment="orders or quarantine_replay"),
        sa.Column("run_id", sa.Text(), nullable=False, comment="Airflow run that planned"),
        sa.Column("planned_at", INSTANT, nullable=False, comment="When it was planned"),
        sa.Column(
            "done",
            sa.BigInteger(),
            nullable=False,
            comment="Orders whose documents are all in the ERP",
        ),
        sa.Column("sends", sa.BigInteger(), nullable=False, comment="Documents that would be sent"),
        sa.Column("holds", sa.BigInteger(), nullable=False, comment="Orders that would be held"),
        sa.Column(
            "skips", sa.BigInteger(), nullable=False, comment="Orders that would be left out"
        ),
        sa.PrimaryKeyConstraint("plan_id", name=op.f("pk_landing_plan")),
        comment="Plans of dry runs: what posting would do; kept as long as the orders of a batch",
    )
    op.create_index(
        "uq_landing_plan_run", "landing_plan", ["channel", "flow", "run_id"], unique=True
    )
    op.create_table(
        "landing_plan_row",
        sa.Column(
            "plan_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="Plan (landing_plan)",
        ),
        sa.Column(
            "position",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="Place in the plan, from 1",
        ),
        sa.Column("action", sa.Text(), nullable=False, comment="send, hold or skip"),
        sa.Column("order_id_store", sa.Text(), nullable=False, comment=ORDER),
        sa.Column("order_number", sa.Text(), nullable=False, comment=NUMBER),
        sa.Column("kind", sa.Text(), nullable=False, comment="Kind of document that would be sent"),
        sa.Column(
            "sequence",
            sa.Integer(),
            nullable=False,
            comment="Its number among those of its kind on the order",
        ),
        sa.Column("document_on", sa.Date(), nullable=True, comment="Its accounting date"),
        sa.Column("line_count", sa.Integer(), nullable=False, comment="Lines it would have"),
        sa.Column("currency", sa.Text(), nullable=False, comment="ISO 4217 of both amounts"),
        sa.Column("total", MONEY, nullable=False, comment="What it would book"),
        sa.Column("paid", MONEY, nullable=False, comment="Payments with it"),
        sa.Column(
            "reason",
            sa.Text(),
            nullable=False,
            comment="Why the order would be held or left out, in words",
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"],
            ["landing_plan.plan_id"],
            name=op.f("fk_landing_plan_row_plan_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("plan_id", "position", name=op.f("pk_landing_plan_row")),
        comment="Lines of a dry run's plan: documents to send, orders to hold or leave out",
    )
    op.create_table(
        "order_amendment",
        sa.Column("channel", sa.Text(), autoincrement=False, nullable=False, comment=CHANNEL),
        sa.Column("order_id_store", sa.Text(), autoincrement=False, nullable=False, comment=ORDER),
        sa.Column(
            "field",
            sa.Text(),
            autoincrement=False,
            nullable=False,
            comment="Field of the canonical order that the store left empty",
        ),
        sa.Column("value", sa.Text(), nullable=False, comment="What a person filled in"),
        sa.Column("actor", sa.Text(), nullable=False, comment="Who filled it in last"),
        sa.Column("reason", sa.Text(), nullable=False, comment="Why, and where it comes from"),
        sa.Column(
            "amended_at",
            INSTANT,
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the row last changed",
        ),
        sa.PrimaryKeyConstraint(
            "channel", "order_id_store", "field", name=op.f("pk_order_amendment")
        ),
        comment="Fields that people filled in where the store says nothing; never over its word",
    )
    op.add_column(
        "staged_order",
        sa.Column(
            "customer_id_store",
            sa.Text(),
            sa.Computed("(document -> 'customer') ->> 'customer_id_store'", persisted=True),
            nullable=True,
            comment="The id of the customer in the store; empty for guests",
        ),
    )
    op.create_index(
        op.f("ix_staged_order_channel_customer_id_store"),
        "staged_order",
        ["channel", "customer_id_store"],
    )
    for name, comment, query, columns in VIEWS:
        op.execute(f"CREATE VIEW analyst.{name} AS {query}")
        op.execute(f"COMMENT ON VIEW analyst.{name} IS '{comment}'")
        for column, words in columns.items():
            op.execute(f"COMMENT ON COLUMN analyst.{name}.{column} IS '{words}'")


def downgrade() -> None:
    op.execute("DROP VIEW analyst.customers")
    op.execute("DROP VIEW analyst.customer_orders")
    op.drop_index(op.f("ix_staged_order_channel_customer_id_store"), table_name="staged_order")
    op.drop_column("staged_order", "customer_id_store")
    op.drop_table("order_amendment")
    op.drop_table("landing_plan_row")
    op.drop_table("landing_plan")
