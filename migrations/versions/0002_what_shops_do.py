"""What shops and operators do: unknown words, incomplete rows, stopped plans, spellings of names.

Plain types only: a migration records what was true when it was written.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("meta") as batch:
        batch.add_column(sa.Column("adopting_since", sa.Text()))
    # Until now any create counted as proof, even one of a whole sale, which proves nothing.
    op.execute(sa.text("UPDATE meta SET proven_ids_key = NULL"))
    with op.batch_alter_table("entries") as batch:
        batch.add_column(sa.Column("accepted_fingerprint", sa.LargeBinary()))
        batch.add_column(sa.Column("unknown_words", sa.Text()))
    op.create_index(op.f("ix_entries_unknown_words"), "entries", ["unknown_words"])
    with op.batch_alter_table("malformed") as batch:
        batch.add_column(sa.Column("return_id", sa.Text()))
        batch.add_column(sa.Column("order_name", sa.Text()))
        batch.add_column(
            sa.Column(
                "is_partial",
                sa.Integer(),
                nullable=False,
                server_default="0",
            )
        )
        batch.create_check_constraint(op.f("ck_malformed_yes_or_no"), "is_partial IN (0, 1)")
    op.create_table(
        "stopped",
        sa.Column("return_id", sa.Text(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("stopped_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("return_id", name=op.f("pk_stopped")),
        sa.ForeignKeyConstraint(
            ["return_id"],
            ["entries.return_id"],
            name=op.f("fk_stopped_return_id"),
            ondelete="CASCADE",
        ),
    )
    op.create_index(op.f("ix_stopped_digest"), "stopped", ["digest"])
    op.create_table(
        "spellings",
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("suffix", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column(
            "is_confirmed",
            sa.Integer(),
            sa.CheckConstraint("is_confirmed IN (0, 1)", name=op.f("ck_spellings_yes_or_no")),
            nullable=False,
            server_default="0",
        ),
        sa.PrimaryKeyConstraint("prefix", "suffix", name=op.f("pk_spellings")),
    )
