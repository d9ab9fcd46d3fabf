"""Once a create has returned too much, nothing is created any more: reports promise nothing else.

What happens is what the services show: no later return gets a sale return, whatever is typed.
"""

from __future__ import annotations

import json

import pytest

from tests.stories.test_what_was_written import AGAINST_JETTI, scan
from tests.support.world import World

PROMISES = (
    "has looked into it",
    "check the setting",
    "one by one",
    "proves it",
    "can prove",
    "continue with the rest",
    "next pass pushes it",
    "Stopped for safety",
)
"""What would have an operator wait, or do something, in vain."""
FOR_GOOD = "until someone decides about the return that caused it"
CORRECTED = {"RECONCILER_JETTI__CANCEL_IDS_KEY": "saleItemIds"}


@pytest.fixture
def stopped(world: World) -> World:
    """The first return is in Jetti, the second was returned too much of, the third waits."""
    world.go_live()
    known = world.returned(("Acme", 1), ("Bolt", 1))
    world.loop.label(known)
    world.pass_time()
    assert world.run().code == 0
    world.sandbox.jetti.switches.cancel_ids_key = "saleItemIds"
    world.submit(world.order(("Acme", 1), ("Bolt", 1)), 1, 0)
    world.pass_time()
    assert world.run().code == 7
    world.returned(("Acme", 1), ("Bolt", 1))
    world.pass_time()
    world.environ |= CORRECTED
    return world


KNOWN, CULPRIT, WAITING = "31000001", "31000002", "31000003"


def creates(world: World) -> int:
    """How many have reached Jetti."""
    return sum(one.startswith("POST ") for one in world.writes())


TYPED: list[tuple[str, ...]] = [
    ("run",),
    ("run", "--return", WAITING),
    ("run", "--order", "#1003"),
    ("run", "--sweep", "30d"),
    ("run", "--from", "1d", "--yes"),
]


@pytest.mark.covers("R21")
@pytest.mark.parametrize("command", TYPED, ids=" ".join)
def test_a_run_says_that_nothing_is_created_any_more_and_why(
    stopped: World, command: tuple[str, ...]
) -> None:
    posts = creates(stopped)

    ran = stopped.call(*command)

    assert (ran.code, stopped.in_jetti(WAITING)) == (7, [])
    assert creates(stopped) == posts > 0
    headline, consequence, *_ = ran.stdout.split("\n")
    assert FOR_GOOD in headline
    assert f"return {CULPRIT}" in headline, "the reason"
    assert "Nothing is created any more" in consequence
    assert [promise for promise in PROMISES if promise in ran.stdout] == []
    assert ran.stdout.count(FOR_GOOD) == 1


@pytest.mark.covers("R21")
@pytest.mark.parametrize("options", [("--dry-run",), AGAINST_JETTI])
@pytest.mark.parametrize("of", [(), ("--return", WAITING)])
def test_a_dry_run_foresees_what_the_run_does(
    stopped: World, options: tuple[str, ...], of: tuple[str, ...]
) -> None:
    scan(stopped, KNOWN)
    stopped.pass_time()

    looked = stopped.run(*options, *of)
    told = stopped.call("run", *options, *of)
    ran = stopped.run(*of)

    assert (looked.code, ran.code) == (7, 7)
    as_planned = {"pushed": "planned", "deferred": "deferred"}
    assert looked.outcomes == {
        one: (kind, as_planned[outcome]) for one, (kind, outcome) in ran.outcomes.items()
    }
    assert looked.outcomes[WAITING] == ("create", "deferred")
    assert looked.reason(WAITING) == ran.reason(WAITING)
    assert "creation is stopped" in looked.reason(WAITING)
    assert "create 1" not in told.stdout
    assert ("would update 1" in told.stdout) == (of == ())
    assert [promise for promise in PROMISES if promise in told.stdout] == []


@pytest.mark.covers("R21")
def test_show_and_status_promise_nothing(stopped: World) -> None:
    stopped.run()

    shown, status = stopped.call("show", WAITING), stopped.call("status")

    [following] = [line for line in shown.stdout.split("\n") if line.startswith("next ")]
    assert following.split(maxsplit=1)[1].startswith("nothing: creation is stopped")
    assert FOR_GOOD in " ".join(shown.stdout.split())
    assert f"\n  reconciler show {CULPRIT} --against-jetti\n" in shown.stdout
    [creation] = [line for line in status.stdout.split("\n") if line.startswith("creation ")]
    assert f"return {CULPRIT}" in creation
    assert FOR_GOOD in creation
    for ran in (shown, status, stopped.call("show", CULPRIT), stopped.call("init", "--repin")):
        assert [promise for promise in PROMISES if promise in ran.stdout] == []


def test_what_jetti_has_is_still_kept_up_to_date_as_the_report_says(stopped: World) -> None:
    scan(stopped, KNOWN)
    stopped.pass_time()

    ran = stopped.call("run")

    assert {made["status"] for made in stopped.in_jetti(KNOWN)} == {"shipped"}
    assert "1 updated all the same" in ran.stdout.split("\n")[0]


def test_what_a_budget_leaves_of_updates_is_still_gone_on_with(stopped: World) -> None:
    """Asked for together: one that can be pushed later, one that cannot."""
    scan(stopped, KNOWN)
    stopped.pass_time()

    ran = stopped.run("--return", KNOWN, "--return", WAITING, "--max-writes", "0")

    [left] = [note for note in ran.report["run"]["remarks"] if "continue with the rest" in note]
    assert left.startswith("1 return is left")
    assert stopped.run().outcomes[KNOWN] == ("update", "pushed")


def sum_of_a_range(world: World) -> str:
    return world.run("--from", "60d").report["run"]["message"].partition(": ")[2]


def test_a_range_is_not_said_to_create_anything(stopped: World) -> None:
    for _ in range(26):
        stopped.returned()
    stopped.pass_time()

    assert "if creation were not stopped" in sum_of_a_range(stopped)


def test_a_range_that_may_create_says_how_many(world: World) -> None:
    world.go_live()
    for _ in range(26):
        world.returned()
    world.pass_time()

    assert sum_of_a_range(world).startswith("it would create 26 returns, mail")


def test_status_estimates_no_backlog(stopped: World) -> None:
    told = json.loads(stopped.call("status", "--format", "json").stdout)

    assert told["facts"]["backlog"] is None
    assert "to go" not in stopped.call("status").stdout


def test_what_helps_is_the_return_that_stopped_it_whatever_else_waits(stopped: World) -> None:
    """Also once another single run has ended well, and with an older review about."""
    first = stopped.submit(stopped.order(("Acme", 1), bundle=True))
    stopped.pass_time()
    assert stopped.run().code == 7
    assert stopped.state(first) == "review"
    assert stopped.call("run", "--return", KNOWN).code == 0

    status = stopped.call("status")
    ran = stopped.call("run")

    for said in (status.stdout, ran.stdout):
        assert said.splitlines()[-1].endswith(f"reconciler show {CULPRIT}")
    reasons = json.loads(stopped.call("status", "--format", "json").stdout)["reasons"]
    assert any(FOR_GOOD in reason for reason in reasons)


def test_it_is_a_reason_also_where_no_pass_was_stopped_and_the_last_run_ended_well(
    world: World,
) -> None:
    world.go_live()
    known = world.returned(("Acme", 1), ("Bolt", 1))
    world.pass_time()
    assert world.run().code == 0
    world.sandbox.jetti.switches.cancel_ids_key = "saleItemIds"
    culprit = world.submit(world.order(("Acme", 1), ("Bolt", 1)), 1, 0)
    world.pass_time()
    assert world.run("--return", culprit).code == 7
    assert world.run("--return", known).code == 0

    told = world.call("status", "--format", "json")

    assert told.code == 3
    reasons = json.loads(told.stdout)["reasons"]
    assert sum(FOR_GOOD in reason for reason in reasons) == 1


def test_no_acceptance_is_next_while_nothing_would_be_created(stopped: World) -> None:
    """Followed literally, the command that a pass and `status` end with has to lead on."""
    stopped.environ["RECONCILER_GUARD__CREATES"] = "1"
    for _ in range(3):
        stopped.returned(("Acme", 1), ("Bolt", 1))
    stopped.pass_time()

    ran = stopped.run()

    digest = ran.report["run"]["digest"]
    assert ran.report["next"] == ["reconciler", "show", CULPRIT]
    assert stopped.call("status").stdout.splitlines()[-1].endswith(f"reconciler show {CULPRIT}")
    posts = creates(stopped)
    assert stopped.run("--accept-plan", digest).code == 7
    assert creates(stopped) == posts

    # Once that is decided, what was accepted is created.
    assert stopped.call("ignore", CULPRIT, "--reason", "settled", "--yes").code == 0
    assert stopped.run().code == 0
    assert creates(stopped) == posts + 4
