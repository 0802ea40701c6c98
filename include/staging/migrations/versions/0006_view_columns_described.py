"""Every column of an analyst's view says what it holds: its table's words, or its own."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Views and the tables whose columns they show under the same name, the first that has it.
TABLES = {
    "orders": ("staged_order",),
    "order_lines": ("staged_order_line", "staged_order"),
    "documents": ("erp_document",),
    "held_orders": ("quarantine",),
    "window_proofs": ("proof_window", "proof_money"),
    "window_documents": ("proof_window", "proof_document"),
    "customer_orders": ("staged_order",),
    "customers": ("staged_order",),
}
OWN_WORDS = {
    "window_proofs": {
        "store_amount": "Sum of the current totals in the store",
        "posted_amount": "Sum of the posted orders as the ERP holds them",
        "adjusted_amount": "Named differences, such as tax that a marketplace remits",
        "held_amount": "Sum of the totals of held orders",
        "skipped_amount": "Sum of the totals of skipped orders",
        "unexplained_amount": "What is left: must be 0",
    },
    "window_documents": {"sent_amount": "Sum of what this run sent of them"},
    "customers": {
        "orders": "Orders, cancelled ones included, test orders not",
        "first_order_at": "When the first was placed",
        "last_order_at": "When the last was placed",
        "received": "Sum of the stated amounts received",
        "refunded": "Sum of the stated amounts refunded",
        "outstanding": "Sum of the stated amounts still to be paid",
        "invoiced": "Sum of the invoices in the ERP that are not void",
        "credited": "Sum of the credit notes in the ERP that are not void",
    },
}
TAKE_OVER = """
DO $$ DECLARE told record; BEGIN
    FOR told IN
        SELECT shown.attname, col_description(kept.attrelid, kept.attnum) AS words
        FROM pg_attribute AS shown JOIN pg_attribute AS kept USING (attname)
        WHERE shown.attrelid = 'analyst.{view}'::regclass AND shown.attnum > 0
          AND kept.attrelid = '{table}'::regclass AND kept.attnum > 0
          AND col_description(shown.attrelid, shown.attnum) IS NULL
    LOOP
        EXECUTE format('COMMENT ON COLUMN analyst.{view}.%I IS %L', told.attname, told.words);
    END LOOP;
END $$
"""


def upgrade() -> None:
    for view, columns in OWN_WORDS.items():
        for column, words in columns.items():
            op.execute(f"COMMENT ON COLUMN analyst.{view}.{column} IS '{words}'")
    for view, tables in TABLES.items():
        for table in tables:
            op.execute(TAKE_OVER.format(view=view, table=table))


def downgrade() -> None:
    """Words about columns do an older release no harm: they stay."""
