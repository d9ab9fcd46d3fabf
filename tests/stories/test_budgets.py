"""A budget ends a pass before a return, never inside one, whether creates go alone or several are
sent before the first is checked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.world import NOON, FrozenClock, Ran, World

PACE = {
    "RECONCILER_JETTI__READS_PER_SECOND": "2",
    "RECONCILER_JETTI__WRITES_PER_SECOND": "1",
}
ONE_RETURN = 3
"""Writes of a return of one line; at that pace its seconds, too."""

either_form = pytest.mark.parametrize("answer_items", [True, False], ids=["alone", "together"])


def pushed(ran: Ran) -> int:
    return sum(change["outcome"] == "pushed" for change in ran.report["changes"])


def several(world: World, *, answer_items: bool) -> list[str]:
    """Returns to be created, once the id list is proven."""
    world.sandbox.jetti.switches.cancel_answer_items = answer_items
    world.trusted()
    made = [world.returned() for _ in range(12)]
    world.pass_time()
    return made


@either_form
@pytest.mark.parametrize("most", [1, 3, 4, 6, 7, 8, 15, 16, 29, 30, 31])
def test_the_return_that_reaches_the_limit_of_writes_is_finished_and_the_last(
    world: World, most: int, answer_items: bool
) -> None:
    made = several(world, answer_items=answer_items)

    ran = world.run("--max-writes", str(most))

    begun = -(-most // ONE_RETURN)
    assert pushed(ran) == begun
    assert ran.jetti_requests[1] == begun * ONE_RETURN
    assert sorted(map(world.state, made)) == ["pending"] * (12 - begun) + ["synced"] * begun
    left = {change["reason"] for change in ran.report["changes"] if change["outcome"] == "deferred"}
    budget = "1 write" if most == 1 else f"{most} writes"
    assert left == {f"the budget of {budget} is spent, so it was left for a later pass"}


@either_form
@pytest.mark.parametrize("seconds", [10, 20, 25, 33])
def test_when_the_time_is_up_the_return_at_hand_is_finished_and_no_other(
    world: World, seconds: int, answer_items: bool
) -> None:
    made = several(world, answer_items=answer_items)
    began = world.clock.monotonic()

    ran = world.run("--max-seconds", str(seconds), **PACE)

    took = world.clock.monotonic() - began
    reads = ran.jetti_requests[0] * 0.5
    assert seconds <= took <= seconds + ONE_RETURN + 1.5
    assert pushed(ran) >= (seconds - reads) // ONE_RETURN
    states = {world.state(one) for one in made}
    assert states == {"synced", "pending"}


class Ticking(FrozenClock):
    """Time passes whenever somebody asks for it."""

    def monotonic(self) -> float:
        self._sandbox.advance(1.0)
        return super().monotonic()


@pytest.mark.parametrize("seconds", range(20, 60, 8))
def test_whatever_is_recorded_together_is_told_although_the_time_is_up_meanwhile(
    world: World, seconds: int
) -> None:
    """Returns from before go-live, of which Jetti has nothing: all are to be skipped."""
    old = [world.submit(world.order(("Acme", 1)), at=NOON - timedelta(days=40)) for _ in range(8)]
    world.go_live("1d")
    for one in old:
        world.loop.label(one)
    world.pass_time()
    world.clock = Ticking(world.sandbox)

    ran = world.run("--max-seconds", str(seconds))

    told = {one for one, (_, outcome) in ran.outcomes.items() if outcome == "skipped"}
    assert told == {one for one in old if world.state(one) == "skipped"}


def test_of_a_range_what_is_at_rest_is_not_said_to_be_gone_on_with(world: World) -> None:
    """Cancelled before it existed in Jetti, and skipped since; a range asks for it once more."""
    world.go_live()
    one = world.returned()
    world.loop.set_state(one, "cancelled")
    world.pass_time()
    assert world.run().code == 0
    assert world.state(one) == "skipped"

    ran = world.run("--from", "2d", "--yes", "--max-writes", "0")
    told = world.call("show", one).stdout

    [change] = ran.report["changes"]
    assert (change["outcome"], ran.report["counts"]["pending"]) == ("deferred", 0)
    assert "asks for it" in change["reason"]
    assert not [note for note in ran.report["run"]["remarks"] if "continue with the rest" in note]
    assert world.state(one) == "skipped"
    assert "nothing: there is nothing to send to Jetti" in told
    assert world.run().report["changes"] == []
