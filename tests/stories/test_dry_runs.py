"""A dry run tells what would be done, and touches nothing at either side or in the ledger."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import perform
from reconciler.clock import Clock
from reconciler.http import Endpoint, Service
from reconciler.runtime import Runtime
from tests.support.world import World


def footprint(directory: Path) -> dict[str, tuple[str, int, int]]:
    """Everything that a look at the directory shows."""
    return {
        path.name: (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime_ns,
            path.stat().st_mode,
        )
        for path in sorted(directory.iterdir())
    }


def methods(world: World) -> set[str]:
    return {arrival.method for arrival in world.sandbox.request_log.all()}


def changed(world: World) -> tuple[str, str]:
    """A pushed return whose label moved, and a new one."""
    world.go_live()
    old = world.returned()
    world.loop.label(old)
    world.pass_time()
    assert world.run().code == 0
    world.loop.move_label(old, "in_transit")
    new = world.returned(("Acme", 1), ("Bolt", 1))
    world.pass_time()
    world.sandbox.request_log.clear()
    return old, new


RUNS = [(), ("--sweep", "120d"), ("--from", "30d"), ("--from", "30d", "--by", "created")]


@pytest.mark.covers("P7")
@pytest.mark.parametrize("against", [(), ("--against-jetti",)])
@pytest.mark.parametrize("options", RUNS, ids=" ".join)
def test_a_dry_run_leaves_the_ledger_byte_for_byte_and_only_reads(
    world: World, options: tuple[str, ...], against: tuple[str, ...]
) -> None:
    old, new = changed(world)
    before = footprint(world.directory), world.jetti.to_json()

    dry = world.run("--dry-run", *options, *against)

    assert (footprint(world.directory), world.jetti.to_json()) == before
    assert methods(world) == {"GET"}
    assert dry.outcomes == {old: ("update", "planned"), new: ("create", "planned")}
    assert (dry.code, dry.report["run"]["dry_run"], dry.report["run"]["id"]) == (0, True, None)
    assert bool(dry.report["requests"]["jetti"]["get"]) == bool(against)


def test_a_dry_run_of_named_returns(world: World) -> None:
    _, new = changed(world)
    before = footprint(world.directory)

    dry = world.run("--dry-run", "--return", new)

    assert (dry.outcomes, footprint(world.directory)) == ({new: ("create", "planned")}, before)


LOOKS = [("run", "--dry-run", "--against-jetti"), ("init", "--adopt")]


@pytest.mark.parametrize("command", LOOKS, ids=" ".join)
def test_what_only_looks_is_given_a_jetti_that_takes_no_writes(
    world: World, command: tuple[str, ...]
) -> None:
    changed(world)
    allowed: dict[str, frozenset[str]] = {}

    def noting(endpoint: Endpoint, clock: Clock) -> Service:
        allowed[endpoint.name] = endpoint.methods
        return world.reach(endpoint, clock)

    assert perform(["--quiet", *command], Runtime(world.clock, world.environ, connect=noting)) == 0
    assert allowed == {"Loop": frozenset({"GET"}), "Jetti": frozenset({"GET"})}


def unnamed(change: dict[str, Any]) -> set[tuple[str, Any]]:
    """Its fields without places: a sale return that is created has no reference before."""
    return {(one["field"].partition("[")[0], one["after"]) for one in change["fields"]}


def test_the_run_does_what_the_dry_run_said(world: World) -> None:
    changed(world)

    dry, ran = world.run("--dry-run"), world.run()

    assert dry.report["run"]["digest"] == ran.report["run"]["digest"]
    assert dry.outcomes.keys() == ran.outcomes.keys()
    for foreseen, done in zip(dry.report["changes"], ran.report["changes"], strict=True):
        assert foreseen["change"] == "create" or foreseen["fields"] == done["fields"]
        assert unnamed(foreseen) <= unnamed(done)
    assert dry.report["run"]["watermark"]["after"] == ran.report["run"]["watermark"]["after"]


@pytest.mark.covers("P19")
@pytest.mark.sockets
def test_the_digest_does_not_depend_on_jetti_or_the_minute(world: World) -> None:
    changed(world)
    first = world.run("--dry-run").report["run"]["digest"]
    world.pass_time()

    second = world.run("--dry-run", "--against-jetti").report["run"]["digest"]

    assert first == second


def test_the_digest_follows_what_is_wanted(world: World) -> None:
    old, _ = changed(world)
    first = world.run("--dry-run").report["run"]["digest"]
    world.loop.move_label(old, "delivered")
    world.pass_time()

    assert world.run("--dry-run").report["run"]["digest"] != first


@pytest.mark.parametrize(("pending", "code"), [(True, 10), (False, 0)])
def test_pending_changes_in_the_exit_code(world: World, pending: bool, code: int) -> None:
    changed(world)
    if not pending:
        world.run()

    assert world.run("--dry-run", "--detailed-exitcode").code == code


def test_against_jetti_shows_missing_orders_vendor_splits_and_strangers(world: World) -> None:
    world.go_live()
    missing = world.submit(world.order(("Acme", 1), arrives=False))
    split = world.returned(("Acme", 1), ("Bolt", 1), (None, 1))
    order = world.order(("Acme", 2))
    strange = world.submit(order, 1)
    world.pass_time()
    world.jetti.raise_sale_return(world.sale_id(order), {world.item_ids(order)[0]: 2})
    before = footprint(world.directory)

    dry = world.run("--dry-run", "--against-jetti")

    assert dry.outcomes == {
        missing: ("create", "waiting"),
        split: ("create", "planned"),
        strange: ("create", "review"),
    }
    assert "3 sale returns" in dry.reason(split)
    assert (footprint(world.directory), methods(world)) == (before, {"GET"})
    headline = world.call("run", "--dry-run", "--against-jetti").stdout.split("\n")[0]
    assert "would create 1 (at least 3 sale returns made), leave 1 waiting, 1 in" in headline


def test_what_a_run_would_only_leave_is_something_to_do(world: World) -> None:
    world.go_live()
    world.submit(world.order(("Acme", 1), arrives=False))
    world.pass_time()

    looked = world.call("run", "--dry-run", "--against-jetti").stdout
    spent = world.call("run", "--dry-run", "--max-writes", "0").stdout

    assert "would leave 1 waiting. Nothing was written." in looked.split("\n")[0]
    assert looked.strip().endswith("next       reconciler run")
    assert "would leave 1 for later passes. Nothing was written." in spent.split("\n")[0]


def test_without_a_ledger_everything_is_new_and_none_is_made(world: World) -> None:
    one = world.returned()
    world.pass_time()

    dry = world.run("--dry-run")

    assert (dry.code, dry.outcomes) == (0, {one: ("create", "planned")})
    assert "no ledger" in " ".join(dry.report["run"]["remarks"])
    assert dry.report["run"]["watermark"] == {"before": None, "after": None}
    for options, days in (((), 1), (("--from", "7d"), 7), (("--since", "9d"), 9)):
        since = f"{world.clock.now() - timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"
        told = world.call("run", "--dry-run", *options).stdout
        assert re.search(r"^watermark +none: there is no ledger yet$", told, re.MULTILINE)
        assert re.search(rf"^next +reconciler init --since {since}$", told, re.MULTILINE)
    assert list(world.directory.iterdir()) == []
    assert world.run().code == 7


@pytest.mark.parametrize("count", [3, 30])
@pytest.mark.parametrize("days", [5, 20])
def test_both_dry_runs_and_the_first_run_agree(world: World, days: int, count: int) -> None:
    """Before `init`, after it, and in earnest: the same changes, exit code and plan."""
    older = world.returned()
    world.pass_time(days=10)
    for _ in range(count):
        world.returned()
    world.loop.label(older)
    world.pass_time()

    before = world.run("--dry-run", "--since", f"{days}d")
    told = world.call("run", "--dry-run", "--since", f"{days}d").stdout
    [first] = re.findall(r"^next +(reconciler init --since \S+)$", told, re.MULTILINE)
    assert world.call(*first.split()[1:]).code == 0
    after = world.run("--dry-run")
    ran = world.run()

    assert before.code == after.code == ran.code == (0 if count == 3 else 7)
    assert before.report["run"]["digest"] == after.report["run"]["digest"]
    assert before.report["run"]["digest"] == ran.report["run"]["digest"]
    assert kinds(before.report) == kinds(after.report) == kinds(ran.report)
    if count == 30:
        assert world.writes() == []
        accepted = world.run("--accept-plan", before.report["run"]["digest"])
        assert accepted.code == 0
    created = [one.id for one in world.loop.returns() if world.in_jetti(one.id)]
    assert (older in created) is (days > 10)
    assert len(created) == count + (days > 10)


def test_where_a_guard_would_stop_the_first_step_is_still_init(world: World) -> None:
    for _ in range(30):
        world.returned()
    world.pass_time()

    stopped = world.call("run", "--dry-run", "--since", "20d")

    assert stopped.code == 7
    [step] = re.findall(r"^next +(.*)$", stopped.stdout, re.MULTILINE)
    assert step.startswith("reconciler init --since ")


def test_where_jetti_has_some_of_it_the_first_step_is_to_adopt(world: World) -> None:
    world.trusted()
    (world.directory / "ledger.db").unlink()
    world.returned()
    world.pass_time()

    stopped = world.call("run", "--dry-run", "--against-jetti", "--since", "20d")

    assert stopped.code == 7
    [step] = re.findall(r"^next +(.*)$", stopped.stdout, re.MULTILINE)
    assert step.startswith("reconciler init --adopt ")


def kinds(report: dict[str, Any]) -> dict[str, str]:
    """What is to be done with each return, whatever becomes of it."""
    return {change["return_id"]: change["change"] for change in report["changes"]}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--since", "3d"), "--since needs --dry-run; did you mean --from?"),
        (("--since", "3d", "--dry-run", "--from", "3d"), "--since excludes --from"),
    ],
)
def test_a_since_that_means_nothing_is_refused(
    world: World, options: tuple[str, ...], told: str
) -> None:
    ran = world.call("run", *options)

    assert ran.code == 2
    assert told in ran.stderr


def test_where_there_is_a_ledger_its_own_go_live_counts(world: World) -> None:
    world.go_live()

    ran = world.call("run", "--dry-run", "--since", "3d")

    assert ran.code == 2
    assert "there is a ledger already" in ran.stderr


def test_a_dry_run_shows_the_guard_s_stop(world: World) -> None:
    changed(world)
    before = footprint(world.directory)

    dry = world.run(
        "--dry-run",
        RECONCILER_GUARD__CREATES="0",
        RECONCILER_GUARD__SHARE="0",
    )

    assert (dry.code, footprint(world.directory)) == (7, before)
    assert "--accept-plan" in _hints(dry.report)


def test_a_dry_run_works_while_a_ledger_cannot_be_written(world: World) -> None:
    _, new = changed(world)
    for path in world.directory.iterdir():
        path.chmod(0o400)
    world.directory.chmod(0o500)
    try:
        dry = world.run("--dry-run")
    finally:
        world.directory.chmod(0o700)

    assert dry.outcomes[new] == ("create", "planned")


def _hints(report: dict[str, Any]) -> str:
    return " ".join(failure["hint"] or "" for failure in report["run"]["failures"])


def test_a_dry_run_of_a_new_ledger_says_what_it_did_not_look_at(world: World) -> None:
    world.go_live()
    world.returned()
    world.pass_time()

    unlooked, unproven = world.run("--dry-run").report["run"]["remarks"]

    assert "--against-jetti" in unlooked
    [looked] = world.run("--dry-run", "--against-jetti").report["run"]["remarks"]
    assert (
        looked
        == unproven.replace("; an order", "; none of these can prove it, only an order")[
            : -len(" proves it")
        ]
    )


@pytest.mark.covers("R1")
def test_until_a_create_has_proven_the_id_list_reports_say_which_order_can(world: World) -> None:
    made = world.call("init", "--since", "7d").stdout
    world.returned()
    able = world.submit(world.order(("Acme", 1), ("Bolt", 1)), 1, 0)
    world.pass_time()
    dry, looked = world.run("--dry-run"), world.run("--dry-run", "--against-jetti")

    advice = "an order with two or more lines of which only some come back"
    assert f"advice     begin with {advice}" in made
    assert [advice in remark for remark in dry.report["run"]["remarks"]] == [False, True]
    [remark] = looked.report["run"]["remarks"]
    assert remark.endswith(f"; return {able} can prove it")
    told = {change["return_id"]: change["remarks"] for change in looked.report["changes"]}
    assert [one for one, remarks in told.items() if remarks] == [able]
    assert "can prove jetti.cancel_ids_key" in told[able][0]
    assert world.run().report["run"]["remarks"] == []
    world.returned()
    world.pass_time()
    assert world.run("--dry-run").report["run"]["remarks"] == []
    assert advice not in world.call("init", "--repin").stdout


@pytest.mark.parametrize("again", [[], ["--against-jetti"]])
def test_a_dry_run_and_the_run_after_it_name_the_same_plan_whatever_goes_first(
    world: World, again: list[str]
) -> None:
    world.go_live()
    able = world.submit(world.order(("Acme", 1), ("Bolt", 1)), 1, 0)
    world.pass_time()
    world.returned()
    world.pass_time()
    foreseen = world.run("--dry-run", *again)

    ran = world.run()

    assert ran.report["run"]["digest"] == foreseen.report["run"]["digest"]
    assert ran.report["changes"][0]["return_id"] == able


# ------------------------------------------------------------------- what a look cannot promise


@pytest.mark.covers("R8")
def test_a_range_without_a_ledger_leads_to_the_ledger_that_makes_just_that(world: World) -> None:
    """Two returns changed in the range; one of them was raised before it."""
    old = world.returned()
    world.pass_time(days=9)
    young = world.returned()
    world.loop.label(old)
    world.pass_time()
    told = world.call("run", "--from", "7d", "--dry-run").stdout
    [following] = [line for line in told.splitlines() if line.startswith("next ")]
    [note] = [line for line in told.splitlines() if "raised before this range" in line]
    assert note.startswith("note       1 of these was")
    command = following.split()[1:]
    assert command[:3] == ["reconciler", "init", "--since"]

    assert world.call(*command[1:]).code == 0
    ran = world.run()

    assert (ran.code, ran.outcomes[young]) == (0, ("create", "pushed"))
    assert world.in_jetti(old) == []
    assert world.run("--from", "10d", "--yes").outcomes[old] == ("create", "pushed")


def test_what_no_run_would_create_is_not_said_to_be_left_to_a_typed_one(world: World) -> None:
    """Cancelled since, it is only looked for."""
    old = world.returned()
    world.pass_time(days=9)
    world.loop.set_state(old, "cancelled")
    world.pass_time()

    told = world.run("--from", "7d", "--dry-run")

    assert told.outcomes == {old: ("adopt", "planned")}
    assert not [note for note in told.report["run"]["remarks"] if "raised before" in note]


def test_a_look_says_what_a_budget_would_do(world: World) -> None:
    world.go_live()
    world.returned()
    world.returned()
    world.pass_time()

    told = world.run("--dry-run", "--max-writes", "1")

    assert len(told.outcomes) == 2
    assert [note for note in told.report["run"]["remarks"] if "--max-writes 1" in note]
    assert world.run("--max-writes", "1").report["counts"]["pending"] == 1
    done = world.run("--dry-run", "--max-writes", "1").report["run"]["remarks"]
    assert [note for note in done if "--max-writes 1" in note]
