"""The ledger keeps a document's day and what it is based on: a begun one can be finished."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "erp_document",
        sa.Column("document_on", sa.Date(), comment="Day of the document, in the shop's time zone"),
    )
    op.add_column(
        "erp_document",
        sa.Column(
            "based_on",
            sa.Text(),
            comment="Kind and sequence of the document it changes, bills, credits or voids",
        ),
    )


def downgrade() -> None:
    op.drop_column("erp_document", "based_on")
    op.drop_column("erp_document", "document_on")
