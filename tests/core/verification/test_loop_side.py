"""What a row of Loop is to the ledger, with a pass beside it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.core import fingerprint
from reconciler.core.model import Line, Malformed, State
from reconciler.core.records import Page, StoredVersion
from reconciler.core.verification.loop_side import LoopComparison, LoopVerdict, ReadSoFar
from tests.core.samples import DAY, HOUR, MINUTE, NOON, a_return

SO_FAR = ReadSoFar(go_live=NOON - 30 * DAY, reread_from=NOON - HOUR)
LONG_AGO = NOON - 2 * HOUR


def a_row(**changes):
    return a_return(**({"created_at": NOON - DAY, "updated_at": LONG_AGO} | changes))


def stored(row, **changes):
    usual = {
        "updated_at": row.updated_at,
        "content": fingerprint.content(row),
        "fingerprint": b"f" * 32,
        "state": State.SYNCED,
    }
    return StoredVersion(**(usual | changes))


def verdict_of(row, known, before=...):
    """Of one row; `known` before and after it was read, unless `before` is another."""
    was = known if before is ... else before
    comparison = LoopComparison({row.id: was} if was else {})
    comparison.add(Page((row,)), {row.id: known} if known else {}, SO_FAR)
    [found] = [verdict for verdict in LoopVerdict if comparison.ids(verdict)]
    return found


CHANGED = {"lines": (Line("501", "B"),)}


@pytest.mark.parametrize(
    ("row", "known", "verdict"),
    [
        (a_row(), stored(a_row()), LoopVerdict.SAME),
        (a_row(updated_at=NOON), stored(a_row()), LoopVerdict.SAME),
        (a_row(**CHANGED), stored(a_row()), LoopVerdict.NEWER),
        (a_row(**CHANGED), stored(a_row(), state=State.DEAD), LoopVerdict.NEWER),
        (a_row(**CHANGED), stored(a_row(), state=State.WAITING), LoopVerdict.IN_WORK),
        (a_row(**CHANGED), stored(a_row(), state=State.IGNORED), LoopVerdict.IGNORED),
        (a_row(**CHANGED), stored(a_row(updated_at=NOON)), LoopVerdict.SAME),
        (a_row(updated_at=NOON, **CHANGED), stored(a_row()), LoopVerdict.UNREAD),
        (a_row(updated_at=NOON - HOUR, **CHANGED), stored(a_row()), LoopVerdict.UNREAD),
        (a_row(updated_at=NOON - HOUR - MINUTE, **CHANGED), stored(a_row()), LoopVerdict.NEWER),
        (a_row(), None, LoopVerdict.MISSING),
        (a_row(updated_at=NOON), None, LoopVerdict.UNREAD),
    ],
)
def test_a_row_and_what_the_ledger_has_of_it(row, known, verdict):
    assert verdict_of(row, known) is verdict


def test_what_was_recorded_since_it_began_may_be_the_newer_one():
    row = a_row(**CHANGED)

    assert verdict_of(row, stored(a_row()), before=None) is LoopVerdict.UNREAD
    assert verdict_of(row, stored(a_row()), before=stored(row)) is LoopVerdict.UNREAD


@pytest.mark.parametrize("created", [-DAY, DAY])
@pytest.mark.parametrize("updated", [-DAY, DAY])
def test_of_before_go_live_only_what_has_changed_since_is_missed(created, updated):
    go_live = SO_FAR.go_live
    row = a_row(created_at=go_live + created, updated_at=go_live + updated)
    expected = LoopVerdict.BEFORE_GO_LIVE if created == updated == -DAY else LoopVerdict.MISSING

    assert verdict_of(row, None) is expected


moments = st.sampled_from([NOON - 40 * DAY, NOON - DAY, LONG_AGO, NOON - HOUR, NOON])
rows = st.builds(
    lambda number, line, created, updated: a_return(
        id=str(number), lines=(Line("501", line),), created_at=created, updated_at=updated
    ),
    st.integers(1, 5),
    st.sampled_from("AB"),
    moments,
    moments,
)
ledgers = st.dictionaries(
    st.integers(1, 5).map(str),
    st.tuples(rows, st.sampled_from(State)).map(lambda drawn: stored(drawn[0], state=drawn[1])),
)


@given(st.lists(st.lists(rows, max_size=4), max_size=4), ledgers)
def test_of_rows_that_repeat_the_newest_counts_however_they_are_paged(pages, ledger):
    paged = LoopComparison(ledger)
    for page in pages:
        paged.add(Page(tuple(page)), ledger, SO_FAR)

    last = {}
    for row in (row for page in pages for row in page):
        if row.id not in last or row.updated_at >= last[row.id].updated_at:
            last[row.id] = row
    alone = LoopComparison(ledger)
    for row in last.values():
        alone.add(Page((row,)), ledger, SO_FAR)

    assert len(paged) == len(last)
    assert paged.not_listed == sorted(ledger.keys() - last.keys())
    for verdict in LoopVerdict:
        assert paged.ids(verdict) == alone.ids(verdict)
    for verdict in (LoopVerdict.MISSING, LoopVerdict.NEWER, LoopVerdict.UNREAD):
        assert list(paged.rows(verdict)) == [last[id_] for id_ in paged.ids(verdict)]
    # Nothing is called a difference of which the ledger has what Loop shows.
    for row in paged.rows(LoopVerdict.NEWER):
        assert fingerprint.content(row) != ledger[row.id].content
    assert not set(paged.ids(LoopVerdict.MISSING)) & ledger.keys()


def test_rows_that_are_not_understood_are_counted_and_no_reason_to_miss_their_returns():
    known = stored(a_row())
    comparison = LoopComparison({"7001": known, "7002": known, "7003": known})
    aside = Malformed("7001", "lines: not a list", return_id="7001")
    nameless = Malformed("hash", "id: missing")
    partly = replace(a_row(id="7002"), lines_set_aside=("lines[0]: not an object",))
    comparison.add(Page((partly,), (aside, nameless)), {}, SO_FAR)

    assert comparison.malformed.keys() == {"7001", "hash", "7002"}
    assert comparison.not_listed == ["7003"]
    assert comparison.has("7001")
    assert not comparison.lists_nothing_known
