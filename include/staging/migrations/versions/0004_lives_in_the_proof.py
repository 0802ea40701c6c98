"""The window proof accounts for lives: what orders have been through, documents by kind."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MONEY = sa.Numeric(precision=19, scale=5)
LIVES = "Orders that are new, changed, unchanged; edited, cancelled, refunded, shipped"
VIEW = """
SELECT w.channel, w.window_start, w.window_end, w.run_id, d.kind, d.currency, d.documents,
       d.amount, d.paid, d.sent, d.sent_amount
FROM proof_document AS d JOIN proof_window AS w USING (proof_id)
"""
COLUMNS = {
    "kind": "sales_order, order_change, void, invoice, credit_note or payment",
    "documents": "Documents the ERP was found to hold for the orders of the window",
    "amount": "Sum of what they book; of voids, what they strike out",
    "paid": "Sum of the payments with them; of credit notes, what they pay back",
    "sent": "How many of them this run sent; the others were there before",
}


def upgrade() -> None:
    op.add_column(
        "proof_window",
        sa.Column(
            "lives",
            postgresql.JSONB(),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment=LIVES,
        ),
    )
    op.add_column(
        "proof_window",
        sa.Column(
            "tolerance",
            MONEY,
            server_default=sa.text("0"),
            nullable=False,
            comment="Largest difference let pass for one order",
        ),
    )
    for name, words in (
        ("credited", "Sum of the credit notes in invoiced"),
        ("paid_back", "Sum of what they pay back, in paid"),
    ):
        op.add_column(
            "proof_money",
            sa.Column(name, MONEY, server_default=sa.text("0"), nullable=False, comment=words),
        )
    op.create_table(
        "proof_document",
        sa.Column(
            "proof_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="Proof (proof_window)",
        ),
        sa.Column(
            "kind",
            sa.Text(),
            autoincrement=False,
            nullable=False,
            comment="sales_order, order_change, void, invoice, credit_note, payment ...",
        ),
        sa.Column(
            "currency",
            sa.Text(),
            autoincrement=False,
            nullable=False,
            comment="ISO 4217; every amount of the row is in it",
        ),
        sa.Column(
            "documents",
            sa.BigInteger(),
            nullable=False,
            comment="Documents the ERP was found to hold",
        ),
        sa.Column(
            "amount",
            MONEY,
            nullable=False,
            comment="Sum of what they book; of voids, what they strike out",
        ),
        sa.Column(
            "paid",
            MONEY,
            nullable=False,
            comment="Sum of the payments with them; of credit notes, paid back",
        ),
        sa.Column(
            "sent",
            sa.BigInteger(),
            nullable=False,
            comment="How many of them the proven run sent",
        ),
        sa.Column("sent_amount", MONEY, nullable=False, comment="Sum of what those book"),
        sa.ForeignKeyConstraint(
            ["proof_id"],
            ["proof_window.proof_id"],
            name=op.f("fk_proof_document_proof_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("proof_id", "kind", "currency", name=op.f("pk_proof_document")),
        comment="Documents of a window proof, one row a kind and currency",
    )
    op.execute(f"CREATE VIEW analyst.window_documents AS {VIEW}")
    op.execute(
        "COMMENT ON VIEW analyst.window_documents IS"
        " 'Documents by kind that each proven window came to, with money in and out'"
    )
    for column, words in COLUMNS.items():
        op.execute(f"COMMENT ON COLUMN analyst.window_documents.{column} IS '{words}'")


def downgrade() -> None:
    op.execute("DROP VIEW analyst.window_documents")
    op.drop_table("proof_document")
    op.drop_column("proof_money", "paid_back")
    op.drop_column("proof_money", "credited")
    op.drop_column("proof_window", "tolerance")
    op.drop_column("proof_window", "lives")
