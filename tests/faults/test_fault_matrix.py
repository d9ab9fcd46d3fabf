"""Each kind of call goes wrong in each way that is known: once, and until it is healed.

Over real sockets, one cell of the matrix a test; each ends in agreement of Loop, ledger and Jetti.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from reconciler.core.model import State
from tests.faults.busy_shop import PARTS, BusyShop, Memories
from tests.faults.canary import Canary
from tests.faults.expected import MOST_CALM_PASSES, first_codes, given_up, later_codes
from tests.faults.fault_cells import OPERATIONS, Cell
from tests.faults.striking import counted, strike
from tests.support.agreement import assert_agreement

TROUBLED = {State.FAILED, State.UNKNOWN, State.IN_FLIGHT, State.DEAD, State.REVIEW}
GIVEN_UP = {State.DEAD, State.REVIEW}
BLAMELESS = (2, 4, 5, 6)
"""Exit codes of a pass that met something which is no return's fault."""


@pytest.mark.covers(
    "F14",
    "F20",
    "F21",
    "F22",
    "F23",
    "F24",
    "F26",
    "F28",
    "F50",
    "F51",
    "F52",
    "F55",
    "F57",
    "F58",
    "F59",
    "F67",
    "F68",
    "F105",
)
def test_a_fault_loses_nothing_and_does_nothing_twice(
    cell: Cell,
    shop: BusyShop,
    memories: Memories,
    canary: Canary,
    told: Callable[[Cell, Sequence[int]], None],
) -> None:
    visitors = canary.visitors
    hits = strike(shop, cell, memories, canary.host)

    codes = [_pass(shop, cell, first_codes(cell))]
    assert hits() > 0, "the fault struck nothing"
    _assert_others_are_not_held_up(shop, cell, codes[0])
    for minutes in cell.waits:
        shop.pass_time(minutes=minutes)
        codes.append(_pass(shop, cell, later_codes(cell)))
    shop.heal()

    if 7 in codes:
        _assert_creation_is_stopped(shop)
    else:
        _assert_agrees(shop, cell)
    assert canary.visitors == visitors, "a request left for another host"
    told(cell, codes)


def test_a_calm_pass_makes_the_calls_that_the_matrix_counts_on(memories: Memories) -> None:
    counts = {operation.name: counted(operation, memories) for operation in OPERATIONS}

    assert counts == {operation.name: operation.calls for operation in OPERATIONS}


def _pass(shop: BusyShop, cell: Cell, expected: set[int]) -> int:
    """One pass under the fault: its exit code is honest, and so is the watermark."""
    named = [f"--return={one}" for one in shop.cast.created] if cell.operation.by_id else []
    before, tries = shop.watermark(), _tries(shop)

    ran = shop.run(*named)

    assert ran.code in expected, (ran.report or ran.stderr, expected)
    unread = cell.operation.service == "loop" and ran.code in (4, 6)
    assert (shop.watermark() > before) is not bool(unread or named), "the watermark"
    states = {entry.state for entry in shop.entries().values()}
    assert ran.code != 0 or not states & TROUBLED, states
    assert states & GIVEN_UP <= given_up(cell), states
    if ran.code in BLAMELESS:
        burnt = {one: n for one, n in _tries(shop).items() if n > tries.get(one, 0)}
        assert not burnt, burnt
    return ran.code


def _tries(shop: BusyShop) -> dict[str, int]:
    """Failed tries by return; looking for an order that is not there yet is none."""
    return {
        return_id: entry.attempts
        for return_id, entry in shop.entries().items()
        if entry.state is not State.WAITING
    }


def _assert_others_are_not_held_up(shop: BusyShop, cell: Cell, code: int) -> None:
    """What struck one call of Jetti's is one return's trouble."""
    if cell.operation.service == "jetti" and code == 3 and not cell.until_healed:
        states = Counter(entry.state for entry in shop.entries().values())
        assert sum(states[state] for state in TROUBLED) == 1, states


def _assert_agrees(shop: BusyShop, cell: Cell) -> None:
    left = [one for one, entry in shop.entries().items() if entry.state is State.REVIEW]
    due = 3 if left else 0
    most = MOST_CALM_PASSES if cell.until_healed and cell.operation.writes else 1
    for _ in range(most):
        shop.pass_time(minutes=15)
        calm = shop.run()
        if calm.code == due:
            break
    assert calm.code == due, calm.report
    assert_agreement(shop, but=[shop.cast.ancient, *left])
    assert len(shop.jetti.sale_returns()) == PARTS, "sale returns, live or not"
    assert len(shop.jetti.notifications()) == PARTS, "a vendor is told twice, or not at all"
    shop.pass_time(minutes=15)
    silent = shop.run()
    assert (silent.code, silent.jetti_requests) == (due, (0, 0)), silent.report["changes"]


def _assert_creation_is_stopped(shop: BusyShop) -> None:
    """A create that returned what nobody asked for: that is cancelled, and no other is made."""
    made = len(shop.jetti.sale_returns())
    shop.pass_time(minutes=15)

    stopped = shop.run()

    assert (stopped.code, len(shop.jetti.sale_returns())) == (7, made)
    asked = {line.order_line_id for row in shop.loop.returns() for line in row.lines}
    ancient = {line.order_line_id for line in shop.seen(shop.cast.ancient).lines}
    live = [
        line
        for row in shop.jetti.sale_returns()
        if row["status"] != "cancelled"
        for line in shop.described(row)["lines"]
    ]
    assert set(live) <= asked - ancient
