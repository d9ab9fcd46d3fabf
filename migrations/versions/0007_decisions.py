"""Who decided what about a return, and what follows from it.

Plain types only: a migration records what was true when it was written.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("decisions", sa.Column("decided_by", sa.Text()))
    op.add_column("decisions", sa.Column("sale_returns", sa.Text()))
    op.add_column("entries", sa.Column("not_ours", sa.Text()))
    op.add_column("malformed", sa.Column("ignored_problem", sa.Text()))
    op.add_column("meta", sa.Column("creation_stopped_by", sa.Text()))
    # Until now only the sentence named the return: `return 8812: …`.
    op.execute(
        "UPDATE meta SET creation_stopped_by ="
        " substr(creation_stopped, 8, instr(creation_stopped, ': ') - 8)"
        " WHERE creation_stopped LIKE 'return %: %'"
    )
