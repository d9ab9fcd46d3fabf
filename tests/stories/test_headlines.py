"""The first line of a failed run is what happened, with what was pushed all the same; whatever was
left names that as its reason."""

from __future__ import annotations

import json
import re
import signal

import pytest

from reconciler.sandbox.faults.registry import Fault
from tests.support.world import World


def headline(world: World, *options: str, **environ: str) -> str:
    """The verdict, behind its time."""
    return untimed(world.call("run", *options, **environ).stdout.split("\n")[0])


def untimed(line: str) -> str:
    return line.partition("  ")[2]


def several(world: World, count: int) -> list[str]:
    """Returns that a pass would create, after one that has proven how; each is finished before the
    next is created."""
    world.sandbox.jetti.switches.cancel_answer_items = True
    world.trusted()
    made = [world.returned() for _ in range(count)]
    world.pass_time()
    return made


def reasons(ran: object) -> set[str]:
    changes = ran.report["changes"]  # type: ignore[attr-defined]
    return {c["reason"] for c in changes if c["outcome"] == "deferred"}


@pytest.mark.covers("F70", "R13")
def test_an_outage_is_told_by_what_jetti_answered_and_what_was_created_before_it(
    world: World,
) -> None:
    """Two creates, of which each has three requests, then nothing but 503."""
    several(world, 9)
    world.sandbox.faults.add(Fault("jetti", "503", "P*", first=7))

    ran = world.run()

    assert (ran.code, ran.report["run"]["message"]) == (5, "Jetti answered 503 five times")
    assert ran.report["counts"]["created"] == 2
    assert reasons(ran) == {"Jetti answered 503 five times, so it was left for a later pass"}


@pytest.mark.covers("R13")
def test_the_text_begins_with_it(world: World) -> None:
    several(world, 9)
    world.sandbox.faults.add(Fault("jetti", "503", "P*", first=7))

    assert headline(world) == (
        "Run 2 (scheduled): Jetti answered 503 five times; 2 created all the same. [exit 5]"
    )


def test_a_log_of_many_reports_tells_when_each_pass_ended(world: World) -> None:
    """In UTC, by the sandbox's clock; a pass that found nothing leaves no line in it."""
    world.go_live()
    ended, log = [], ""
    for finds in (True, False, True):
        if finds:
            world.returned()
        world.pass_time(hours=7)
        ran = world.call("run")
        log += ran.stdout
        ended += [f"{world.sandbox.clock.now():%Y-%m-%d %H:%M:%SZ}"] if finds else []
    log += world.call("run", "--dry-run").stdout
    ended.append(f"{world.sandbox.clock.now():%Y-%m-%d %H:%M:%SZ}")

    heads = [line for line in log.splitlines() if "[exit " in line]

    assert [line.partition("  ")[0] for line in heads] == ended
    assert [untimed(line).partition(" (")[0] for line in heads] == ["Run 1", "Run 3", "Dry run"]


def test_an_outage_of_lookups_is_the_same_fact_although_the_fifth_is_not_asked(
    world: World,
) -> None:
    several(world, 9)
    world.breaks("GET *", "503")

    ran = world.run()

    assert (ran.code, ran.report["run"]["message"]) == (5, "Jetti answered 503 five times")
    assert "not asked" not in ran.stdout
    assert "breaker" not in ran.stdout


def test_failures_of_several_kinds_are_all_named(world: World) -> None:
    several(world, 9)
    for kind, nth in (("503", 7), ("502", 8), ("503", 9), ("502", 10), ("503", 11)):
        world.breaks("P*", kind, nth=nth)

    ran = world.run()

    assert ran.report["run"]["message"] == (
        "Jetti failed five times in a row: answered 503, answered 502"
    )


def test_after_a_long_wait_was_asked_for_that_is_the_fact(world: World) -> None:
    several(world, 9)
    world.breaks("GET *", "429", retry_after="ten_years")

    ran = world.run()

    assert ran.code == 5
    assert ran.report["run"]["message"] == "Jetti answered 429 and asks to wait 315360000 s"


def test_three_times_429_is_told_as_that(world: World) -> None:
    several(world, 9)
    world.breaks("POST *", "429")

    ran = world.run()

    assert (ran.code, ran.report["run"]["message"]) == (5, "Jetti answered 429 three times")
    [failed] = ran.report["run"]["failures"]
    assert_others_are_named(failed["hint"])


def test_a_verification_that_jetti_answers_429_says_that_a_run_may_ask_too(world: World) -> None:
    world.trusted()
    world.pass_time(hours=3)
    world.breaks("GET *", "429")

    ran = world.call("verify", "--format", "json")

    assert ran.code == 5
    [failed] = json.loads(ran.stdout)["verify"]["failures"]
    assert "answered 429" in failed["message"]
    assert_others_are_named(failed["hint"])


def test_only_429_says_that_others_may_ask(world: World) -> None:
    world.trusted()
    world.pass_time(hours=3)
    world.breaks("GET *", "503")

    [failed] = json.loads(world.call("verify", "--format", "json").stdout)["verify"]["failures"]

    assert failed["hint"] is None


def assert_others_are_named(hint: str) -> None:
    assert hint.startswith("another program may be asking Jetti with the same account")
    assert all(name in hint for name in ("a run", "`verify`", "`doctor`"))


def test_what_was_pushed_although_loop_was_out_stands_in_the_headline(world: World) -> None:
    several(world, 1)
    world.run("--max-writes", "0")
    world.breaks("*", "503", service="loop")

    first = headline(world)

    assert first.startswith("Run 3 (scheduled): Loop answered 503 (GET /warehouse/return/list")
    assert first.endswith("; 1 created all the same. [exit 4]")


@pytest.mark.covers("F70")
def test_of_two_failures_the_one_of_the_exit_code_comes_first(world: World) -> None:
    several(world, 6)
    world.run("--max-writes", "0")
    world.breaks("*", "503", service="loop")
    world.breaks("*", "503", service="jetti")

    ran = world.run()

    assert ran.code == 4
    told = [failure["message"].split(" ")[0] for failure in ran.report["run"]["failures"]]
    assert told == ["Loop", "Jetti"]
    world.pass_time(minutes=2)
    text = world.call("run").stdout.split("\n")
    assert untimed(text[0]).startswith("Run 4 (scheduled): Loop answered 503")
    assert "  Also: Jetti answered 503 five times" in text
    refused = world.run(JETTI_API_TOKEN="wrong")
    assert refused.code in (4, 6)


@pytest.mark.covers("R13")
def test_a_refused_key_is_the_reason_of_all_that_was_left(world: World) -> None:
    several(world, 3)

    ran = world.run(JETTI_API_TOKEN="wrong")

    assert ran.code == 6
    fact = "Jetti refused the key (answered 401)"
    assert ran.report["run"]["message"] == fact
    assert reasons(ran) == {f"{fact}, so it stays pending until the key is accepted"}


@pytest.mark.parametrize("options", [(), ("--from", "2h")])
def test_a_dry_run_with_a_refused_key_foresees_nothing_for_the_next_pass(
    world: World, options: tuple[str, ...]
) -> None:
    """It does no better with the same key."""
    several(world, 3)
    look = (*options, "--dry-run", "--against-jetti")

    ran = world.run(*look, JETTI_API_TOKEN="wrong")
    first = world.call("run", *look, JETTI_API_TOKEN="wrong").stdout.split("\n")[0]

    fact = "Jetti refused the key (answered 401)"
    assert ran.code == 6
    assert reasons(ran) == {f"{fact}, so this dry run did not come to it"}
    assert first.endswith(f": {fact}; it did not come to 3 changes. [exit 6]")


def test_a_signal_is_the_reason_of_all_that_was_left(world: World) -> None:
    several(world, 3)
    asked = world.clock.check

    def stop_once_loop_was_read() -> None:
        if any(one.service == "jetti" for one in world.sandbox.request_log.all()[before:]):
            world.clock.stop_with = signal.SIGHUP
        asked()

    before = len(world.sandbox.request_log.all())
    world.clock.check = stop_once_loop_was_read  # type: ignore[method-assign]

    ran = world.run()

    assert (ran.code, ran.report["run"]["message"]) == (129, "stopped by SIGHUP")
    assert reasons(ran) == {"stopped by SIGHUP, so it was left for a later pass"}


@pytest.mark.covers("R13")
def test_a_budget_is_the_reason_of_all_that_was_left(world: World) -> None:
    several(world, 3)

    ran = world.run("--max-writes", "1")

    assert reasons(ran) == {"the budget of 1 write is spent, so it was left for a later pass"}


@pytest.mark.covers("R13")
def test_a_stop_of_the_guard_is_the_reason_of_all_that_it_holds(world: World) -> None:
    several(world, 3)

    ran = world.run(RECONCILER_GUARD__CREATES="1", RECONCILER_GUARD__SHARE="0")

    assert ran.code == 7
    digest = ran.report["run"]["digest"]
    assert reasons(ran) == {f"stopped with plan {digest}, until someone accepts it"}
    assert ran.report["run"]["message"].startswith(f"plan {digest} was not carried out")


def test_what_loop_failed_to_tell_is_not_the_reason_of_what_a_budget_left(world: World) -> None:
    several(world, 3)
    world.run("--max-writes", "0")
    world.breaks("*", "503", service="loop")

    ran = world.run("--max-writes", "1")

    assert ran.code == 4
    assert reasons(ran) == {"the budget of 1 write is spent, so it was left for a later pass"}


# --------------------------------------------------------------------- what a dry run promises


def promised(line: str) -> int:
    """How many returns the headline leaves to later passes."""
    found = re.search(r"leave .*?(\d+) for later passes", line)
    return int(found[1]) if found else 0


def created_by_later_passes(world: World, ids: list[str]) -> set[str]:
    """Of these returns, what three scheduled passes come to create."""
    before = {one for one in ids if world.in_jetti(one)}
    for _ in range(3):
        world.pass_time(hours=1)
        world.run()
    return {one for one in ids if world.in_jetti(one)} - before


WRONG = ("--accept-plan", "0123456789abcdef")
TIGHT = {"RECONCILER_GUARD__CREATES": "1", "RECONCILER_GUARD__SHARE": "0"}


@pytest.mark.parametrize("against", [(), ("--against-jetti",)], ids=["", "against-jetti"])
@pytest.mark.parametrize(
    ("options", "comes_to"),
    [
        (("--from", "30d", *WRONG), False),
        (("--from", "30d", "--to", "8d", *WRONG), False),
        (WRONG, False),
        (("--sweep", "30d", *WRONG), False),
        (("--max-writes", "0"), True),
        (("--from", "30d", "--yes", "--max-writes", "0"), True),
    ],
)
def test_a_dry_run_leaves_to_later_passes_only_what_they_do(
    world: World, options: tuple[str, ...], against: tuple[str, ...], comes_to: bool
) -> None:
    """Two returns are from before go-live, which only a range or their names bring to Jetti."""
    old = [world.returned() for _ in range(2)]
    world.pass_time(days=9)
    world.go_live("1d")
    ids = [*old, world.returned()]
    world.pass_time()

    ran = world.run("--dry-run", *options, *against)
    line = world.call("run", "--dry-run", *options, *against).stdout.split("\n")[0]

    waiting = [one for one in ran.report["changes"] if not one["stopped"]]
    if not comes_to:
        changes = "1 change" if len(waiting) == 1 else f"{len(waiting)} changes"
        assert line.endswith(f"; it did not come to {changes}. [exit 7]")
    assert ran.report["run"]["ended_early"] is not comes_to
    world.run(*options)
    assert promised(line) == (len(created_by_later_passes(world, ids)) if comes_to else 0)


@pytest.mark.parametrize("loop_fails", [False, True])
def test_what_a_dry_run_could_not_come_to_is_not_left_to_later_passes(
    world: World, loop_fails: bool
) -> None:
    """Whatever the exit code is for: a setting that Jetti does not know ends it at the first."""
    for one in several(world, 3):
        world.loop.edit_line(one, world.seen(one).lines[0].id, reason="Broken")
    world.pass_time()
    world.run("--max-writes", "0")
    if loop_fails:
        world.breaks("*", "503", service="loop")
    world.environ["RECONCILER_MAPPING__REASONS__Broken"] = "nonsense"

    ran = world.run("--dry-run", "--against-jetti")
    line = world.call("run", "--dry-run", "--against-jetti").stdout.split("\n")[0]

    assert ran.report["run"]["message"] == world.run().report["run"]["message"]
    missed = [one for one in ran.report["changes"] if one["outcome"] == "deferred"]
    assert len(missed) == 3
    assert {"did not come to it" in one["reason"] for one in missed} == {True}
    assert promised(line) == 0
    assert f"; it did not come to {len(missed)} changes. [exit {ran.code}]" in line


@pytest.mark.parametrize("trouble", ["digest", "key"])
@pytest.mark.parametrize("options", [("--from", "30d"), (), ("--sweep", "30d")])
def test_what_was_left_says_of_each_whether_a_pass_goes_on_with_it(
    world: World, options: tuple[str, ...], trouble: str
) -> None:
    """Of a range that ended before it was accepted, passes create what is younger than go-live."""
    old = [world.returned() for _ in range(2)]
    gone = world.returned()
    world.loop.set_state(gone, "cancelled")
    world.pass_time(days=9)
    world.go_live("1d")
    world.pass_time()
    world.run("--sweep", "30d")
    young = world.returned()
    world.pass_time()
    ids = [*old, young, gone]

    settings: dict[str, str] = {}
    if trouble == "digest":
        options = (*options, *WRONG)
    else:
        settings = {"JETTI_API_TOKEN": "wrong"}
    ran = world.run(*options, **settings)

    left = {one["return_id"]: one["reason"] for one in ran.report["changes"] if one["reason"]}
    assert young in left
    made = created_by_later_passes(world, ids)
    assert made == {young}
    for one, reason in left.items():
        assert "waits for a decision" not in reason
        asks = "it has to be asked for again" in reason or "only a run that asks for it" in reason
        assert asks == (one not in made), reason


@pytest.mark.parametrize(
    ("of", "trouble"),
    [
        (("--from", "1d"), "digest"),
        (("--from", "1d"), "jetti"),
        (("--from", "1d"), "key"),
        ((), "jetti"),
        ((), "key"),
        (("--sweep", "30d"), "jetti"),
    ],
)
def test_what_a_guard_had_stopped_is_not_left_to_later_passes_by_a_run_that_ends_early(
    world: World, of: tuple[str, ...], trouble: str
) -> None:
    world.go_live("1d")  # nothing was pushed yet, so Jetti is asked before anything is accepted
    halted = [world.returned() for _ in range(3)]
    world.pass_time()
    stopped = world.run(**TIGHT)
    assert stopped.code == 7
    young = world.returned()
    world.pass_time()

    options, settings = (WRONG, {}) if trouble == "digest" else ((), {})
    if trouble == "jetti":
        world.breaks("*", "503", service="jetti")
    elif trouble == "key":
        settings = {"JETTI_API_TOKEN": "wrong"}
    ran = world.run(*of, *options, **settings)
    world.heals()

    digest = stopped.report["run"]["digest"]
    assert ran.code in (5, 6, 7)
    said = f"; it stays stopped with plan {digest}"
    assert [said in ran.reason(one) for one in halted] == [True] * 3
    assert "later pass" in ran.reason(young) or "stays pending" in ran.reason(young)
    assert created_by_later_passes(world, [*halted, young]) == {young}


@pytest.mark.parametrize("of", [(), ("--from", "1d", "--yes")], ids=["a pass", "a range"])
def test_what_was_accepted_does_not_stay_stopped_however_the_run_ends(
    world: World, of: tuple[str, ...]
) -> None:
    world.go_live("1d")
    halted = [world.returned() for _ in range(3)]
    world.pass_time()
    stopped = world.run(**TIGHT)
    assert stopped.code == 7
    world.breaks("POST *", "403", service="jetti")

    ran = world.run(*of, "--accept-plan", stopped.report["run"]["digest"], **TIGHT)
    world.heals()

    assert ran.code == 6
    assert [one for one in halted if "stays stopped" in (ran.reason(one) or "")] == []
    assert created_by_later_passes(world, halted) == set(halted)


def test_nor_where_a_signal_ends_the_pass_while_it_looks_for_what_is_stopped_besides(
    world: World,
) -> None:
    world.trusted()
    accepted = [world.returned() for _ in range(3)]
    world.pass_time()
    stopped = world.run(**TIGHT)
    assert stopped.code == 7
    younger = [world.returned() for _ in range(3)]
    world.pass_time()
    before = len(world.sandbox.request_log.all())
    world.breaks("*", "503", service="jetti")
    check = world.clock.check

    def stop_once_jetti_is_asked() -> None:
        if any(one.service == "jetti" for one in world.sandbox.request_log.all()[before:]):
            world.clock.stop_with = signal.SIGTERM
        check()

    world.clock.check = stop_once_jetti_is_asked
    ran = world.run("--accept-plan", stopped.report["run"]["digest"], **TIGHT)
    world.clock.check, world.clock.stop_with = check, None
    world.heals()

    assert ran.code == 128 + signal.SIGTERM
    assert [one for one in accepted if "later pass" in ran.reason(one)] == accepted
    assert [one for one in younger if "stopped with plan" in ran.reason(one)] == younger
    assert created_by_later_passes(world, [*accepted, *younger]) == set(accepted)
