"""Loop's own times of a malformed row, which show when it is no longer in Loop.

Plain types only: a migration records what was true when it was written.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("malformed") as batch:
        batch.add_column(sa.Column("created_at", sa.Text()))
        batch.add_column(sa.Column("updated_at", sa.Text()))
