"""The ledger knows what was sent: nothing in it was ever only planned, or held by a person."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

STATES = ("'sending', 'posted', 'refused'", "'planned', 'sending', 'posted', 'refused', 'held'")
# What is described: its words from here on, and those of the release before.
WORDS = {
    "TABLE erp_document": (
        "Document ledger: one row for each document that was sent to the ERP",
        "Document ledger: one row for each document that should exist in the ERP",
    ),
    "COLUMN erp_document.state": (
        "sending, posted or refused; posted is final",
        "planned, sending, posted, refused or held; posted is final",
    ),
    "COLUMN erp_document.error": (
        "Why the ERP refused it, in words",
        "Why it is refused or held, in words",
    ),
    "COLUMN erp_document.planned_at": (
        "When it was first about to be sent",
        "When it was planned first",
    ),
}


def upgrade() -> None:
    # No release wrote these states; a row that somebody set by hand is sent again when it is due.
    op.execute("UPDATE erp_document SET state = 'refused' WHERE state IN ('planned', 'held')")
    _say(0)


def downgrade() -> None:
    _say(1)


def _say(release: int) -> None:
    name = "ck_erp_document_state"
    op.drop_constraint(op.f(name), "erp_document", type_="check")
    op.create_check_constraint(op.f(name), "erp_document", f"state IN ({STATES[release]})")
    for what, words in WORDS.items():
        op.execute(f"COMMENT ON {what} IS '{words[release]}'")
    for column in ("state", "error"):
        told = WORDS[f"COLUMN erp_document.{column}"][release]
        op.execute(f"COMMENT ON COLUMN analyst.documents.{column} IS '{told}'")
