"""The first schema.

Plain types only: a migration records what was true when it was written, even if the program's own
types have changed since.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_STATES = (
    "'pending', 'in_flight', 'unknown', 'synced', 'waiting', 'failed', 'dead', 'skipped', "
    "'review', 'ignored'"
)


def upgrade() -> None:
    op.create_table(
        "meta",
        sa.Column(
            "id",
            sa.Integer(),
            sa.CheckConstraint("id = 1", name=op.f("ck_meta_single_row")),
            nullable=False,
        ),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("go_live", sa.Text(), nullable=False),
        sa.Column("watermark", sa.Text(), nullable=False),
        sa.Column("mapping_version", sa.Text(), nullable=False),
        sa.Column("shop", sa.Text()),
        sa.Column("account", sa.Text()),
        sa.Column("proven_ids_key", sa.Text()),
        sa.Column("creation_stopped", sa.Text()),
        sa.Column("has_pushed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meta")),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.Text()),
        sa.Column("exit_code", sa.Integer()),
        sa.Column("counts", sa.Text()),
        sa.Column("digest", sa.Text()),
        sa.Column("message", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    op.create_index(op.f("ix_runs_kind_exit_code"), "runs", ["kind", "exit_code"])
    op.create_table(
        "windows",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer()),
        sa.Column("starts_at", sa.Text(), nullable=False),
        sa.Column("ends_at", sa.Text(), nullable=False),
        sa.Column("read_by", sa.Text(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_windows")),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name=op.f("fk_windows_run_id"), ondelete="CASCADE"
        ),
    )
    op.create_index(op.f("ix_windows_run_id"), "windows", ["run_id"])
    op.create_table(
        "entries",
        sa.Column("return_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text()),
        sa.Column("order_name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("seen", sa.Text(), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("mapping_version", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Text(),
            sa.CheckConstraint(f"state IN ({_STATES})", name=op.f("ck_entries_known_state")),
            nullable=False,
        ),
        sa.Column("reason", sa.Text()),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.Column("due_since", sa.Text()),
        sa.Column(
            "attempts",
            sa.Integer(),
            sa.CheckConstraint("attempts >= 0", name=op.f("ck_entries_counted_up")),
            nullable=False,
        ),
        sa.Column("next_try_at", sa.Text()),
        sa.Column("pushed_fingerprint", sa.LargeBinary()),
        sa.Column(
            "asked_for",
            sa.Integer(),
            sa.CheckConstraint("asked_for IN (0, 1)", name=op.f("ck_entries_yes_or_no")),
            nullable=False,
            server_default="0",
        ),
        sa.PrimaryKeyConstraint("return_id", name=op.f("pk_entries")),
    )
    op.create_index(op.f("ix_entries_changed_at"), "entries", ["changed_at"])
    op.create_index(op.f("ix_entries_created_at"), "entries", ["created_at"])
    op.create_index(
        op.f("ix_entries_mapping_version_return_id"), "entries", ["mapping_version", "return_id"]
    )
    op.create_index(op.f("ix_entries_order_id"), "entries", ["order_id"])
    op.create_index(op.f("ix_entries_order_name"), "entries", ["order_name"])
    op.create_index(op.f("ix_entries_state_return_id"), "entries", ["state", "return_id"])
    op.create_index(op.f("ix_entries_updated_at"), "entries", ["updated_at"])
    op.create_table(
        "sale_returns",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("return_id", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("sale_id", sa.Integer(), nullable=False),
        sa.Column("purchase_id", sa.Integer()),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("items", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sale_returns")),
        sa.ForeignKeyConstraint(
            ["return_id"],
            ["entries.return_id"],
            name=op.f("fk_sale_returns_return_id"),
            ondelete="CASCADE",
        ),
    )
    op.create_index(op.f("ix_sale_returns_return_id"), "sale_returns", ["return_id"])
    op.create_table(
        "intents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("write", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.Text(), nullable=False),
        sa.Column("settle_at", sa.Text(), nullable=False),
        sa.Column("absent_at", sa.Text()),
        sa.Column("closed_as", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intents")),
        sa.ForeignKeyConstraint(
            ["return_id"],
            ["entries.return_id"],
            name=op.f("fk_intents_return_id"),
            ondelete="CASCADE",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_intents_return_id"), "intents", ["return_id"])
    op.create_index(op.f("ix_intents_sent_at"), "intents", ["sent_at"])
    op.create_table(
        "attempts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("target_id", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("detail", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sa.ForeignKeyConstraint(
            ["return_id"],
            ["entries.return_id"],
            name=op.f("fk_attempts_return_id"),
            ondelete="CASCADE",
        ),
    )
    op.create_index(op.f("ix_attempts_at"), "attempts", ["at"])
    op.create_index(op.f("ix_attempts_return_id"), "attempts", ["return_id"])
    op.create_table(
        "malformed",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.Text(), nullable=False),
        sa.Column("last_seen", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_malformed")),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    op.create_index(op.f("ix_decisions_return_id"), "decisions", ["return_id"])
    op.create_table(
        "plans",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("kept_at", sa.Text(), nullable=False),
        sa.Column("members", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_plans")),
    )
