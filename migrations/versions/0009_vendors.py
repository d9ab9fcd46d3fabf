"""Whose goods a sale return holds, and since when history is whole.

Plain types only: a migration records what was true when it was written.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sale_returns", sa.Column("vendors", sa.Text()))
    op.add_column("meta", sa.Column("history_since", sa.Text()))
    # Nobody noted what was deleted until now. Whatever is older than a row that is still there was
    # deleted before it or never was, so since the oldest of them nothing is missing.
    op.execute(
        "UPDATE meta SET history_since = coalesce("
        "(SELECT min(oldest) FROM (SELECT min(at) AS oldest FROM attempts"
        " UNION ALL SELECT min(recorded_at) FROM windows) AS kept),"
        " (SELECT max(finished_at) FROM runs), created_at)"
    )
