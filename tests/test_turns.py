"""Who comes next within a pass, by a target that takes its time and does nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.core.budget import Budget, Spent
from reconciler.core.estimate import Rates, Worked
from reconciler.core.field_changes import NO_FIELDS, FieldChange, FieldChanges
from reconciler.core.plan import Change, Priority
from reconciler.core.report import ChangeKind, OutcomeKind, ReportedChange
from reconciler.core.target import LedgerPreview, MayBegin, always
from reconciler.turns import Turns
from tests.support.world import NOON

FRESH, LOOKUP, BACKLOG = Priority
RATES = Rates(reads=2, writes=1)
EACH = 1.25
"""Seconds of one write and half a read."""
OF_ONE_LINE = FieldChanges(
    [FieldChange("status", None, "requested"), FieldChange("quantity[1]", None, 1)]
)


def a_change(number: int, priority: Priority) -> Change:
    return Change(
        return_id=str(number),
        order_name=f"#{number}",
        order_id=None,
        kind=ChangeKind.ADOPT if priority is LOOKUP else ChangeKind.CREATE,
        fingerprint="",
        changed_at=NOON,
        reads_back=False,
        touches_pushed=False,
        fields=OF_ONE_LINE if priority is not LOOKUP else NO_FIELDS,
        is_accepted=False,
        before_go_live=False,
        priority=priority,
        was_left=priority is BACKLOG,
    )


def changes_of(fresh: int, backlog: int) -> tuple[Change, ...]:
    ranks = [FRESH] * fresh + [BACKLOG] * backlog
    return tuple(a_change(number, rank) for number, rank in enumerate(ranks))


class SlowTarget(LedgerPreview):
    """Takes three writes for each change, and time; pushes all but some; brings several to their
    end together, as the pusher does with creates: the first write of each, then the rest of
    all."""

    def __init__(
        self,
        seconds: float = 3.0,
        comes_to: Mapping[str, OutcomeKind] = MappingProxyType({}),
        together: int = 1,
    ) -> None:
        super().__init__()
        self.spent = Spent()
        self.begun: list[Change] = []
        self.asked = 0
        self._seconds, self._comes_to, self._together = seconds, comes_to, together

    def push(
        self, changes: Sequence[Change], may_begin: MayBegin = always
    ) -> Iterator[ReportedChange]:
        assert changes, "nothing was to be done"
        self.asked += 1
        left, group = list(changes), list[Change]()
        while left or group:
            rank = group[0].priority if group else left[0].priority
            joins = left and left[0].priority is rank and len(group) < self._together
            if joins and may_begin(2 * len(group)):
                group.append(left.pop(0))
                self._write(1)
            elif group:
                for change in group:
                    self._write(2)
                    yield self._outcome(change)
                self.begun += group
                group = []
            else:
                return

    def _write(self, number: int) -> None:
        seconds = self.spent.seconds + number * self._seconds / 3
        self.spent = Spent(self.spent.writes + number, seconds)

    def _outcome(self, change: Change) -> ReportedChange:
        return change.with_outcome(self._comes_to.get(change.return_id, OutcomeKind.PUSHED))


class Seen:
    """Progress as it was shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[int, int, float]] = []

    def reading(self, rows: int) -> None:
        raise AssertionError

    def settling(self, seconds: float) -> None:
        raise AssertionError

    def pushing(self, done: int, planned: int, seconds: float) -> None:
        self.shown.append((done, planned, seconds))


def pushed(
    changes: Sequence[Change], target: SlowTarget | None = None, **budget: float
) -> tuple[Turns, SlowTarget, Seen]:
    target, seen = target or SlowTarget(), Seen()
    limits = Budget(**budget)  # type: ignore[arg-type]
    turns = Turns(limits, RATES, lambda: target.spent, seen)
    turns.push(target, changes)
    return turns, target, seen


def ranks_of(target: SlowTarget) -> str:
    """`FFB`: the order in which they were begun."""
    return "".join(one.priority.name[0] for one in target.begun)


def test_without_a_limit_all_is_done_in_its_order() -> None:
    changes = changes_of(3, 4)

    turns, target, _ = pushed(changes)

    assert target.begun == [*changes]
    assert target.asked == 1
    assert [one.return_id for one in turns.outcomes] == [one.return_id for one in changes]
    assert turns.worked().left == 0


def test_the_backlog_ends_at_its_share_and_says_what_is_left() -> None:
    turns, target, _ = pushed(changes_of(2, 50), max_seconds=60.0, backlog_seconds=30.0)
    assert ranks_of(target) == "FF" + "B" * 8
    assert turns.worked() == Worked(42, RATES.seconds(changes_of(0, 42)), 8 * 3.25, EACH)


def test_fresh_changes_leave_a_quarter_and_get_what_the_backlog_does_not_need() -> None:
    _, target, _ = pushed(changes_of(50, 50), max_seconds=60.0, backlog_seconds=30.0)
    assert ranks_of(target) == "F" * 15 + "B" * 5

    _, target, _ = pushed(changes_of(50, 2), max_seconds=60.0, backlog_seconds=30.0)
    assert ranks_of(target) == "F" * 15 + "BB" + "F" * 3

    _, target, _ = pushed(changes_of(50, 0), max_seconds=60.0, backlog_seconds=30.0)
    assert ranks_of(target) == "F" * 20


@pytest.mark.parametrize(
    ("writes", "order"),
    [(0, ""), (1, "F"), (3, "F"), (4, "FB"), (6, "FB"), (9, "FFB"), (12, "FFFB"), (24, "FFFFFFBB")],
)
@pytest.mark.parametrize("together", [1, 2, 8])
def test_of_so_many_writes_each_gets_its_part(writes: int, order: str, together: int) -> None:
    target = SlowTarget(together=together)

    pushed(changes_of(20, 20), target, max_writes=writes)

    assert ranks_of(target) == order


def test_one_change_of_the_backlog_is_begun_however_long_the_fresh_ones_took() -> None:
    target = SlowTarget(seconds=500.0)

    pushed(changes_of(1, 9), target, max_seconds=600.0, backlog_seconds=270.0)

    assert ranks_of(target) == "FB"


def test_what_came_to_nothing_is_left_and_what_waits_for_another_return_was_not_done() -> None:
    how = {"1": OutcomeKind.DEFERRED, "2": OutcomeKind.FAILED, "3": OutcomeKind.WAITING}

    turns, _, _ = pushed(changes_of(0, 5), SlowTarget(comes_to=how))

    assert turns.worked() == Worked(2, 2 * 3.25, 4 * 3.25, EACH)


def test_what_rests_is_not_left() -> None:
    changes = [replace(one, rests=one.return_id < "3") for one in changes_of(0, 9)]

    turns, _, _ = pushed(changes, max_writes=3)

    assert turns.worked().left == 6


def test_progress_tells_how_long_the_rest_takes_at_the_rate_so_far() -> None:
    changes = (*changes_of(1, 3), a_change(9, LOOKUP))

    _, target, seen = pushed(changes, SlowTarget(seconds=10.0))

    assert [(done, planned) for done, planned, _ in seen.shown] == [(n, 5) for n in range(1, 6)]
    # 3.25 s of work took 10 s, a lookup is 0.05 s of it; and a minute as Jetti allows.
    assert seen.shown[0][2] == pytest.approx((10 + 60) / (3.25 + 60) * (3 * 3.25 + 0.05))
    assert seen.shown[-1][2] == pytest.approx(0)
    assert target.spent.seconds == 50.0


def test_progress_follows_the_rate_after_some_minutes() -> None:
    _, _, seen = pushed(changes_of(0, 200), SlowTarget(seconds=10.0))

    assert seen.shown[99][2] == pytest.approx(1000, rel=0.25)
    assert seen.shown[189][2] == pytest.approx(100, rel=0.15)


@given(
    fresh=st.integers(0, 40),
    backlog=st.integers(0, 40),
    writes=st.none() | st.integers(0, 120),
    seconds=st.none() | st.floats(1, 120),
    share=st.none() | st.floats(1, 120),
    each=st.floats(0.5, 20),
    together=st.sampled_from([1, 3, 8]),
)
def test_in_every_pass_nothing_begins_late_twice_or_out_of_its_turn(
    fresh: int,
    backlog: int,
    writes: int | None,
    seconds: float | None,
    share: float | None,
    each: float,
    together: int,
) -> None:
    changes, target = changes_of(fresh, backlog), SlowTarget(each, together=together)
    budget = {"max_writes": writes, "max_seconds": seconds, "backlog_seconds": share}

    turns, _, _ = pushed(changes, target, **budget)  # type: ignore[arg-type]

    begun = [int(one.return_id) for one in target.begun]
    assert len({*begun}) == len(begun) == len(turns.outcomes)
    for rank in (FRESH, BACKLOG):
        mine = [int(one.return_id) for one in target.begun if one.priority is rank]
        assert all(one < other for one, other in pairwise(mine)), "each in its order"
    last_began = Spent(3 * (len(begun) - 1), each * (len(begun) - 1))
    if begun:
        assert writes is None or last_began.writes < writes
        # What others have still to write counts at the pace of the settings: a second each.
        slower = together > 1 and each > 3
        assert seconds is None or slower or last_began.seconds < seconds
    if fresh and begun:
        assert begun[0] == 0, "what is fresh comes first"
    left = {one.return_id for one in changes} - {one.return_id for one in turns.outcomes}
    if left and writes is None and seconds is None:
        # Only the backlog has a limit of its own, and what was begun of it has reached that.
        assert all(int(one) >= fresh for one in left)
        assert share is not None
        assert target.spent.seconds >= share
