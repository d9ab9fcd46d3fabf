"""What is told of work that is left: how much, by whom it is gone on with, and when.

The truth is taken from Loop's and Jetti's state and from the ledger's file, or from what happens
when the passes that were promised are run.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.stories.test_guards_in_every_order import TIGHT, digest, several
from tests.stories.test_people_in_jetti import by_hand
from tests.support.agreement import assert_agreement
from tests.support.scarcity import make_scarce
from tests.support.world import Ran, World


def due(world: World) -> set[str]:
    """Returns that the next pass goes on with, by the ledger's file alone."""
    now = f"{world.clock.now():%Y-%m-%dT%H:%M:%S.%fZ}"
    query = """
        SELECT return_id FROM entries WHERE (state = 'pending'
            OR state IN ('waiting', 'failed') AND coalesce(next_try_at, '') <= :now
            OR state IN ('in_flight', 'unknown') AND return_id NOT IN (SELECT return_id
                FROM intents WHERE closed_as IS NULL AND settle_at > :now))
        AND return_id NOT IN (SELECT return_id FROM stopped JOIN entries USING (return_id)
            WHERE stopped.fingerprint = entries.fingerprint)
    """
    with closing(sqlite3.connect(world.directory / "ledger.db")) as connection:
        return {row[0] for row in connection.execute(query, {"now": now})}


def left(ran: Ran) -> int:
    return int(ran.report["backlog"]["left"])


def left_in_status(world: World) -> int:
    told = json.loads(world.call("status", "--format", "json").stdout)["facts"]["backlog"]
    return int(told["left"])


def status_line(world: World, label: str) -> str | None:
    """What the text of `status` says under this label."""
    lines = world.call("status").stdout.split("\n")
    return next((one[11:] for one in lines if one.startswith(f"{label} ")), None)


# --------------------------------------------------------------------- what was accepted already


@pytest.mark.covers("R8")
@pytest.mark.parametrize("kind", KINDS)
def test_to_accept_once_more_says_that_it_was_accepted_and_what_goes_on(
    world: World, kind: str
) -> None:
    world.trusted()
    made = several(world, 4)
    accept = ("--accept-plan", digest(world.run(*KINDS[kind], **TIGHT)))
    first = world.call("run", *KINDS[kind], *accept, "--max-writes", "3", **TIGHT)

    again = world.call("run", *KINDS[kind], *accept, "--max-writes", "0", **TIGHT)

    absent = sum(not world.in_jetti(one) for one in made)
    assert (first.code, again.code, absent) == (0, 0, 3)
    assert "accepted already" not in first.stdout + first.stderr
    said = f"{' '.join(accept)} opened nothing more: it was accepted already, and scheduled passes"
    assert f"{said} continue with it; 3 returns of it were left" in again.stdout
    assert world.run(**TIGHT).code == 0, "they do"
    assert all(world.in_jetti(one) for one in made)


def test_a_file_that_was_accepted_already_is_no_news_either(world: World, tmp_path: Path) -> None:
    world.trusted()
    several(world, 3)
    reviewed = str(tmp_path / "plan.json")
    world.call("run", "--dry-run", "--format", "json", "--output", reviewed, **TIGHT)
    accept = ("--accept-plan", reviewed, "--max-writes", "6")
    first, again = (world.run(*accept, **TIGHT) for _ in range(2))

    remarks = [ran.report["run"]["remarks"] for ran in (first, again)]
    accepted = [any("accepted already" in one for one in told) for told in remarks]
    assert accepted == [False, True]
    assert any("1 return of it was left" in one for one in remarks[1])


def test_who_accepts_more_than_before_is_not_told_that_it_was_nothing(
    world: World, tmp_path: Path
) -> None:
    """A file of five returns, of which three were accepted by their digest."""
    world.trusted()
    several(world, 3)
    world.run("--accept-plan", digest(world.run(**TIGHT)), "--max-writes", "0", **TIGHT)
    more = several(world, 3)
    reviewed = str(tmp_path / "plan.json")
    world.call("run", "--dry-run", "--format", "json", "--output", reviewed, **TIGHT)

    ran = world.run("--accept-plan", reviewed, **TIGHT)

    assert (ran.code, "accepted already" in str(ran.report["run"])) == (0, False)
    assert all(world.in_jetti(one) for one in more)


# ------------------------------------------------------------------------ taken over, not created


def creates(world: World) -> int:
    return sum(one.startswith("POST ") for one in world.writes())


def slowly(world: World) -> None:
    """So that a snapshot goes stale between two writes, and what is ours is matched again."""
    make_scarce(world)
    world.environ["RECONCILER_JETTI__WRITES_PER_SECOND"] = "0.01"


@pytest.mark.covers("R21")
@pytest.mark.parametrize("pace", [lambda _: None, slowly], ids=["at once", "slowly"])
def test_what_was_taken_over_is_not_said_to_be_created(
    world: World, pace: Callable[[World], None]
) -> None:
    """Staff have raised one, and one half of another; the third is created."""
    world.trusted()
    whole, half = (world.order(("Acme", 1), ("Bolt", 2)) for _ in range(2))
    taken, mixed = world.submit(whole, 1, 2), world.submit(half, 1, 2)
    for one in (taken, mixed):
        world.loop.label(one, status="in_transit")
    new = world.returned()
    world.pass_time()
    by_hand(world, whole, 1, 2)
    by_hand(world, half, 1, 0, externalId=mixed)
    pace(world)
    posts = creates(world)

    ran = world.run("--max-seconds", "3h")

    assert creates(world) - posts == 2
    assert {one: ran.outcomes[one] for one in (taken, mixed, new)} == {
        taken: ("adopt", "pushed"),
        mixed: ("create", "pushed"),
        new: ("create", "pushed"),
    }
    counts = ran.report["counts"]
    assert (counts["created"], counts["adopted"]) == (2, 1)
    assert_agreement(world)


def test_while_creation_is_stopped_nothing_is_said_to_be_created(world: World) -> None:
    world.go_live()
    order, other = (world.order(("Acme", 1), ("Bolt", 1)) for _ in range(2))
    world.sandbox.jetti.switches.cancel_ids_key = "saleItemIds"
    world.submit(other, 1, 0)
    world.pass_time()
    assert world.run().code == 7
    world.submit(order, 1, 1)
    by_hand(world, order, 1, 1)
    world.pass_time()
    posts = creates(world)

    ran = world.call("run")

    assert creates(world) == posts
    assert "1 adopted" in ran.stdout.split("\n")[0]
    assert "created " not in ran.stdout.replace("is created any more", "")
    assert "taken over, not created" in ran.stdout
