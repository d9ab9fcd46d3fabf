"""The request for one pass, from the command line or the scheduler."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain

from msgspec import Struct

from reconciler.core import duration
from reconciler.core.instants import iso
from reconciler.core.records import By, PlanMember
from reconciler.core.report import RunKind


class RunRequest(Struct, frozen=True, kw_only=True):
    """One pass as requested; free of contradictions."""

    kind: RunKind = RunKind.SCHEDULED
    start: datetime | None = None
    """The start of a range, or of what a verification has listed; None for every other kind, and
    where it has listed nothing."""
    end: datetime | None = None
    """The end of that; None of a range means as far as can be read."""
    by: By = By.UPDATED
    sweep: timedelta | None = None
    """How far back a sweep reads; None for every other kind."""
    return_ids: tuple[str, ...] = ()
    """Of single returns those that were named; of a verification those that it has listed."""
    order_names: tuple[str, ...] = ()
    dry_run: bool = False
    since: datetime | None = None
    """Of a dry run without a ledger: the go-live that `init` is about to set."""
    against_jetti: bool = False
    """A dry run that looks the orders up."""
    detailed_exitcode: bool = False
    """A dry run that ends with 10 when changes are pending."""
    accept_digest: str | None = None
    """The digest of a plan that was reviewed."""
    accept_members: tuple[PlanMember, ...] = ()
    """The members of a plan that was reviewed, from a dry run's JSON report."""
    accepted_by: str | None = None
    """The user of the system who accepts it."""
    max_writes: int | None = None
    """Writes to Jetti after which no further return is begun."""
    max_seconds: float | None = None
    """Seconds after which no further return is begun."""
    backlog_seconds: float | None = None
    """Seconds after which no further return of the backlog is begun."""
    wait: float = 0.0
    """Seconds to wait for the lock."""
    typed: tuple[str, ...] = ()
    """What was typed besides, as arguments, and holds for a run as it does for its dry run."""

    @property
    def asked_for(self) -> bool:
        """Whether someone named the returns or their range."""
        return self.kind in (RunKind.RANGE, RunKind.SINGLE)

    @property
    def reaches_jetti(self) -> bool:
        """Whether requests go to Jetti: not in a dry run that uses the ledger alone."""
        return not self.dry_run or self.against_jetti

    @property
    def command(self) -> str:
        """The command line that asks for the same returns again, for hints."""
        return shlex.join(self._arguments())

    @property
    def shown(self) -> str:
        """The command line that shows what this asks for, as far as this looks, and changes
        nothing."""
        return shlex.join((*self._arguments(), "--dry-run", *self._of_a_dry_run()))

    @property
    def again(self) -> tuple[str, ...]:
        """The same command without --dry-run and what goes with it, as an argument list."""
        return (*self._arguments(), *self.typed)

    def _of_a_dry_run(self) -> Iterator[str]:
        if self.since is not None:
            yield from ("--since", iso(self.since))
        if self.against_jetti:
            yield "--against-jetti"

    def _arguments(self) -> tuple[str, ...]:
        """What asks for the same returns. What a verification has recorded any pass goes on
        with."""
        run = ("reconciler", "run")
        if self.kind is RunKind.VERIFY:
            return run
        if self.sweep is not None:
            return (*run, "--sweep", duration.format(self.sweep))
        if self.start is not None:
            until = ("--to", iso(self.end)) if self.end else ()
            return (*run, "--from", iso(self.start), *until, "--by", self.by.value)
        named = [("--return", return_id) for return_id in self.return_ids]
        named += [("--order", name) for name in self.order_names]
        return (*run, *chain.from_iterable(named))
