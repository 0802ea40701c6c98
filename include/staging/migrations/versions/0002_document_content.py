"""The ledger keeps what each document books, so that later documents book just the difference."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "erp_document",
        sa.Column(
            "content",
            postgresql.JSON(),
            nullable=True,
            comment="What the document books: lines, charges, payments, concession",
        ),
    )


def downgrade() -> None:
    op.drop_column("erp_document", "content")
