"""The result of `verify` as a value; `reports` renders it. Its field names are the keys of the
JSON."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.core.instants import iso
from reconciler.core.model import Value
from reconciler.core.next_command import words_of
from reconciler.core.records import By
from reconciler.core.report import Failure, Report, Requests, RunKind, SaleReturnName
from reconciler.core.request import RunRequest
from reconciler.errors import worst

DEFAULT_SPAN = timedelta(days=120)
"""How far back it looks by default, like the nightly sweep."""
_SECOND = timedelta(seconds=1)


class VerifyRequest(Struct, frozen=True, kw_only=True):
    """What to verify: the returns created in Loop within a span."""

    start: datetime | None = None
    """None: `DEFAULT_SPAN` before the end of what can be read."""
    end: datetime | None = None
    """None: as far as can be read."""
    repair: bool = False
    wait: float = 0.0
    """Seconds to wait for the lock, with `repair`."""

    def command(self, start: datetime, end: datetime) -> str:
        """The command line that repairs this span."""
        until = f" --to {iso(end)}" if self.end is not None else ""
        since = f" --from {iso(start)}" if self.start is not None else ""
        return f"reconciler verify{since}{until} --repair"

    def run_request(self, listed: Mapping[str, datetime] | None = None) -> RunRequest:
        """The pass that settles what was `listed`, and concerns nothing else: the ids of these
        returns, and when each was created in Loop."""
        created = sorted((listed or {}).values())
        return RunRequest(
            kind=RunKind.VERIFY,
            # A second more on both sides: whether a window's ends belong to it is not known.
            start=created[0] - _SECOND if created else None,
            end=created[-1] + _SECOND if created else None,
            by=By.CREATED,
            return_ids=tuple(sorted(listed or ())),
            wait=self.wait,
        )


class DifferenceKind(StrEnum):
    """In what way the three do not agree about a return."""

    NOT_IN_LEDGER = "not_in_ledger"
    """Loop shows it, and the ledger should know it by now."""
    NEWER_IN_LOOP = "newer_in_loop"
    """Loop shows another content than the ledger recorded."""
    NOT_IN_LOOP = "not_in_loop"
    """The ledger knows it, and Loop does not."""
    LOST_WRITE = "lost_write"
    """Jetti still holds what was there before a write of ours, or nothing."""
    EDITED = "edited"
    """Jetti holds another value, which someone set."""
    DELETED = "deleted"
    """A sale return, or a line of one, is gone from Jetti."""
    DOUBLE = "double"
    """Jetti has more sale returns with its marker than the ledger knows."""
    NOT_RECORDED = "not_recorded"
    """Jetti has sale returns with its marker, and the ledger knows of none."""
    UNKNOWN_MARKER = "unknown_marker"
    """A sale return has the marker of a return that the ledger does not know."""


_REPAIRABLE = frozenset(
    {DifferenceKind.NOT_IN_LEDGER, DifferenceKind.NEWER_IN_LOOP, DifferenceKind.LOST_WRITE}
)


class FieldDifference(Struct, frozen=True):
    """An owned field in which Jetti differs: `status[1001-01]`, `quantity[11500000000001]`."""

    field: str
    pushed: Value
    live: Value


class Difference(Struct, frozen=True, kw_only=True):
    """One way in which the three do not agree about one return."""

    kind: DifferenceKind
    return_id: str
    order_name: str = ""
    order_id: str | None = None
    what: str
    """What each side shows, for people."""
    sale_returns: tuple[SaleReturnName, ...] = ()
    fields: tuple[FieldDifference, ...] = ()
    proposed: str
    """The change that would settle it, for people."""
    command: str | None = None
    """The command that makes that change; None where it is made by hand."""
    repaired: bool = False
    """Whether `--repair` has recorded it, or has made it pending again."""


def is_any_repairable(differences: Iterable[Difference]) -> bool:
    """Whether a repair would settle one of them."""
    return any(one.command for one in differences if one.kind in _REPAIRABLE)


class NotCompared(Struct, frozen=True):
    """A return that was not compared, and why."""

    return_id: str
    order_name: str
    order_id: str | None
    state: str
    since: datetime | None
    reason: str | None


class VerifyFacts(Struct, frozen=True, kw_only=True):
    """The verification itself."""

    start: datetime = field(name="from")
    end: datetime = field(name="to")
    repair: bool
    started_at: datetime
    finished_at: datetime
    exit_code: int
    message: str | None = None
    """The reason for the exit code if it is not 0."""
    failures: tuple[Failure, ...] = ()
    not_read: tuple[str, ...] = ()
    """What the result says nothing about."""
    remarks: tuple[str, ...] = ()
    repaired_by: str | None
    """The command that settles what can be; None where nothing that is listed can be."""


class VerifyCounts(Struct, frozen=True):
    """Numbers of returns, except where something else is said."""

    in_loop: int = 0
    """Listed by Loop and understood."""
    in_ledger: int = 0
    compared: int = 0
    """Compared with Jetti."""
    differing: int = 0
    """With one difference or more."""
    in_work: int = 0
    undecided: int = 0
    """Dead or in review."""
    ignored: int = 0
    before_go_live: int = 0
    """Of before go-live, and never recorded, which is as it should be."""
    forgotten: int = 0
    gone: int = 0
    """Gone from Loop, which the ledger has recorded."""
    malformed: int = 0
    """Rows from Loop that are not understood, wholly or in part."""
    moved_on: int = 0
    """Sale returns whose status is further than was pushed: Jetti's own."""
    kept: int = 0
    """Fields with a value that someone set, and that the ledger has kept as theirs."""


class Verification(Struct, frozen=True, kw_only=True):
    """Everything that `verify` reports."""

    verify: VerifyFacts
    counts: VerifyCounts
    requests: Requests
    """Of the comparison; a repair has its own."""
    differences: tuple[Difference, ...] = ()
    in_work: tuple[NotCompared, ...] = ()
    """What passes have still to do something about."""
    undecided: tuple[NotCompared, ...] = ()
    """What waits for someone to decide, then the rows that are not understood."""
    repair: Report | None = None
    """The pass that settled what could be."""
    next: tuple[str, ...] = ()
    """The command that settles most of it or, after a repair, goes on from there, as an argument
    list; empty where there is none."""


def concluded(found: Verification, failures: Sequence[int]) -> Verification:
    """The same with its exit code and the reason for that. `failures` are the exit codes of what
    failed."""
    codes, why = set(failures), _sentence(found)
    if why is not None:
        codes.add(3)
    code = worst(codes)
    # What the exit code speaks of comes first.
    told = sorted(zip(failures, found.verify.failures, strict=True), key=lambda one: one[0] != code)
    message = why if code == 3 else told[0][1].message if told else None
    facts = replace(
        found.verify,
        exit_code=code,
        message=message,
        failures=tuple(failure for _, failure in told),
    )
    return replace(found, verify=facts, next=_next(found))


def repaired(
    found: Verification, pending: Collection[str], recorded: Collection[str], made: Report
) -> Verification:
    """After the pass that settled what could be: returns in which a write of ours was lost, and
    which are pending again; and those that were recorded as Loop shows them. The exit code is the
    worse of both."""
    # safeguard: repaired-is-what-was-recorded
    of_kind = {
        DifferenceKind.NOT_IN_LEDGER: recorded,
        DifferenceKind.NEWER_IN_LOOP: recorded,
        DifferenceKind.LOST_WRITE: pending,
    }
    after = replace(
        found,
        differences=tuple(
            replace(one, repaired=True) if one.return_id in of_kind.get(one.kind, ()) else one
            for one in found.differences
        ),
        repair=made,
        next=made.next,
    )
    code, message = found.verify.exit_code, found.verify.message
    if code == 3:
        message = _sentence(after)
        code = 3 if message is not None else 0
    both = worst({code, made.run.exit_code})
    if both != code:
        message = made.run.message
    facts = replace(found.verify, exit_code=both, message=message)
    return replace(after, verify=facts)


def _next(found: Verification) -> tuple[str, ...]:
    """The command that settles most of it; empty where none does, or it was given."""
    if found.repair is not None or found.verify.repaired_by is None:
        return ()
    return words_of(found.verify.repaired_by)


def _sentence(found: Verification) -> str | None:
    """Why it ends with 3; None where nothing is wrong."""
    differing = {one.return_id for one in found.differences if not one.repaired}
    counts = found.counts
    parts = (
        (len(differing), "differing"),
        (counts.undecided, "dead or in review"),
        (counts.malformed, "not understood"),
    )
    said = ", ".join(f"{number} {what}" for number, what in parts if number)
    return f"Loop, the ledger and Jetti do not agree: {said}" if said else None
