"""What a guard stopped, in every order of events: who is accepted, by whom, and who is told."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from types import FrameType
from urllib import parse as urlcache

import pytest

from tests.support.agreement import assert_agreement
from tests.support.world import NOON, Ran, World

TIGHT = {"RECONCILER_GUARD__CREATES": "2", "RECONCILER_GUARD__UPDATES": "2"}
ADOPT = "reconciler init --adopt --since DATE"
"""Where the ledger never pushed: a lost one's go-live counts, and is not known."""


def several(world: World, count: int) -> list[str]:
    made = [world.returned() for _ in range(count)]
    world.pass_time()
    return made


def older(world: World, count: int, days: int) -> list[str]:
    """Returns of so many days ago, newest last."""
    return [
        world.submit(world.order(("Acme", 1)), at=NOON - timedelta(days=days, minutes=place))
        for place in range(count)
    ]


def digest(ran: Ran) -> str:
    return str(ran.report["run"]["digest"])


def created(ran: Ran) -> int:
    return int(ran.report["counts"]["created"])


def stopped_plan(world: World) -> str | None:
    """The digest that `status` names, if any."""
    told = json.loads(world.call("status", "--format", "json").stdout)["facts"]["stopped"]
    return told and str(told["digest"])


# -------------------------------------------------------------- opened by nobody but a person


@pytest.mark.covers("R8")
def test_a_sweep_that_records_hundreds_of_older_returns_opens_no_stopped_plan(world: World) -> None:
    """init --since 7d, a stop, the nightly sweep: the share grew by recordings, not by changes."""
    older(world, 12, days=60)
    world.go_live("7d")
    several(world, 3)
    stopped = world.run(**TIGHT)

    swept = world.run("--sweep", "120d", **TIGHT)
    later = world.run(**TIGHT)

    assert (stopped.code, swept.code, later.code) == (7, 7, 7)
    assert world.writes() == []
    assert digest(stopped) == digest(later) == stopped_plan(world)


@pytest.mark.covers("R8")
def test_returns_recorded_now_but_changed_long_ago_do_not_widen_the_share(world: World) -> None:
    """The same without a stopped plan before it: the sweep comes first."""
    older(world, 12, days=60)
    world.go_live("7d")
    world.run("--sweep", "120d", **TIGHT)
    several(world, 3)

    assert world.run(**TIGHT).code == 7


@pytest.mark.covers("R8")
def test_a_stopped_plan_stays_stopped_and_what_is_new_flows(world: World) -> None:
    world.go_live()
    halted = several(world, 3)
    stopped = world.run(**TIGHT)
    fresh = several(world, 2)

    ran = world.run(**TIGHT)

    assert (ran.code, created(ran), digest(ran)) == (7, 2, digest(stopped))
    assert {one: world.in_jetti(one) != [] for one in (*halted, *fresh)} == {
        **dict.fromkeys(halted, False),
        **dict.fromkeys(fresh, True),
    }
    assert all("stopped with plan" in ran.reason(one) for one in halted)


def test_a_laxer_setting_opens_no_stopped_plan(world: World) -> None:
    world.go_live()
    several(world, 3)
    world.run(**TIGHT)

    ran = world.run()

    assert (ran.code, world.writes()) == (7, [])


def test_a_member_that_changes_is_judged_by_itself(world: World) -> None:
    world.go_live()
    first, *rest = several(world, 3)
    stopped = world.run(**TIGHT)
    world.loop.label(first)
    world.pass_time()

    ran = world.run(**TIGHT)

    assert (ran.code, created(ran)) == (7, 1)
    assert digest(ran) != digest(stopped), "it names what is left of the plan"
    assert [world.in_jetti(one) for one in rest] == [[], []]


@pytest.mark.covers("R8")
def test_a_stopped_plan_is_over_when_all_of_it_is_gone_or_changed(world: World) -> None:
    world.go_live()
    made = several(world, 3)
    world.run(**TIGHT)
    for one in made:
        world.loop.set_state(one, "cancelled")
    world.pass_time()

    ran = world.run(**TIGHT)

    assert (ran.code, stopped_plan(world), world.writes()) == (0, None, [])
    assert world.call("status").code == 0


def test_what_a_person_names_of_a_stopped_plan_is_settled_by_that(world: World) -> None:
    world.go_live()
    first, *rest = several(world, 3)
    world.run(**TIGHT)

    named = world.run("--return", first, **TIGHT)
    later = world.run(**TIGHT)

    assert (created(named), later.code) == (1, 7)
    assert len(world.in_jetti(first)) == 1
    assert [world.in_jetti(one) for one in rest] == [[], []]


def taken_over(world: World, *, part: bool) -> tuple[Ran, str, list[str]]:
    """A plan is stopped; staff raise one of its returns, or half of it; `init --adopt` finds it."""
    world.go_live()
    order = world.order(("Acme", 1), ("Bolt", 1))
    taken = world.submit(order, 1, 1)
    rest = several(world, 2)
    stopped = world.run(**TIGHT)
    items = dict.fromkeys(world.item_ids(order)[: 1 if part else 2], 1)
    marker = {"externalId": taken} if part else {}
    world.jetti.raise_sale_return(world.sale_id(order), items, **marker)
    world.pass_time(hours=1)
    assert world.call("init", "--adopt").code == 0
    assert world.entry(taken).sale_returns, "taken over"
    return stopped, taken, rest


@pytest.mark.covers("R8")
@pytest.mark.parametrize("part", [False, True])
def test_what_init_adopt_takes_over_of_a_stopped_plan_stays_stopped(
    world: World, part: bool
) -> None:
    """Its create is an update from now on, and may yet mail the vendor whom staff left out."""
    stopped, taken, rest = taken_over(world, part=part)

    ran = world.run(**TIGHT)
    swept = world.run("--sweep", "30d", **TIGHT)
    laxer = world.run()
    told = world.call("status").stdout

    assert [one.code for one in (stopped, ran, swept, laxer)] == [7, 7, 7, 7]
    assert world.writes() == []
    assert {c["return_id"]: c["change"] for c in ran.report["changes"] if c["stopped"]} == {
        taken: "update",
        **dict.fromkeys(rest, "create"),
    }
    assert f"plan {digest(ran)} is stopped since 2026-03-01 12:0" in told, "since the first stop"
    assert world.run("--accept-plan", digest(ran), **TIGHT).code == 0
    assert_agreement(world)


@pytest.mark.covers("R8")
@pytest.mark.parametrize("part", [False, True])
def test_the_digest_that_status_names_opens_what_was_taken_over_since(
    world: World, part: bool
) -> None:
    stopped, *_ = taken_over(world, part=part)

    named = stopped_plan(world)
    ran = world.run("--accept-plan", digest(stopped), **TIGHT)

    assert (named, ran.code, stopped_plan(world)) == (digest(stopped), 0, None)
    assert_agreement(world)


def test_a_person_who_names_what_was_taken_over_settles_it(world: World) -> None:
    _, taken, rest = taken_over(world, part=True)

    named = world.run("--return", taken, **TIGHT)
    later = world.run(**TIGHT)

    assert (named.code, len(world.in_jetti(taken)), later.code) == (0, 2, 7)
    assert [world.in_jetti(one) for one in rest] == [[], []]


def test_two_stops_become_one_plan_that_one_digest_opens(world: World) -> None:
    world.go_live()
    several(world, 3)
    first = world.run(**TIGHT)
    several(world, 4)
    second = world.run(**TIGHT)

    ran = world.run("--accept-plan", digest(second), **TIGHT)

    assert (first.code, second.code, ran.code, created(ran)) == (7, 7, 0, 7)
    assert_agreement(world)


def test_the_first_digest_opens_its_part_of_a_plan_that_grew(world: World) -> None:
    world.go_live()
    several(world, 3)
    first = world.run(**TIGHT)
    several(world, 4)
    world.run(**TIGHT)

    ran = world.run("--accept-plan", digest(first), **TIGHT)

    assert (ran.code, created(ran)) == (7, 3)


@pytest.mark.parametrize("budget", [("--max-writes", "3"), ("--max-writes", "0")])
def test_an_accepted_plan_that_a_budget_cut_short_goes_on_by_itself(
    world: World, budget: tuple[str, str]
) -> None:
    world.go_live()
    several(world, 4)
    stopped = world.run(**TIGHT)

    part = world.run("--accept-plan", digest(stopped), *budget, **TIGHT)
    rest = world.run(**TIGHT)

    assert (part.code, rest.code, created(part) + created(rest)) == (0, 0, 4)
    assert stopped_plan(world) is None
    assert_agreement(world)


def test_a_dry_run_and_the_run_agree_about_what_is_stopped(world: World) -> None:
    world.go_live()
    several(world, 3)
    world.run(**TIGHT)
    several(world, 1)

    dry = world.run("--dry-run", **TIGHT)
    ran = world.run(**TIGHT)

    assert (dry.code, ran.code, digest(dry)) == (7, 7, digest(ran))
    assert [c["return_id"] for c in dry.report["changes"] if c["stopped"]] == [
        c["return_id"] for c in ran.report["changes"] if c["stopped"]
    ]


def test_a_changed_mapping_stays_stopped_while_new_returns_flow(world: World) -> None:
    received = {"RECONCILER_MAPPING__STATUS__OPEN__DELIVERED": "received"}
    world.go_live()
    [one] = several(world, 1)
    world.loop.label(one, status="delivered")
    world.pass_time()
    world.run()
    stopped = world.run(**received)
    [other] = several(world, 1)

    ran = world.run(**received)

    assert (stopped.code, ran.code, created(ran)) == (7, 7, 1)
    assert [made["status"] for made in world.in_jetti(one)] == ["shipped"]
    assert world.run("--accept-plan", digest(ran), **received).code == 0
    assert [made["status"] for made in world.in_jetti(one)] == ["received"]
    assert len(world.in_jetti(other)) == 1


# --------------------------------------------------------------------- what a person asked for


@pytest.mark.covers("R8")
@pytest.mark.parametrize("cut", ["budget", "signal"])
def test_a_range_cut_short_poisons_no_later_pass(world: World, cut: str) -> None:
    """run --from 200d --max-writes 6, or an interrupt: the poll goes on with the rest."""
    old = older(world, 5, days=60)
    world.go_live("7d")
    if cut == "budget":
        part = world.run("--from", "200d", "--yes", "--max-writes", "3", **TIGHT)
        assert "scheduled passes" in str(part.report["run"]["remarks"])
    else:
        world.clock.stop_after_writes = 1
        part = world.run("--from", "200d", "--yes", **TIGHT)
        world.clock.stop_after_writes = None
    [fresh] = several(world, 1)

    ran = world.run(**TIGHT)

    assert part.code == (0 if cut == "budget" else 130)
    assert ran.code == 0
    creates = [c["return_id"] for c in ran.report["changes"] if c["change"] == "create"]
    read_back = 1 if cut == "signal" else 0
    assert creates[read_back] == fresh, "the rest comes behind fresh changes"
    assert {world.state(one) for one in (*old, fresh)} == {"synced"}
    assert_agreement(world)


@pytest.mark.covers("R8")
def test_the_rest_of_a_range_stays_free_of_the_guard_when_it_changes(world: World) -> None:
    old = older(world, 5, days=60)
    world.go_live("7d")
    world.run("--from", "200d", "--yes", "--max-writes", "0", **TIGHT)
    for one in old:
        world.loop.label(one, status="in_transit")
    world.pass_time()

    ran = world.run(**TIGHT)

    assert (ran.code, created(ran)) == (0, 5)


def test_what_was_skipped_before_go_live_is_not_lost_when_its_range_is_cut_short(
    world: World,
) -> None:
    old = older(world, 3, days=60)
    world.go_live("7d")
    world.run("--sweep", "120d")
    assert {world.state(one) for one in old} == {"skipped"}

    world.run("--from", "200d", "--yes", "--max-writes", "0")
    ran = world.run()

    assert (ran.code, created(ran)) == (0, 3)


@pytest.mark.covers("R8")
@pytest.mark.parametrize(
    ("days", "count"), [(60, 1), (1, 3)], ids=["from before go-live", "too many"]
)
def test_a_range_is_not_a_blank_cheque(world: World, days: int, count: int) -> None:
    asked = older(world, count, days=days)
    world.go_live("7d")

    refused = world.run("--from", "200d", **TIGHT)
    polled = world.run("--sweep", "120d", RECONCILER_GUARD__CREATES="0")
    accepted = world.run("--from", "200d", "--accept-plan", digest(refused), **TIGHT)

    assert (refused.code, accepted.code, created(accepted)) == (7, 0, count)
    [failure] = refused.report["run"]["failures"]
    assert f"it would create {count} return" in failure["message"]
    assert "mail 1 vendor" in failure["message"]
    assert f"--accept-plan {digest(refused)}" in failure["command"]
    assert created(polled) == 0
    assert {world.state(one) for one in asked} == {"synced"}


def test_a_refused_range_leaves_nothing_for_the_poll_to_create(world: World) -> None:
    old = older(world, 2, days=60)
    world.go_live("7d")
    world.run("--from", "200d")

    ran = world.run()

    assert (ran.code, created(ran), world.jetti.sale_returns()) == (0, 0, [])
    assert {world.state(one) for one in old} == {"skipped"}


def test_a_small_range_after_go_live_asks_nobody(world: World) -> None:
    world.go_live("7d")
    several(world, 2)

    assert world.run("--from", "3d", **TIGHT).code == 0
    assert_agreement(world)


def test_single_returns_are_free_of_all_this(world: World) -> None:
    [old] = older(world, 1, days=60)
    world.go_live("7d")
    made = several(world, 3)

    ran = world.run("--return", old, *(f"--return={one}" for one in made), **TIGHT)

    assert (ran.code, created(ran)) == (0, 4)


def test_yes_is_for_ranges_only(world: World) -> None:
    world.go_live()

    assert world.call("run", "--yes").code == 2


# ------------------------------------------------------------------------- what is told, and first


@pytest.mark.covers("R8")
def test_a_new_ledger_before_markers_of_ours_says_adopt_however_large_the_plan(
    world: World,
) -> None:
    world.go_live()
    several(world, 3)
    world.run()
    for path in world.directory.iterdir():
        path.unlink()
    world.go_live()
    world.pass_time()

    ran = world.run(**TIGHT)
    text = world.call("run", **TIGHT).stdout.splitlines()

    assert ran.code == 7
    assert [f["command"] for f in ran.report["run"]["failures"]] == [ADOPT]
    assert text[-1].split(maxsplit=1) == ["next", ADOPT]
    assert "--accept-plan" not in "\n".join(text)


@pytest.mark.covers("R8")
@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_a_stop_shows_the_plan_and_ends_with_the_command_that_goes_on(
    world: World, options: tuple[str, ...]
) -> None:
    world.go_live()
    several(world, 1)
    world.run()
    made = several(world, 3)
    names = [world.seen(one).order_name for one in made]

    lines = world.call("run", *options, **TIGHT).stdout.splitlines()
    last = lines[-1].split(maxsplit=1)[1]

    [title] = [line for line in lines if line.startswith("stopped (3), to create: ")]
    shown = lines[lines.index(title) + 1 : lines.index("", lines.index(title))]
    assert [sum(f"{name} " in line for line in shown) for name in names] == [1, 1, 1]
    assert last.startswith("reconciler run --accept-plan ")
    assert world.call(*last.split()[1:], **TIGHT).code == 0
    assert_agreement(world)


@pytest.mark.covers("R8")
@pytest.mark.parametrize("is_lost", [False, True])
@pytest.mark.parametrize("kind", [(), ("--from", "2h")])
def test_a_new_ledger_s_dry_run_leads_to_the_look_whose_last_line_is_right(
    world: World, is_lost: bool, kind: tuple[str, ...]
) -> None:
    """Whether Jetti already has some of it only a look there can tell: by the last lines alone a
    person gets from a dry run to where nothing is done twice."""
    world.go_live()
    several(world, 3)
    if is_lost:
        world.run()
        lose(world)

    first = last_line(world, "run", *kind, "--dry-run")
    second = last_line(world, *first.split()[1:])

    assert first.endswith("--dry-run --against-jetti")
    assert ("init --adopt" in second, "--accept-plan" in second) == (is_lost, not is_lost)
    assert world.call(*second.replace("DATE", "2026-02-22").split()[1:], **TIGHT).code == 0
    assert_agreement(world)


@pytest.mark.covers("R8")
def test_a_ledger_that_was_lost_is_told_so_also_after_it_has_pushed_one_return(
    world: World,
) -> None:
    world.go_live()
    several(world, 3)
    world.run()
    lose(world)
    new = world.returned()
    world.pass_time()
    assert world.run("--return", new, **TIGHT).code == 0

    stopped = world.run(**TIGHT)

    [failure] = stopped.report["run"]["failures"]
    known = "reconciler init --adopt --since 2026-02-22T12:05:00Z"
    assert (stopped.code, failure["command"]) == (7, known)
    assert "Jetti already holds 3 of the 3 returns that would be created" in failure["message"]
    assert last_line(world, "run", "--dry-run", "--against-jetti") == known
    assert last_line(world, "run", "--from", "2h") == known
    writes = len(world.writes())
    assert world.call(*known.split()[1:]).code == 0
    assert (world.run(**TIGHT).code, len(world.writes())) == (0, writes)
    assert_agreement(world)


@pytest.mark.parametrize(("fault", "code"), [("500", 7), ("401", 6)])
def test_a_plan_is_stopped_also_where_jetti_cannot_be_asked_which_is_told(
    world: World, fault: str, code: int
) -> None:
    world.go_live()
    several(world, 1)
    world.run()
    several(world, 3)
    world.breaks("*", fault, service="jetti")

    stopped = world.run(**TIGHT)

    told = {one["command"]: one["message"] for one in stopped.report["run"]["failures"]}
    assert (stopped.code, set(told)) == (
        code,
        {None, f"reconciler run --accept-plan {digest(stopped)}"},
    )
    assert f"answered {fault}" in told[None]
    assert stopped_plan(world) == digest(stopped)


@pytest.mark.covers("R8")
def test_the_oldest_of_a_long_plan_are_looked_at_too(world: World) -> None:
    """Of a lost ledger's returns they are the likeliest to be in Jetti."""
    world.go_live()
    several(world, 2)
    world.run()
    lose(world)
    several(world, 205)

    assert last_line(world, "run") == ADOPT


def test_the_newest_of_a_long_plan_are_looked_at_too(world: World) -> None:
    world.go_live()
    several(world, 205)
    for _ in range(2):
        world.returned()
    world.pass_time()
    for one in [row.id for row in world.loop.returns()][-2:]:
        assert world.run("--return", one).code == 0
    lose(world)

    assert last_line(world, "run") == ADOPT


def lose(world: World) -> None:
    """The ledger is lost, and somebody makes a new one."""
    for path in world.directory.iterdir():
        path.unlink()
    world.go_live()


def last_line(world: World, *arguments: str) -> str:
    """The command that a run names last."""
    shown = world.call(*arguments, **TIGHT).stdout.splitlines()[-1]
    assert shown.startswith("next ")
    return shown.split(maxsplit=1)[1]


@pytest.mark.covers("R8")
@pytest.mark.parametrize("away", ["review", "cancelled", "expired", "late scan", "refused"])
def test_what_a_person_asked_for_counts_for_no_guard_after_it_was_away(
    world: World, away: str
) -> None:
    """Let through by hand, but not pushed: Loop took it back for a while, or Jetti refused it."""
    none = {"RECONCILER_GUARD__CREATES": "0"}
    old = older(world, 1 if away == "refused" else 3, days=60)
    world.go_live("7d")
    if away == "refused":
        world.breaks("POST *", "400")
    world.run("--from", "200d", "--yes", *(() if away == "refused" else NOTHING), **none)
    world.heals()
    for one in old:
        if away == "late scan":
            world.loop.label(one, status="in_transit")
        if away != "refused":
            world.loop.set_state(one, "expired" if away == "late scan" else away)
    world.pass_time()
    world.run(**none)
    for one in old:
        if away == "refused":
            world.loop.label(one)
        else:
            world.loop.set_state(one, "closed")
    world.pass_time()

    ran = world.run(**none)

    assert (ran.code, created(ran)) == (0, len(old))
    assert_agreement(world)


NOTHING = ("--max-writes", "0")


@pytest.mark.covers("R8")
def test_a_range_that_was_refused_is_kept_so_that_its_digest_opens_it_later(world: World) -> None:
    older(world, 3, days=60)
    world.go_live("7d")
    refused = world.run("--from", "200d", **TIGHT)
    several(world, 1)

    ran = world.run("--from", "200d", "--accept-plan", digest(refused), **TIGHT)

    assert (refused.code, ran.code, created(ran)) == (7, 0, 4)
    assert "no such plan" not in str(ran.report["run"])


@pytest.mark.covers("R8")
def test_a_stop_says_how_much_its_digest_opens_and_not_only_what_is_new_in_it(
    world: World,
) -> None:
    """A mapping, a stop, the mapping put back, one more return, the mapping again."""
    world.go_live()
    several(world, 3)
    world.run()
    odd = {"RECONCILER_MAPPING__STATUS__OPEN__NONE": "finalized"}
    first = world.run(**odd)
    world.run()
    one = world.returned()
    world.pass_time()
    world.run("--return", one)

    again = world.run(**odd)

    message = again.report["run"]["failures"][0]["message"]
    assert (first.code, again.code) == (7, 7)
    assert "the changed mapping would change 1 pushed return." in message
    assert "Together with 3 stopped earlier, it would update 4 returns" in message
    opened = world.run("--accept-plan", digest(again), **odd)
    assert opened.report["counts"]["updated"] == 4


def test_a_file_that_lets_nothing_through_is_told_so(world: World, tmp_path: Path) -> None:
    world.go_live()
    several(world, 1)
    world.run()
    several(world, 3)
    reviewed = str(tmp_path / "plan.json")
    world.call("run", "--dry-run", "--format", "json", "--output", reviewed)

    first = world.run("--accept-plan", reviewed, **TIGHT).report["run"]["remarks"]
    again = world.run("--accept-plan", reviewed, **TIGHT).report["run"]["remarks"]

    said = "--accept-plan opened nothing: nothing in the file matches this plan any more"
    assert [any(one.startswith(said) for one in remarks) for remarks in (first, again)] == [
        False,
        True,
    ]
    world.breaks("*", "401", service="loop")
    unread = world.run("--accept-plan", reviewed, **TIGHT)
    assert (unread.code, unread.report["run"]["remarks"]) == (6, []), "there was no plan"


@pytest.mark.covers("R8")
def test_a_sweep_s_stop_is_not_told_once_the_plan_is_another(world: World) -> None:
    world.go_live()
    several(world, 1)
    world.run()
    made = several(world, 3)
    world.run(**TIGHT)
    swept = world.run("--sweep", "30d", **TIGHT)
    for one in made:
        world.loop.label(one)
    world.pass_time()
    again = world.run(**TIGHT)

    reasons = " ".join(json.loads(world.call("status", "--format", "json").stdout)["reasons"])

    assert digest(swept) != digest(again)
    assert (digest(swept) in reasons, digest(again) in reasons) == (False, True)


@pytest.mark.covers("R8")
def test_status_names_the_stopped_plan_and_stops_when_it_is_over(world: World) -> None:
    world.go_live()
    several(world, 3)
    stopped = world.run(**TIGHT)

    before = world.call("status")
    world.pass_time(hours=1)
    world.run("--accept-plan", digest(stopped), **TIGHT)
    after = world.call("status")

    assert before.code == 3
    assert f"plan {digest(stopped)} is stopped since 2026-03-01 12:0" in before.stdout
    assert before.stdout.splitlines()[-1].endswith(f"run --accept-plan {digest(stopped)}")
    assert (after.code, "stopped" in after.stdout) == (0, False)


@pytest.mark.covers("R8")
def test_a_stopped_member_that_is_not_due_for_a_while_stays_stopped(world: World) -> None:
    """An order was waited for before the stop; then the clock is set back for an hour."""
    world.go_live()
    late = world.order(("Acme", 1), arrives=False)
    waiting = world.submit(late)
    world.pass_time()
    world.run()
    world.pass_time(minutes=50)
    world.run()
    world.pass_time(minutes=30)
    world.jetti.import_sale(late)
    several(world, 2)
    stopped = world.run(**TIGHT)
    assert waiting in {c["return_id"] for c in stopped.report["changes"] if c["stopped"]}

    world.clock.ahead = -45 * 60.0
    world.run(**TIGHT)
    world.clock.ahead = 0.0
    ran = world.run(**TIGHT)

    assert (stopped.code, ran.code, world.writes()) == (7, 7, [])
    assert digest(ran) == digest(stopped)


@pytest.mark.parametrize("kind", [(), ("--from", "2h"), ("--sweep", "9d"), ("--dry-run",)])
@pytest.mark.parametrize("due", [0, 1])
def test_a_digest_that_names_no_plan_stops_the_pass(
    world: World, due: int, kind: tuple[str, ...]
) -> None:
    """Also where nothing needs to be accepted, and where --quiet leaves out the report."""
    world.go_live()
    several(world, due)
    unknown = ("--accept-plan", "0123456789abcdef")

    ran = world.run(*unknown, *kind)
    several(world, due)
    quiet = world.call("-q", "run", *unknown, *kind)

    said = "--accept-plan 0123456789abcdef: no such plan was kept or made; nothing was pushed"
    assert (ran.code, quiet.code, world.writes()) == (7, 7, [])
    assert said in ran.report["run"]["failures"][0]["message"]
    assert said in quiet.stdout
    assert world.run().code == 0, "the next pass goes on without it"


def test_a_digest_of_which_nothing_is_left_is_told(world: World) -> None:
    world.go_live()
    several(world, 3)
    stopped = world.run(**TIGHT)
    accepted = world.run("--accept-plan", digest(stopped), **TIGHT)
    several(world, 1)

    again = world.call("run", "--accept-plan", digest(stopped), **TIGHT)

    assert (stopped.code, accepted.code, again.code) == (7, 0, 0)
    assert "opened nothing" not in accepted.stdout + accepted.stderr
    assert f"--accept-plan {digest(stopped)} opened nothing: nothing of that plan is left" in (
        again.stdout
    )


def test_show_says_how_a_stopped_return_goes_on(world: World) -> None:
    world.go_live()
    first, *_ = several(world, 3)
    stopped = world.run(**TIGHT)

    before = json.loads(world.call("show", first, "--format", "json").stdout)
    world.run("--accept-plan", digest(stopped), **TIGHT)
    after = json.loads(world.call("show", first, "--format", "json").stdout)

    assert f"run --accept-plan {digest(stopped)}`" in before["returns"][0]["next"]
    assert after["returns"][0]["next"].startswith("nothing: ")


def test_a_stopped_dry_run_promises_nothing_of_what_is_stopped(world: World) -> None:
    world.go_live()
    several(world, 3)

    headline = world.call("run", "--dry-run", **TIGHT).stdout.splitlines()[0]

    assert "all the same" not in headline, headline


def test_a_sweep_s_stop_is_over_with_its_plan(world: World) -> None:
    world.go_live()
    several(world, 3)
    world.run(**TIGHT)
    swept = world.run("--sweep", "120d", **TIGHT)

    world.run("--accept-plan", digest(swept), **TIGHT)

    assert swept.code == 7
    assert world.call("status").code == 0


def test_a_range_that_was_interrupted_before_consent_promises_no_rest(world: World) -> None:
    older(world, 3, days=60)
    world.go_live("7d")
    world.clock.stop_after_requests_to_jetti = 1
    ran = world.run("--from", "200d")
    world.clock.stop_after_requests_to_jetti = None
    later = world.run()

    assert (ran.code, created(later)) == (130, 0)
    assert "scheduled passes" not in str(ran.report["run"]["remarks"])


# ------------------------------------------------------------------------------------- its cost


def test_what_a_stopped_plan_costs_grows_with_it_and_not_with_its_square(world: World) -> None:
    """By how often each function is called, which no busy machine changes."""
    world.go_live()
    calls: list[Counter[str]] = []
    for born in (100, 100):
        for _ in range(born):
            world.returned()
        world.pass_time()
        calls.append(Counter())

        def count(frame: FrameType, event: str, argument: object) -> None:
            code = argument if event == "c_call" else frame.f_code
            name = getattr(code, "__qualname__", None) or frame.f_code.co_qualname
            calls[-1][f"{event} {name}"] += 1

        urlcache.clear_cache()  # else the first of them profits from what other tests have left
        sys.setprofile(count)
        try:
            stopped = world.run()
        finally:
            sys.setprofile(None)
        assert stopped.code == 7

    few, many = calls
    # What only the second does is read the hundred that were left: some ten columns of each.
    steep = {name for name, count in many.items() if count > 2000 and count > 3 * few[name]}
    assert steep == set()


@pytest.mark.parametrize("keeps_fingerprints", [False, True], ids=["this version's", "older"])
def test_what_a_reviewed_plan_skipped_is_not_accepted_by_it(
    world: World, keeps_fingerprints: bool
) -> None:
    """Its settings left these out; others let them through before it is accepted."""
    world.go_live()
    for _ in range(3):
        world.returned()
    world.pass_time()
    left_out = world.run("--dry-run", RECONCILER_POLICY__TYPES__INCLUDE="none of these", **TIGHT)
    [kinds] = {(one["change"], one["outcome"]) for one in left_out.report["changes"]}
    assert kinds == ("create", "skipped")
    if keeps_fingerprints:
        let_through = world.run("--dry-run", **TIGHT)
        wants = {one["return_id"]: one["fingerprint"] for one in let_through.report["changes"]}
        for one in left_out.report["changes"]:
            one["fingerprint"] = wants[one["return_id"]]
    reviewed = world.directory / "plan.json"
    reviewed.write_text(json.dumps(left_out.report))

    ran = world.run("--accept-plan", str(reviewed), **TIGHT)

    assert (ran.code, world.writes()) == (7, [])


def test_a_stopped_dry_run_says_that_orders_were_not_looked_up_and_how_they_are(
    world: World,
) -> None:
    world.go_live()
    made = several(world, 3)
    dry = ("--dry-run", "--against-jetti")
    before = len(world.sandbox.request_log.all())

    stopped = world.run(*dry, **TIGHT)

    asked = [one.path for one in world.sandbox.request_log.all()[before:]]
    assert not any("/sales.json" in path for path in asked), "else the remark would be untrue"
    [said] = [one for one in stopped.report["run"]["remarks"] if "markers of its creates" in one]
    [digest_named] = re.findall("--accept-plan ([0-9a-f]{16})", said)
    looked = world.run(*dry, "--accept-plan", digest_named, **TIGHT)
    assert looked.code == 0
    assert any("/sales.json" in one.path for one in world.sandbox.request_log.all())
    assert world.run(**TIGHT).code == 7, "a dry run accepts nothing"
    assert [world.in_jetti(one) for one in made] == [[], [], []]
