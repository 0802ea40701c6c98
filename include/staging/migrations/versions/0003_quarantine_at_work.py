"""What people need to work with the quarantine: notes, who was told, silences, redactions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
CHANNEL = "Channel id, the name of its folder under include/channels"
ORDER = "The store's own id of the order"
ACTION = "added, changed, removed, closed, released"
ADDED = (
    ("told_at", INSTANT, "When its owner was told; empty: the next digest tells"),
    ("replay_at", INSTANT, "When a person asked for a replay that has not happened yet"),
    ("released_at", INSTANT, "When a person let this version of the order pass the rule"),
    ("released_by", sa.Text(), "Who let it pass"),
    ("written_off", sa.Text(), "Why a person wrote it off; the order is left out since"),
)


def upgrade() -> None:
    for name, kind, comment in ADDED:
        op.add_column("quarantine", sa.Column(name, kind, nullable=True, comment=comment))
    op.create_index(
        op.f("ix_quarantine_channel_order_id_store"), "quarantine", ["channel", "order_id_store"]
    )
    op.create_table(
        "quarantine_note",
        sa.Column(
            "note_id",
            sa.BigInteger(),
            sa.Identity(always=True),
            nullable=False,
            comment="Number of the note",
        ),
        sa.Column("channel", sa.Text(), nullable=False, comment=CHANNEL),
        sa.Column("order_id_store", sa.Text(), nullable=False, comment=ORDER),
        sa.Column(
            "at",
            INSTANT,
            server_default=sa.text("now()"),
            nullable=False,
            comment="When it was written",
        ),
        sa.Column("author", sa.Text(), nullable=False, comment="Who wrote it"),
        sa.Column(
            "body", sa.Text(), nullable=False, comment="What people should know of the order"
        ),
        sa.PrimaryKeyConstraint("note_id", name=op.f("pk_quarantine_note")),
        comment="What people noted on orders in quarantine",
    )
    op.create_index(
        op.f("ix_quarantine_note_channel_order_id_store"),
        "quarantine_note",
        ["channel", "order_id_store"],
    )
    op.create_table(
        "silence_alert",
        sa.Column("channel", sa.Text(), autoincrement=False, nullable=False, comment=CHANNEL),
        sa.Column(
            "since_at",
            INSTANT,
            autoincrement=False,
            nullable=False,
            comment="When the last order before the silence was placed",
        ),
        sa.Column(
            "noticed_at",
            INSTANT,
            nullable=False,
            comment="When the silence was longer than the rhythm allows",
        ),
        sa.Column(
            "missed",
            sa.Double(),
            nullable=False,
            comment="Orders that the rhythm would have brought by then",
        ),
        sa.Column("told_at", INSTANT, nullable=True, comment="When somebody was told"),
        sa.PrimaryKeyConstraint("channel", "since_at", name=op.f("pk_silence_alert")),
        comment="Silences longer than the channel's rhythm allows, one row a silence",
    )
    op.create_table(
        "privacy_redaction",
        sa.Column("channel", sa.Text(), autoincrement=False, nullable=False, comment=CHANNEL),
        sa.Column("order_id_store", sa.Text(), autoincrement=False, nullable=False, comment=ORDER),
        sa.Column(
            "redacted_at",
            INSTANT,
            server_default=sa.text("now()"),
            nullable=False,
            comment="When it was first redacted",
        ),
        sa.Column("actor", sa.Text(), nullable=False, comment="Who asked for it"),
        sa.PrimaryKeyConstraint("channel", "order_id_store", name=op.f("pk_privacy_redaction")),
        comment="Orders whose personal data was erased, and is erased again if a pull brings it "
        "back",
    )
    op.create_index(
        op.f("ix_log_audit_key"),
        "log_audit",
        ["key"],
        postgresql_using="gin",
        postgresql_ops={"key": "jsonb_path_ops"},
    )
    op.alter_column(
        "log_audit",
        "action",
        existing_type=sa.Text(),
        existing_nullable=False,
        comment="added, changed, removed, assigned, closed, released ...",
        existing_comment=ACTION,
    )


def downgrade() -> None:
    op.alter_column(
        "log_audit",
        "action",
        existing_type=sa.Text(),
        existing_nullable=False,
        comment=ACTION,
        existing_comment="added, changed, removed, assigned, closed, released ...",
    )
    op.drop_index(op.f("ix_log_audit_key"), table_name="log_audit")
    for table in ("privacy_redaction", "silence_alert", "quarantine_note"):
        op.drop_table(table)
    op.drop_index(op.f("ix_quarantine_channel_order_id_store"), table_name="quarantine")
    for name, _, _ in reversed(ADDED):
        op.drop_column("quarantine", name)
