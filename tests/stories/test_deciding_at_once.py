"""Two people decide about one return in the same moment: each decision is either made about what
its maker was shown, or refused; and what comes of both is what would come of one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.stories.test_decisions import decisions
from tests.stories.test_people_in_jetti import by_hand
from tests.support.process_world import RealWorld, on_the_machine_s_clock

CREATE, ADOPT, IGNORE = ("resolve", "--create"), ("resolve", "--adopt"), ("ignore", "--reason", "x")
RETRY = ("retry",)


@pytest.fixture
def world(directory: Path) -> Iterator[RealWorld]:
    with on_the_machine_s_clock(directory) as made:
        yield made


def in_review(world: RealWorld) -> tuple[str, int]:
    """A return of one unit, and the sale return of two units that someone has raised by hand."""
    world.live()
    order = world.order(("Acme", 3))
    one = world.submit(order, 1, at=datetime.now(UTC) - timedelta(minutes=5))
    [theirs] = by_hand(world, order, 2)
    assert world.does("run") == 3
    return one, theirs


@pytest.mark.parametrize(
    "both",
    [(CREATE, CREATE), (CREATE, ADOPT), (ADOPT, IGNORE), (IGNORE, CREATE), (RETRY, ADOPT)],
    ids=lambda both: " ".join(command[-1].strip("-") for command in both),
)
def test_the_last_one_recorded_is_what_holds(
    world: RealWorld, both: tuple[tuple[str, ...], ...]
) -> None:
    one, theirs = in_review(world)

    def typed(verb: str, *options: str) -> list[str]:
        value = [str(theirs)] if "--adopt" in options else []
        return [verb, one, *options, *value, "--yes"]

    started = [world.start(*typed(*command)) for command in both]
    codes = [world.end(process)[0] for process in started]

    # 7: what was shown has changed. 2: it makes no sense any more.
    assert set(codes) <= {0, 2, 7}
    assert 0 in codes
    made = [row[1] for row in decisions(world)]
    assert 1 <= len(made) <= codes.count(0)

    assert world.does("run") in (0, 3)
    ours = {row["id"] for row in world.in_jetti(one)}
    match made[-1]:
        case "create":
            assert len(ours - {theirs}) == len(ours) == 1
        case "adopt":
            assert ours == {theirs}
        case "ignore" | "retry":
            assert ours == set()
    assert len(world.jetti.sale_returns()) == len(ours | {theirs})
