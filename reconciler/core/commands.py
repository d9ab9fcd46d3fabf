"""The command that rebuilds a lost ledger, as hints and reports name it."""

from __future__ import annotations

from datetime import datetime

from reconciler.core.instants import iso

WHAT_DATE_IS = "DATE being the day this program first went live"
"""For whoever reads a command in which the go-live is left open."""


def init_adopt(go_live: datetime | None = None) -> str:
    """`reconciler init --adopt` with this go-live, or with `DATE` where no ledger tells it.

    Always with --since: without it a ledger that is made by this command would have its go-live a
    day ago, and would never create what a lost one still had to create from before.
    """
    return f"reconciler init --adopt --since {iso(go_live) if go_live else 'DATE'}"
