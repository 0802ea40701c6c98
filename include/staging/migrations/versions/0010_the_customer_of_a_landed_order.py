"""The customer's id is landed with the order; documents are not compressed where that is slow."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

CUSTOMER = "The id of the customer in the store; empty for guests"
OF_DOCUMENT = "(document -> 'customer') ->> 'customer_id_store'"
INDEX = "ix_staged_order_channel_customer_id_store"
VIEWS = ("customer_orders", "customers")  # each shows the one before

FILL = """
UPDATE landing_order SET customer_id_store = (canonical -> 'customer') ->> 'customer_id_store'
WHERE (canonical -> 'customer') ->> 'customer_id_store' IS NOT NULL
"""
# Where a build of PostgreSQL knows no lz4, compressing a canonical order with its own pglz takes
# longer than all else about landing and staging it. It stays as it is then, and in its row up to a
# page: a row in pieces costs more to write than one that is twice as wide.
PLAIN = """
DO $$ BEGIN
    ALTER TABLE landing_order ALTER COLUMN canonical SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    ALTER TABLE landing_order SET (toast_tuple_target = 8160);
    ALTER TABLE landing_order ALTER COLUMN canonical SET STORAGE EXTERNAL;
    ALTER TABLE landing_order ALTER COLUMN lines SET STORAGE EXTERNAL;
    ALTER TABLE staged_order SET (toast_tuple_target = 8160);
    ALTER TABLE staged_order ALTER COLUMN document SET STORAGE EXTERNAL;
END $$
"""


def upgrade() -> None:
    op.execute(PLAIN)
    op.add_column(
        "landing_order", sa.Column("customer_id_store", sa.Text(), nullable=True, comment=CUSTOMER)
    )
    op.execute(FILL)
    op.execute("ALTER TABLE staged_order ALTER COLUMN customer_id_store DROP EXPRESSION")


def downgrade() -> None:
    statements = [statement for view in VIEWS for statement in _shown(view)]
    for view in reversed(VIEWS):
        op.execute(f"DROP VIEW analyst.{view}")
    op.drop_column("staged_order", "customer_id_store")
    op.add_column(
        "staged_order",
        sa.Column(
            "customer_id_store",
            sa.Text(),
            sa.Computed(OF_DOCUMENT, persisted=True),
            nullable=True,
            comment=CUSTOMER,
        ),
    )
    op.create_index(INDEX, "staged_order", ["channel", "customer_id_store"])
    for statement in statements:
        op.get_bind().exec_driver_sql(statement)
    op.drop_column("landing_order", "customer_id_store")
    for table, columns in (
        ("landing_order", ("canonical", "lines")),
        ("staged_order", ("document",)),
    ):
        op.execute(f"ALTER TABLE {table} RESET (toast_tuple_target)")
        for column in columns:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE EXTENDED")


def _shown(view: str) -> list[str]:
    """Return the statements that make a view as it stands, with its words."""
    found = op.get_bind().execute(
        sa.text(
            "WITH shown AS (SELECT CAST(:name AS text) AS name, CAST(:name AS regclass) AS oid)"
            " SELECT format('CREATE VIEW %s AS %s', name, pg_get_viewdef(oid)) FROM shown"
            " UNION ALL SELECT format('COMMENT ON VIEW %s IS %L', name,"
            "  obj_description(oid, 'pg_class')) FROM shown"
            " UNION ALL SELECT format('COMMENT ON COLUMN %s.%I IS %L', name, attname,"
            "  col_description(attrelid, attnum)) FROM shown JOIN pg_attribute ON attrelid = oid"
            "  WHERE attnum > 0"
        ),
        {"name": f"analyst.{view}"},
    )
    return [str(row[0]) for row in found]
