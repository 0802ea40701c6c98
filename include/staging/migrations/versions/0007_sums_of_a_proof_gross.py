"""A proof's sum of invoices is just that: credit notes, and what they pay back, stand beside it."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Column: its words from here on, and those of the release before.
WORDS = {
    "invoiced": (
        "Sum of the invoices the ERP holds; credit notes are not taken off",
        "Sum of the invoices the ERP holds",
    ),
    "paid": (
        "Sum of the payments the ERP holds; what was paid back is not taken off",
        "Sum of the payments the ERP holds",
    ),
    "credited": ("Sum of the credit notes the ERP holds", "Sum of the credit notes in invoiced"),
    "paid_back": ("Sum of what the credit notes pay back", "Sum of what they pay back, in paid"),
}


def upgrade() -> None:
    op.execute(
        "UPDATE proof_money SET invoiced = invoiced + credited, paid = paid + paid_back"
        " WHERE credited <> 0 OR paid_back <> 0"
    )
    for column, (words, _) in WORDS.items():
        op.execute(f"COMMENT ON COLUMN proof_money.{column} IS '{words}'")


def downgrade() -> None:
    op.execute(
        "UPDATE proof_money SET invoiced = invoiced - credited, paid = paid - paid_back"
        " WHERE credited <> 0 OR paid_back <> 0"
    )
    for column, (_, words) in WORDS.items():
        op.execute(f"COMMENT ON COLUMN proof_money.{column} IS '{words}'")
