"""How the daily backup last went, as it is kept beside the ledger."""

from __future__ import annotations

import shlex
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

Instant = Annotated[datetime, Meta(tz=True)]


class RoutineBackup(Struct, frozen=True, kw_only=True):
    """The outcome of `ledger backup --keep N`, which is what cron, the timers and `serve` call.

    One that somebody makes by hand, without `--keep`, is not recorded here: it does not tell
    whether the next daily one will be made.
    """

    made_at: Instant | None = None
    """When the last one was made; None before the first."""
    path: str | None = None
    """Its file."""
    failed_at: Instant | None = None
    """When the newest attempt began, if it failed."""
    problem: str | None = None
    """Why."""
    keep: Annotated[int, Meta(ge=1)]
    """How many the newest attempt was to keep."""
    into: str | None = None
    """Its directory, where that was given."""

    def __post_init__(self) -> None:
        if self.made_at is None and self.failed_at is None:
            raise ValueError("neither made nor failed")

    @property
    def command(self) -> str:
        """What makes one as the newest attempt would have."""
        to = f" --to {shlex.quote(self.into)}" if self.into is not None else ""
        return f"reconciler ledger backup --keep {self.keep}{to}"
