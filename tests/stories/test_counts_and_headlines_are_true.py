"""Counts and headlines agree with the ledger, the list of changes, and what Jetti holds.

How returns are is read from the ledger's file; what was created from Jetti.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.support.world import Ran, World

COUNTED = {
    "pending": ("pending",),
    "waiting": ("waiting",),
    "failed": ("failed",),
    "review": ("review",),
    "dead": ("dead",),
    "unanswered": ("unknown", "in_flight"),
}
"""Keys of `counts` and the states that each is about."""


def states(world: World) -> Counter[str]:
    """How many returns of the ledger are in each state."""
    with closing(sqlite3.connect(world.directory / "ledger.db")) as connection:
        return Counter(
            dict(connection.execute("SELECT state, count(*) FROM entries GROUP BY state"))
        )


def headline(ran: Ran) -> str:
    """The verdict, behind its time."""
    return ran.stdout.split("\n")[0].partition("  ")[2]


def assert_standing(world: World, counts: dict[str, int]) -> None:
    there = states(world)
    assert {key: counts[key] for key in COUNTED} == {
        key: sum(there[state] for state in of) for key, of in COUNTED.items()
    }


# ---------------------------------------------------------------------------- what is in the ledger


def waits(world: World) -> None:
    world.submit(world.order(("Acme", 1), arrives=False))


def is_doubtful(world: World) -> None:
    order = world.order(("Acme", 1))
    world.jetti.import_sale(order)
    world.submit(order)


def is_refused(world: World) -> None:
    world.returned()
    world.breaks("POST *", "422")


def gets_no_answer(world: World) -> None:
    world.returned()
    world.breaks("POST *", "applied_then_lost")


def cannot_be_looked_up(world: World) -> None:
    world.returned()
    world.breaks("GET /sale-returns*", "400")


def is_out(world: World) -> None:
    for _ in range(6):
        world.returned()
    world.breaks("*", "503")


def is_new(world: World) -> None:
    world.returned()


def is_nothing(world: World) -> None:
    pass


BEFORE = [is_nothing, waits, is_doubtful]
NOW = [
    is_nothing,
    is_new,
    waits,
    is_doubtful,
    is_refused,
    gets_no_answer,
    cannot_be_looked_up,
    is_out,
]


@pytest.mark.covers("R21")
@pytest.mark.parametrize("options", [(), ("--max-writes", "0")], ids=["", "no writes"])
@pytest.mark.parametrize("now", NOW)
@pytest.mark.parametrize("before", BEFORE)
def test_the_counts_of_how_returns_are_agree_with_the_ledger(
    world: World,
    before: Callable[[World], None],
    now: Callable[[World], None],
    options: tuple[str, ...],
) -> None:
    world.trusted()
    before(world)
    world.pass_time()
    assert world.run().code in (0, 3)
    now(world)
    world.pass_time()

    ran = world.run(*options)

    assert_standing(world, ran.report["counts"])
    done = Counter(one["change"] for one in ran.report["changes"] if one["outcome"] == "pushed")
    counts = ran.report["counts"]
    assert (counts["created"], counts["updated"]) == (done["create"], done["update"])


@pytest.mark.covers("R21")
@pytest.mark.parametrize("now", [is_nothing, is_new, waits])
@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("options", [(), ("--max-writes", "0")], ids=["", "no writes"])
def test_a_headline_says_how_many_wait_and_that_nothing_is_to_push_only_if_none_does(
    world: World,
    before: Callable[[World], None],
    now: Callable[[World], None],
    options: tuple[str, ...],
) -> None:
    world.trusted()
    before(world)
    world.pass_time()
    world.run()
    now(world)
    world.pass_time()
    held = len(world.jetti.sale_returns())

    said = headline(world.call("-v", "run", *options))

    there, made = states(world), len(world.jetti.sale_returns()) - held
    left = there["pending"] + there["waiting"]
    is_nothing_left = not (left or made or there["review"])
    if not said:  # nothing to tell, off a terminal
        assert is_nothing_left
        return
    assert ("nothing to push from Loop" in said) == is_nothing_left
    for word in ("pending", "waiting"):
        assert (f"{there[word]} {word}" in said) == bool(there[word])
    assert ("1 created" in said) == bool(made)


def test_json_and_text_of_a_run_that_only_waits(world: World) -> None:
    """The list says that it waits, so the headline does."""
    world.trusted()
    waits(world)
    world.pass_time()

    ran = world.call("run")

    assert ran.code == 0
    assert "waiting (1), to create" in ran.stdout
    assert headline(ran) == (
        "Run 2 (scheduled): nothing was pushed. In the ledger now 1 waiting. [exit 0]"
    )


@pytest.mark.covers("R21")
def test_what_was_adopted_is_not_counted_a_second_time_as_more(world: World) -> None:
    """Taken over, and a label has moved since: the next pass brings it up to date."""
    world.go_live()
    ones = [world.returned() for _ in range(3)]
    world.pass_time()
    world.run()
    world.loop.label(ones[0], status="in_transit")
    world.pass_time()
    (world.directory / "ledger.db").unlink()

    adopted = world.call("init", "--since", "7d", "--adopt").stdout

    assert states(world) == {"pending": 1, "synced": 2}
    [said] = [line for line in adopted.split("\n") if "[exit" in line]
    assert "3 taken over. In the ledger now 1 pending. [exit 0]" in said


def test_the_history_in_status_tells_what_a_pass_did_apart_from_how_returns_were_then(
    world: World,
) -> None:
    world.trusted()
    is_doubtful(world)
    world.pass_time()
    world.run()
    is_new(world)
    world.pass_time()
    world.run()

    text = world.call("status").stdout

    [_, last, *_] = text.partition("last runs")[2].split("\n")
    assert "1 new, 1 created; then 1 review" in last


def test_passes_that_found_nothing_share_a_row_although_something_stands_open(world: World) -> None:
    world.trusted()
    is_doubtful(world)
    world.pass_time()
    world.run()
    for _ in range(3):
        world.pass_time()
        world.run()

    told = json.loads(world.call("status", "--format", "json").stdout)["facts"]["runs"]

    assert [run["counts"]["review"] for run in told] == [1, 1, 0]


# ------------------------------------------------------------------------------------- a problem


@pytest.mark.covers("R21")
def test_a_problem_says_since_when_it_is_due_and_not_since_when_it_is_so(world: World) -> None:
    """Waiting for ten minutes, then in review by the very run that reports it."""
    world.trusted()
    order = world.order(("Acme", 1), arrives=False)
    one = world.submit(order)
    world.pass_time()
    world.run()
    world.pass_time(minutes=10)
    world.jetti.import_sale(order)
    world.jetti.import_sale(order)

    ran = world.call("run")

    assert world.state(one) == "review"
    since = world.entry(one).due_since
    assert since is not None
    minutes = (world.clock.now() - since).total_seconds() / 60
    assert f"review, due for {minutes:.0f}m" in ran.stdout
    assert f"review, due for {minutes:.0f}m" in world.call("status").stdout
    assert "review for" not in ran.stdout


# -------------------------------------------------------------------------------------- an outage

FITS = {
    "pending": "deferred",
    "unknown": "failed",  # there is no nearer word for an outcome; the reason says the rest
    "synced": "pushed",
}


@pytest.mark.parametrize("returns", [3, 9])
@pytest.mark.parametrize(
    ("operation", "kind", "states"),
    [
        ("*", "503", {"pending"}),
        ("PUT *", "503", {"unknown", "pending"}),
        ("POST *", "applied_then_lost", {"unknown", "pending"}),
        ("POST *", "429", {"pending"}),
    ],
)
def test_an_outage_is_reported_as_it_leaves_each_return(
    world: World, operation: str, kind: str, states: set[str], returns: int
) -> None:
    world.trusted()
    ones = [world.returned() for _ in range(returns)]
    world.pass_time()
    world.breaks(operation, kind)

    ran = world.run()

    outcomes = {one: outcome for one, (_, outcome) in ran.outcomes.items()}
    came_to = {one: world.state(one) for one in ones}
    assert set(came_to.values()) <= states
    assert ran.code == 5 or returns < 5
    assert outcomes == {one: FITS[state] for one, state in came_to.items()}
    for one, state in came_to.items():
        assert ("unanswered" in ran.reason(one)) == (state == "unknown"), ran.reason(one)
    counts = ran.report["counts"]
    assert (counts["pending"], counts["failed"]) == ([*came_to.values()].count("pending"), 0)
    world.heals()
    world.pass_time()
    assert world.run().code == 0
    assert {world.state(one) for one in ones} == {"synced"}


# --------------------------------------------------------------------------------------- a range


def listed(text: str) -> int:
    """Creates that the report lists."""
    return len(re.findall(r"^  \+ ", text, re.MULTILINE))


@pytest.mark.covers("R21")
@pytest.mark.parametrize("named", [0, 1, 2])
def test_the_sum_of_a_range_counts_what_the_report_lists(world: World, named: int) -> None:
    """Some of it was asked for by name before, and a budget left it."""
    older = [world.returned() for _ in range(4)]
    world.pass_time(days=9)
    young = [world.returned() for _ in range(2)]
    world.go_live("1d")
    world.pass_time()
    asked = [option for one in older[:named] for option in ("--return", one)]
    if asked:
        assert world.run(*asked, "--max-writes", "0").code == 0

    ran = world.call("run", "--from", "30d")

    assert ran.code == 7
    said = headline(ran)
    assert listed(ran.stdout) == len(older) + len(young)
    assert f"it would create {listed(ran.stdout)} returns" in said
    assert f"{len(older)} of them from before go-live" in said
    assert (f"{named} of them accepted before" in said) == bool(named)
    before = len(world.jetti.sale_returns())
    assert world.run("--from", "30d", "--yes").code == 0
    assert len(world.jetti.sale_returns()) - before == len(older) + len(young)


@pytest.mark.parametrize("returns", [28, 58])
def test_a_range_tells_one_duration_in_all_places(world: World, returns: int) -> None:
    world.trusted()
    for _ in range(returns):
        world.returned()
    world.pass_time()
    paced = {"RECONCILER_JETTI__READS_PER_SECOND": "2", "RECONCILER_JETTI__WRITES_PER_SECOND": "1"}

    said = world.call("run", "--from", "3d", "--dry-run", **paced).stdout

    [takes] = re.findall(r"^takes +about (\S+) at", said, re.MULTILINE)
    assert takes[-1] in "ms"
    assert re.findall(r"takes about ([0-9.]+[smhd])", said) == [takes]


def test_a_range_that_a_plan_opens_in_part_accepts_nothing_of_it(world: World) -> None:
    tight = {"RECONCILER_GUARD__CREATES": "1", "RECONCILER_GUARD__SHARE": "0"}
    world.trusted()
    first = [world.returned() for _ in range(3)]
    world.pass_time()
    digest = world.run(**tight).report["run"]["digest"]
    for _ in range(2):
        world.returned()
    world.pass_time()

    ran = world.call("run", "--from", "3d", "--accept-plan", digest, **tight)

    assert ran.code == 7
    said = headline(ran)
    assert "it would create 5 returns, 3 of them in the plan that --accept-plan names" in said
    unopened = f"--accept-plan {digest} opened nothing: this range is more than that plan"
    assert unopened in ran.stdout
    assert unopened in ran.stderr
    for told in (ran.stdout, *(world.call(what).stdout for what in ("status", "history"))):
        assert "accepted before" not in told
    waiting = world.call("list", "--state", "pending").stdout
    assert waiting.count(f"until someone accepts plan {digest}") == len(first)
    assert world.run("--from", "3d", "--accept-plan", digest, "--yes", **tight).code == 0
    assert all(world.in_jetti(one) for one in first)


def test_a_plan_of_which_a_range_reads_nothing_is_not_said_to_be_done(world: World) -> None:
    tight = {"RECONCILER_GUARD__CREATES": "1", "RECONCILER_GUARD__SHARE": "0"}
    world.trusted()
    for _ in range(3):
        world.returned()
    world.pass_time()
    digest = world.run(**tight).report["run"]["digest"]
    world.pass_time(hours=12)

    ran = world.call("run", "--from", "6h", "--accept-plan", digest, **tight)

    assert ran.code == 0
    assert "nothing of that plan, as it was reviewed, is among what this run has read" in (
        ran.stdout + ran.stderr
    )
    assert "left to do" not in ran.stdout + ran.stderr


RANGES = [
    (3, 0, {"RECONCILER_GUARD__CREATES": "2"}, ["more than 2 returns"]),
    (1, 2, {}, ["before go-live"]),
    (1, 2, {"RECONCILER_GUARD__CREATES": "2"}, ["more than 2 returns", "before go-live"]),
]


@pytest.mark.covers("R21")
@pytest.mark.parametrize(("young", "old", "settings", "reasons"), RANGES)
def test_a_range_that_is_asked_about_says_for_which_reason(
    world: World, young: int, old: int, settings: dict[str, str], reasons: list[str]
) -> None:
    for _ in range(old):
        world.returned()
    world.pass_time(days=9)
    for _ in range(young):
        world.returned()
    world.go_live("1d")
    world.pass_time()

    message = world.run("--from", "30d", **settings).report["run"]["message"]

    because = message.partition(", because it ")[2].partition(": it would")[0]
    assert [
        reason for reason in ("more than 2", "before go-live", "mapping") if reason in because
    ] == [reason.removesuffix(" returns") for reason in reasons]


@pytest.mark.covers("R21")
def test_a_lost_ledger_says_how_many_of_its_creates_jetti_holds(world: World) -> None:
    """Of eight returns seven are in Jetti; one of these was cancelled since, and would only be
    looked for."""
    world.go_live()
    ones = [world.returned() for _ in range(7)]
    world.pass_time()
    assert world.run().code == 0
    (world.directory / "ledger.db").unlink()
    world.go_live()
    world.loop.set_state(ones[0], "cancelled")
    world.returned()
    world.pass_time()

    stopped = world.run()

    creates = [one for one, (change, _) in stopped.outcomes.items() if change == "create"]
    there = [one for one in creates if world.in_jetti(one)]
    assert (stopped.code, len(creates), len(there)) == (7, 7, 6)
    assert (
        f"Jetti already holds at least {len(there)} of the {len(creates)} returns that would be"
        " created" in stopped.report["run"]["message"]
    )


@pytest.mark.parametrize(
    "options", [(), ("--sweep", "30d"), ("--dry-run",)], ids=["poll", "sweep", "dry run"]
)
def test_a_headline_speaks_only_of_what_was_compared(
    world: World, options: tuple[str, ...]
) -> None:
    """People have deleted in Jetti, which no pass looks at while Loop shows nothing new."""
    world.trusted()
    one = world.returned()
    world.pass_time()
    assert world.run().code == 0
    for there in world.in_jetti(one):
        world.jetti.delete_sale_return(there["id"])
    world.pass_time(hours=3)

    said = headline(world.call("run", *options, "--output", "-"))

    assert "nothing to push from Loop. [exit 0]" in said
    assert world.call("verify").code == 3
