"""What is told of work that is left: how much, by whom it is gone on with, and when.

The truth is taken from Loop's and Jetti's state and from the ledger's file, or from what happens
when the passes that were promised are run.
"""

from __future__ import annotations

import json
import random
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.failpoints import Failpoint
from tests.stories.test_guards_in_every_order import TIGHT, digest, older, several
from tests.stories.test_people_in_jetti import by_hand
from tests.support.agreement import assert_agreement
from tests.support.death import dies
from tests.support.scarcity import created, make_scarce, put_off
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


# -------------------------------------------------------------------------------- how many


def test_what_was_taken_over_and_lacks_an_update_is_left(world: World) -> None:
    """Raised by staff before go-live; Jetti does not show yet that the parcel moves."""
    order = world.order(("Acme", 1))
    one = world.submit(order, at=world.clock.now() - timedelta(days=3))
    by_hand(world, order, 1, externalId=one)
    world.go_live("1d")
    world.loop.label(one, status="in_transit")
    world.pass_time()

    ran = world.run()

    behind = [made for made in world.in_jetti(one) if made["status"] != "shipped"]
    assert (ran.outcomes[one], len(behind)) == (("adopt", "pushed"), 1)
    assert left(ran) == left_in_status(world) == 1
    world.pass_time()
    assert left(world.run()) == left_in_status(world) == 0
    assert [made["status"] for made in world.in_jetti(one)] == ["shipped"]


def test_what_is_cut_off_because_jetti_asks_to_slow_down_is_left(world: World) -> None:
    world.trusted()
    made = [world.returned() for _ in range(9)]
    world.pass_time()
    world.breaks("POST *", "429")

    ran = world.run()

    absent = {one for one in made if not world.in_jetti(one)}
    assert due(world) == absent == {*made}
    assert left(ran) == left_in_status(world) == 9


def test_a_failed_try_is_left_once_it_is_due_again(world: World) -> None:
    world.trusted()
    one = world.returned()
    world.pass_time()
    world.breaks("PUT /sale-return-items/*", "parameters_dropped", names=["quantity"])

    ran = world.run()

    assert (world.state(one), left(ran), due(world)) == ("failed", 0, set())
    assert status_line(world, "backlog") is None
    world.pass_time(minutes=2)
    assert due(world) == {one}
    assert status_line(world, "backlog") == "1 return left"
    world.heals()
    ran = world.run()
    assert (world.state(one), left(ran), left_in_status(world)) == ("synced", 0, 0)


def test_what_waits_until_later_is_not_left_and_is_when_it_is_due(world: World) -> None:
    """An order that has not come: the next pass looks for it again."""
    world.trusted()
    world.submit(world.order(("Acme", 1), arrives=False))
    world.pass_time()

    ran = world.run()

    assert (left(ran), due(world)) == (0, set())
    world.pass_time(minutes=2)
    assert left_in_status(world) == len(due(world)) == 1


def test_what_rests_and_what_is_stopped_is_not_left(world: World) -> None:
    world.go_live()
    resting = world.returned()
    world.loop.set_state(resting, "cancelled")
    world.pass_time()
    assert world.run().code == 0
    put_off(world, "--from", "2d", "--yes")
    stopped = several(world, 3)
    halted = world.run(**TIGHT)
    fresh = several(world, 2)

    ranged = world.run("--from", "2h", "--max-writes", "0", "--return", fresh[0])
    swept = world.run("--max-writes", "0", **TIGHT)

    assert (halted.code, left(halted)) == (7, 0)
    assert ranged.code == 2, "not both"
    assert due(world) == {*fresh}
    assert left(swept) == left_in_status(world) == 2
    assert [world.in_jetti(one) for one in stopped] == [[], [], []]


def test_of_single_returns_their_own_are_told(world: World) -> None:
    world.trusted()
    made = several(world, 3)
    world.run("--max-writes", "0")

    ran = world.run("--return", made[0], "--max-writes", "0")
    done = world.run("--return", made[0])

    assert (left(ran), left(done), left_in_status(world)) == (1, 0, 2)


@pytest.mark.parametrize("seed", range(4))
def test_at_every_end_of_a_run_as_many_are_left_as_the_ledger_holds(
    world: World, seed: int
) -> None:
    """Runs of every kind with every budget, and what goes wrong meanwhile."""
    chance = random.Random(seed)
    world.trusted()
    for _ in range(12):
        for _ in range(chance.randint(0, 4)):
            world.returned()
        if chance.random() < 0.3:
            world.submit(world.order(("Acme", 1), arrives=False))
        world.pass_time(minutes=chance.choice((1, 5, 90)))
        if chance.random() < 0.5:
            kind = chance.choice(("429", "422", "503"))
            world.breaks("POST *", kind, nth=chance.randint(1, 3))
        options = chance.choice(((), ("--sweep", "30d"), ("--from", "2d", "--yes")))
        ran = world.run(*options, "--max-writes", str(chance.choice((0, 3, 7, 99))))
        world.heals()
        assert left(ran) == left_in_status(world) == len(due(world)), ran.report["counts"]


# ---------------------------------------------------------------- what `status` says of it later


def test_status_counts_now_whoever_did_the_rest(world: World) -> None:
    """Passes have told of a backlog; then someone pushes half of it by a range, then the rest."""
    make_scarce(world)
    world.trusted()
    made = older(world, 200, days=3)
    put_off(world, "--from", "7d", "--yes")
    for _ in range(2):
        began = world.clock.now()
        last = world.run()
        world.pass_time(seconds=300 - (world.clock.now() - began).total_seconds())
    kept = last.report["backlog"]

    half = str(int(kept["left"] / 2 * 3))
    world.run("--from", "7d", "--yes", "--max-writes", half)
    facts = json.loads(world.call("status", "--format", "json").stdout)["facts"]
    world.run("--from", "7d", "--yes")

    absent = len(made) - sum(world.state(one) == "synced" for one in made)
    assert absent == 0
    assert kept["left"] > 20
    assert facts["backlog"]["left"] == pytest.approx(kept["left"] / 2, abs=1)
    assert status_line(world, "backlog") is None
    assert left_in_status(world) == 0


def test_a_short_backlog_is_told_with_the_time_that_the_json_has(world: World) -> None:
    make_scarce(world)
    world.trusted()
    for _ in range(42):
        world.returned()
    world.pass_time()

    ran = world.call("run", "--max-writes", "0")

    now = json.loads(world.call("status", "--format", "json").stdout)["facts"]["backlog"]
    assert 0 < now["seconds_left"] < 300
    said = f"at least {now['seconds_left'] / 60:.1f}m to go"
    assert status_line(world, "backlog") == f"42 returns left, {said}"
    assert f"42 returns left for later passes, {said}" in ran.stdout


def test_an_estimate_goes_down_with_the_work_while_a_pass_is_killed_and_ends_after_a_day(
    world: World,
) -> None:
    make_scarce(world)
    world.trusted()
    older(world, 400, days=3)
    put_off(world, "--from", "7d", "--yes")
    for _ in range(2):
        began = world.clock.now()
        kept = world.run().report["backlog"]
        world.pass_time(seconds=300 - (world.clock.now() - began).total_seconds())
    written = 0

    def after_sixty(point: Failpoint) -> bool:
        nonlocal written
        written += point is Failpoint.CREATED
        return written > 60

    dies(world, after_sixty)
    facts = json.loads(world.call("status", "--format", "json").stdout)["facts"]
    text = status_line(world, "backlog")
    world.pass_time(hours=24)
    later = status_line(world, "backlog")

    now = facts["backlog"]
    assert (now["left"], now["is_measured"]) == (len(due(world)), True)
    assert now["left"] < kept["left"] - 59
    share = now["left"] / kept["left"]
    assert now["seconds_left"] == pytest.approx(kept["seconds_left"] * share, abs=1)
    assert text is not None
    assert re.fullmatch(rf"{now['left']} returns left, about \S+m to go", text)
    assert later == f"{now['left']} returns left", "no pass came for a day"


# ------------------------------------------------------------------- after an accepted run died

KINDS: dict[str, tuple[str, ...]] = {
    "a pass": (),
    "a sweep": ("--sweep", "30d"),
    "a range": ("--from", "30d"),
}
POINTS = [
    Failpoint.RUN_BEGUN,
    Failpoint.PLAN_MADE,
    Failpoint.ACCEPTANCE_COMMITTED,
    Failpoint.GUARD_PASSED,
    Failpoint.CREATED,
    Failpoint.PUT_DONE,
]


@pytest.mark.covers("R8", "R21", "F1")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("point", POINTS)
def test_after_an_accepted_run_was_killed_status_names_what_goes_on(
    world: World, kind: str, point: Failpoint
) -> None:
    """It asks to accept exactly as long as passes would not go on without that."""
    world.trusted()
    made = several(world, 4)
    stopped = world.run(*KINDS[kind], **TIGHT)
    accept = f"--accept-plan {digest(stopped)}"
    before = world.call("status").stdout
    dies(world, lambda hit: hit is point, *KINDS[kind], *accept.split(), **TIGHT)

    said = world.call("status")

    world.pass_time()
    goes_on = world.run(**TIGHT).code == 0
    pushed = [world.in_jetti(one) != [] for one in made]
    assert stopped.code == 7
    assert accept in before
    assert goes_on == all(pushed)
    assert goes_on == (point not in (Failpoint.RUN_BEGUN, Failpoint.PLAN_MADE))
    assert (accept in said.stdout) == (not goes_on)
    assert ("stopped for safety" in said.stdout.partition("last runs")[0]) == (not goes_on)
    following = said.stdout.rstrip().split("\n")[-2:]
    as_scheduled = [
        "note       the next scheduled run goes on with what run 3 left",
        "next       reconciler run",
    ]
    assert (following == as_scheduled) == goes_on
    assert said.code == 3 or (goes_on and kind != "a pass"), "the last pass was killed"


def test_a_plan_that_was_stopped_anew_is_named_by_its_new_digest(world: World) -> None:
    """The run that accepts is killed after it has stopped what came since, with the rest."""
    world.go_live()
    several(world, 3)
    stopped = world.run(**TIGHT)
    more = several(world, 3)
    dies(world, lambda hit: hit is Failpoint.PLAN_STOPPED, **TIGHT)

    said = world.call("status").stdout

    assert digest(stopped) not in said.partition("last runs")[0]
    named = re.findall(r"run --accept-plan ([0-9a-f]{16})", said)
    opened = world.run("--accept-plan", named[-1], **TIGHT)
    assert opened.code == 0
    assert all(world.in_jetti(one) for one in more)


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
    assert "1 taken over" in ran.stdout.split("\n")[0]
    assert "created " not in ran.stdout.replace("is created any more", "")
    assert "taken over, not created" in ran.stdout


# ------------------------------------------------------------------------------ when its turn comes


def test_show_tells_the_place_that_a_return_has(world: World) -> None:
    """Recorded in any order: pushed are what is fresh, the newest first, then the oldest."""
    make_scarce(world)
    world.trusted()
    hours = [70, 30, 90, 50, 200, 31]
    now = world.clock.now()
    backlog = [
        world.submit(world.order(("Acme", 1)), at=now - timedelta(hours=age)) for age in hours
    ]
    for days in ("2d", "3d", "10d"):
        put_off(world, "--from", days, "--yes")
    fresh = [world.submit(world.order(("Acme", 1))) for _ in range(3) if not world.pass_time()]
    world.pass_time()
    world.run("--max-writes", "0")

    said = {one: shown(world, one) for one in (*backlog, *fresh)}

    before = len(created(world))
    world.pass_time()
    assert world.run().code == 0
    order = list(created(world))[before:]
    assert order == [*fresh[::-1], *(backlog[hours.index(age)] for age in sorted(hours)[::-1])]
    for place, one in enumerate(order):
        if one in fresh:
            later = f"pushed by the next passes, after {place or 'no'} return"
            assert said[one] == "the next pass pushes it" if not place else later in said[one]
        else:
            older_ones = place - len(fresh)
            place_in_words = f"pushed after what is fresh and {older_ones or 'no'} older return"
            assert said[one].startswith(f"in the backlog: {place_in_words}")


def shown(world: World, return_id: str) -> str:
    [told] = json.loads(world.call("show", return_id, "--format", "json").stdout)["returns"]
    return str(told["next"])


def test_nothing_that_is_left_is_promised_to_the_next_pass(world: World) -> None:
    make_scarce(world)
    world.trusted()
    older(world, 30, days=3)
    world.pass_time()

    put_off(world, "--from", "7d", "--yes")
    said = [
        world.call("run", *options, "--max-writes", "3").stdout
        for options in (("--dry-run", "--against-jetti"), ("--dry-run",), (), ("--sweep", "9d"))
    ]

    assert due(world)
    assert [text for text in said if "the next pass" in text] == []


def test_a_large_range_that_was_left_to_the_passes_is_said_to_go_on(world: World) -> None:
    """From before go-live, so that passes had looked for it and let it rest until then."""
    made = older(world, 3, days=9)
    world.go_live("1d")
    world.pass_time()
    assert world.run("--sweep", "30d").code == 0
    assert {world.state(one) for one in made} == {"skipped"}

    ran = world.run("--from", "30d", "--yes", "--max-writes", "0")

    assert left(ran) == len(due(world)) == 3
    assert not any("only a run that asks" in ran.reason(one) for one in made)
    assert any("3 returns are left; scheduled" in one for one in ran.report["run"]["remarks"])
    assert world.run().code == 0
    assert all(world.in_jetti(one) for one in made)
