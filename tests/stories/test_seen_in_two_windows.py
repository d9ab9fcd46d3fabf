"""A return that changes while a pass reads: its first window shows one version, a later one the
next. What counts is the last, however the first was decided about."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from itertools import permutations

import pytest

from tests.stories.between_requests import Asked, once
from tests.support.agreement import assert_agreement
from tests.support.world import Ran, World

DAILY = {"RECONCILER_LOOP__WINDOW": "1d"}


def is_known(world: World, return_id: str) -> bool:
    with closing(sqlite3.connect(world.directory / "ledger.db")) as ledger:
        return bool(
            ledger.execute("SELECT 1 FROM entries WHERE return_id = ?", [return_id]).fetchall()
        )


def changed_meanwhile(world: World, before: str, after: str) -> tuple[str, Ran]:
    """A return of three days ago, and a first pass that reads day by day. Once the day that shows
    it is recorded, it changes, so that the last day shows it again."""
    world.go_live()
    now = world.clock.now()
    one = world.returned(at=now - timedelta(days=3))
    world.loop.set_state(one, before, at=now - timedelta(days=3))

    def is_recorded(asked: Asked) -> bool:
        return asked.service == "loop" and is_known(world, one)

    changes = once(
        world,
        is_recorded,
        lambda: world.loop.set_state(one, after, at=now - timedelta(hours=2)),
    )
    ran = world.run(**DAILY)
    assert changes
    return one, ran


@pytest.mark.parametrize(
    ("before", "after"), [*permutations(["open", "closed", "review", "cancelled", "expired"], 2)]
)
def test_the_last_version_counts(world: World, before: str, after: str) -> None:
    one, ran = changed_meanwhile(world, before, after)

    assert ran.code == 0
    [change] = ran.report["changes"]
    made = world.in_jetti(one)
    if after in ("open", "closed"):
        assert (change["outcome"], len(made), world.state(one)) == ("pushed", 1, "synced")
        assert_agreement(world)
    else:
        assert (change["outcome"], made, world.state(one)) == ("skipped", [], "skipped")
    assert ran.report["counts"]["seen"] == ran.report["counts"]["new"] == 1
    assert world.run(**DAILY).report["changes"] == []


def test_a_new_return_is_decided_about_as_the_ledger_would_be(world: World) -> None:
    world.go_live()
    now = world.clock.now()
    for number, state in enumerate(("open", "closed", "review", "cancelled", "expired") * 2):
        one = world.returned(("Acme", 1), (None, 1), at=now - timedelta(days=number))
        world.loop.set_state(one, state, at=now - timedelta(days=number))

    as_recorded = world.run("--max-writes", "0")
    as_remembered = world.run("--max-writes", "0")

    assert as_recorded.report["run"]["digest"] == as_remembered.report["run"]["digest"]
    planned = [one for one in as_recorded.report["changes"] if one["outcome"] == "deferred"]
    assert sorted(map(str, planned)) == sorted(map(str, as_remembered.report["changes"]))
    assert {one["change"] for one in planned} == {"create", "adopt"}
