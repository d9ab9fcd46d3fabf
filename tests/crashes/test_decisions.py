"""Someone decides, and the process dies: the decision was taken or it was not, and the runs after
it do what was decided once.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from tests.crashes.crash_course import Course
from tests.crashes.crash_scenarios import named
from tests.crashes.mortal_world import Death, MortalWorld
from tests.support.agreement import assert_agreement
from tests.support.figures import Figures


def in_review(world: MortalWorld) -> tuple[str, int]:
    """A return, and what staff raised for two of its line's three units, of which it wants one."""
    world.go_live()
    world.returned(("Acme", 1), ("Bolt", 1))
    world.pass_time()
    assert world.run().code == 0
    order = world.order(("Acme", 3))
    one = world.submit(order, 1)
    [item] = world.item_ids(order)
    [theirs] = world.jetti.raise_sale_return(world.sale_id(order), {item: 2})
    world.pass_time()
    assert world.run().code == 3
    return one, theirs


def recorded(world: MortalWorld, one: str) -> tuple[str, list[tuple[str, list[int]]], list[int]]:
    """Of this return: its state, what was decided about it, and its sale returns."""
    with closing(sqlite3.connect(f"file:{world.directory / 'ledger.db'}?mode=ro", uri=True)) as raw:
        [(state,)] = raw.execute("SELECT state FROM entries WHERE return_id = ?", (one,)).fetchall()
        query = "SELECT decision, sale_returns FROM decisions WHERE return_id = ? ORDER BY id"
        decisions = [(what, json.loads(ids)) for what, ids in raw.execute(query, (one,)).fetchall()]
        query = "SELECT id FROM sale_returns WHERE return_id = ?"
        return state, decisions, [row for (row,) in raw.execute(query, (one,)).fetchall()]


@pytest.mark.covers("P1", "P2")
def test_killed_at_any_point_it_is_decided_or_not_and_repeating_it_leads_to_agreement(
    world: MortalWorld, figures: Figures, long: bool
) -> None:
    one, theirs = in_review(world)
    adopt = ("resolve", one, "--adopt", str(theirs), "--yes")
    start = world.keep()
    points = world.lives(*adopt).points
    committed = points.index("DECISION_COMMITTED") + 1
    every = range(1, len(points) + 1)
    # Both sides of the commit, and every third of the others.
    for at in every if long else sorted({*every[::3], committed - 1, committed}):
        world.put_back(start)
        assert world.lives(*adopt, death=Death(at)).code == -9

        nothing, all_of_it = ("review", [], []), ("pending", [("adopt", [theirs])], [theirs])
        assert recorded(world, one) == (all_of_it if at >= committed else nothing)
        assert world.lives("ledger", "check").code == 0
        assert world.lives(*adopt).code == 0
        world.pass_time()
        assert world.lives("run").code == 0
        assert [row["id"] for row in world.on_order(world.orders[-1])] == [theirs]
        assert_agreement(world)
        figures.add("crashes", "kill -9 at a point of a decision")


@pytest.mark.covers("P1", "P2")
def test_killed_at_any_point_after_a_decision_to_create_one_is_created(
    world: MortalWorld, figures: Figures, long: bool
) -> None:
    [scenario] = named("run after a decision to create")
    course = Course(scenario, world, long=long)
    for at in range(1, len(course.points) + 1) if long else range(1, len(course.points) + 1, 4):
        course.dies(Death(at))
        world.pass_time(hours=2)

        assert world.lives("run").code == 0
        assert [row["status"] for row in world.in_jetti("31000001")] == ["cancelled", "requested"]
        figures.add("crashes", "kill -9 at a point after a decision")
