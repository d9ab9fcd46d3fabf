"""What somebody was informed, so that it is reported once per change.

Plain types only: a migration records what was true when it was written.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "told",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("told_at", sa.Text(), nullable=False),
        sa.Column("well_since", sa.Text()),
        sa.Column("return_id", sa.Text()),
        sa.ForeignKeyConstraint(
            ["return_id"], ["entries.return_id"], name="fk_told_return_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("channel", "key", name="pk_told"),
    )
    op.create_index("ix_told_return_id", "told", ["return_id"])
