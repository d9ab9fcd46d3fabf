"""Loop's own times of a row that could not be understood, by which it is known to be gone.

Plain types only: a migration says what was true when it was written.
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
