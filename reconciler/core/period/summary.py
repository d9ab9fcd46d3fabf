"""Makes the report of a period out of what the ledger tells."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from msgspec import Struct

from reconciler.core.instants import to_the_second
from reconciler.core.period.counting import VALUES, Problems, Tally, Value, shares
from reconciler.core.period.facts import (
    LANDED,
    Asked,
    DecisionFacts,
    Deeds,
    LedgerFacts,
    ReturnFacts,
    WriteCount,
)
from reconciler.core.period.report import (
    DecisionMade,
    FailedWrites,
    Figures,
    Group,
    PeriodFacts,
    PeriodReport,
    Runs,
    Share,
    Writes,
)
from reconciler.core.period.span import Span, day_of, days, week_of
from reconciler.core.report import Problem

WELL = frozenset({0, 3, 10})
"""Exit codes of runs that did all they could."""

_BY_TIME = {"day": day_of, "week": week_of}
_MAY_LAG = timedelta(hours=1)
"""How far behind the end reading may be without a word about it."""
_COUNTED = (
    "The returns are those that were created in Loop in the period, as they are now; writes, runs"
    " and decisions are those of its time, for returns of any age."
)


class Both(Struct, frozen=True):
    """What was done in the period, and in the one before."""

    now: Deeds
    before: Deeds


def summed(
    asked: Asked,
    ledger: LedgerFacts,
    deeds: Both,
    returns: Iterable[ReturnFacts],
    decisions: Sequence[DecisionFacts],
    patience: timedelta,
) -> PeriodReport:
    """The report. `returns` are those that were created in either period, in any order, and are
    iterated once; `decisions` the last ones of the period, the newest first."""
    count = _Count(asked, ledger, patience)
    for one in returns:
        count.add(one)
    problems = count.problems.oldest()
    return PeriodReport(
        period=PeriodFacts(
            made_at=ledger.made_at,
            by=asked.by,
            watermark=ledger.watermark,
            go_live=ledger.go_live,
            ledger_since=ledger.ledger_since,
            history_since=ledger.history_since,
            open_problems=count.problems.count,
            remarks=tuple(_remarks(asked.span, ledger)),
        ),
        figures=_figures(asked.span, count.now, deeds.now, ledger),
        before=_figures(asked.span.before, count.before, deeds.before, ledger),
        states=count.shares("state"),
        outcomes=count.shares("outcome"),
        reasons=count.shares("reason"),
        vendors=count.shares("vendor"),
        groups=tuple(count.groups()),
        problems=problems,
        failed_writes=tuple(_failed_writes(deeds)),
        runs=tuple(_runs(deeds)),
        decisions=tuple(
            DecisionMade(one.decided_at, one.return_id, one.decision, one.decided_by, one.reason)
            for one in decisions
        ),
        next=_next(problems),
    )


class _Count:
    """The returns of both periods."""

    def __init__(self, asked: Asked, ledger: LedgerFacts, patience: timedelta) -> None:
        self._asked = asked
        self._history_since = ledger.history_since
        self.now, self.before = Tally(), Tally()
        self.problems = Problems(ledger.made_at - patience)
        self._shares: defaultdict[tuple[str, bool], Counter[Value]] = defaultdict(Counter)
        self._groups: defaultdict[Value, Tally] = defaultdict(Tally)

    def add(self, one: ReturnFacts) -> None:
        is_now = self._asked.span.holds(one.created_at)
        if not is_now and not self._asked.span.before.holds(one.created_at):
            return
        (self.now if is_now else self.before).add(one, self._history_since)
        self._shares["state", is_now][one.state.value] += 1
        for by in ("outcome", "reason", "vendor"):
            self._shares[by, is_now].update(VALUES[by](one))
        if is_now:
            self.problems.add(one)
            for what in VALUES[self._asked.by](one) if self._asked.by else ():
                self._groups[what].add(one, self._history_since)

    def shares(self, by: str) -> tuple[Share, ...]:
        found = shares(self._shares[by, True], self._shares[by, False])
        return tuple(Share(what, now, before) for what, now, before in found)

    def groups(self) -> Iterator[Group]:
        """Of days and weeks each that the period touches, in their order; of anything else as
        the shares are, without what there was in the period before alone."""
        by = self._asked.by
        if by is None:
            return
        if by in _BY_TIME:
            for what in dict.fromkeys(_BY_TIME[by](day) for day in days(self._asked.span)):
                yield _group(what, self._groups[what], None)
            return
        for share in self.shares(by):
            if share.returns:
                yield _group(share.what, self._groups[share.what], share.before)


def _group(what: Value, tally: Tally, before: int | None) -> Group:
    took = tally.since_created.latency()
    return Group(
        what=what,
        returns=tally.returns,
        before=before,
        in_jetti=tally.in_jetti,
        to_do=tally.to_do,
        needs_a_person=tally.needs_a_person,
        median_seconds=took.median_seconds,
        p95_seconds=took.p95_seconds,
        slowest_seconds=took.slowest_seconds,
    )


def _figures(span: Span, tally: Tally, deeds: Deeds, ledger: LedgerFacts) -> Figures:
    return Figures(
        start=span.start,
        end=span.end,
        returns=tally.returns,
        in_jetti=tally.in_jetti,
        taken_over=tally.taken_over,
        not_recorded=tally.not_recorded,
        to_do=tally.to_do,
        needs_a_person=tally.needs_a_person,
        nothing_to_do=tally.nothing_to_do,
        since_created=tally.since_created.latency(),
        since_changed=tally.since_changed.latency(),
        writes=_writes(deeds),
        decisions=deeds.decisions,
        runs=sum(one.runs for one in deeds.runs),
        failed_runs=sum(one.runs for one in deeds.runs if one.exit_code not in WELL),
        not_complete=_lacks_history(span, ledger),
    )


def _lacks_history(span: Span, ledger: LedgerFacts) -> bool:
    since = ledger.history_since
    return since is not None and span.start < since and ledger.ledger_since < since


def _writes(deeds: Deeds) -> Writes:
    def number(*, landed: bool, is_create: bool | None = None) -> int:
        return sum(
            one.writes
            for one in deeds.writes
            if one.outcome is not None
            and (one.outcome in LANDED) is landed
            and is_create in (None, one.is_create)
        )

    return Writes(
        returns=deeds.returns_written,
        creates=number(landed=True, is_create=True),
        updates=number(landed=True, is_create=False),
        failed=number(landed=False),
        unanswered=sum(one.writes for one in deeds.writes if one.outcome is None),
    )


def _failed_writes(deeds: Both) -> Iterator[FailedWrites]:
    now, before = _without_effect(deeds.now), _without_effect(deeds.before)
    for operation, outcome in sorted(now.keys() | before.keys()):
        these, those = now.get((operation, outcome)), before.get((operation, outcome))
        yield FailedWrites(
            operation,
            outcome,
            these.writes if these else 0,
            these.returns if these else 0,
            those.writes if those else 0,
        )


def _without_effect(deeds: Deeds) -> dict[tuple[str, str], WriteCount]:
    return {
        ("create" if one.is_create else "update", one.outcome or "unanswered"): one
        for one in deeds.writes
        if one.outcome not in LANDED
    }


def _runs(deeds: Both) -> Iterator[Runs]:
    now = {(one.kind, one.exit_code): one.runs for one in deeds.now.runs}
    before = {(one.kind, one.exit_code): one.runs for one in deeds.before.runs}
    ways = now.keys() | before.keys()
    for way in sorted(ways, key=lambda way: (way[0], way[1] is None, way[1] or 0)):
        yield Runs(*way, now.get(way, 0), before.get(way, 0))


def _next(problems: Sequence[Problem]) -> tuple[str, ...]:
    states = sorted({problem.state for problem in problems})
    chosen = (word for state in states for word in ("--state", state))
    return ("reconciler", "list", *chosen) if states else ()


# --------------------------------------------------------------------------- what is missing


def _remarks(span: Span, ledger: LedgerFacts) -> Iterator[str]:
    yield _COUNTED
    yield from _about_the_ledger(span, ledger)
    if ledger.watermark < span.until - _MAY_LAG:
        at = to_the_second(ledger.watermark)
        yield f"Loop has been read up to {at} only, so what is newer is missing."
    if ledger.forgotten:
        number, them = (
            ("1 return was", "it") if ledger.forgotten == 1 else
            (f"{ledger.forgotten} returns were", "them")
        )  # fmt: skip
        yield (
            f"{number} forgotten by `reconciler ledger forget` since"
            f" {to_the_second(span.before.start)}: nothing counts {them} any more."
        )
    if ledger.not_understood:
        number, them = (
            ("1 row", "it") if ledger.not_understood == 1 else
            (f"{ledger.not_understood} rows", "them")
        )  # fmt: skip
        yield (
            f"{number} of Loop that may be of these periods cannot be understood, and nothing"
            f" counts {them}; see `reconciler status`."
        )


def _about_the_ledger(span: Span, ledger: LedgerFacts) -> Iterator[str]:
    start, since = span.before.start, ledger.history_since
    if ledger.ledger_since > start:
        at = to_the_second(ledger.ledger_since)
        yield f"This ledger was made at {at}: it knows nothing of what was done before."
    if since is not None and _lacks_history(span.before, ledger):
        yield (
            f"The ledger has no writes and runs from before {to_the_second(since)} any more: up to"
            " then they are too few, and how long returns of that time took is not counted."
        )
    if ledger.go_live > start:
        yield (
            f"Returns from before go-live ({to_the_second(ledger.go_live)}) are known as far as a"
            " change, a range or a sweep has shown them."
        )
