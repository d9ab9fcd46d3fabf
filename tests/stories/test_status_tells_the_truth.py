"""What `status` and the exit code of a run say after everything that can end one."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler import __version__, inspection
from reconciler.config import load
from reconciler.errors import Interrupted
from tests.stories.test_rows_not_understood import UNREADABLE, spoil
from tests.support.agreement import assert_agreement
from tests.support.world import World


def told(world: World, *options: str) -> tuple[int, str]:
    ran = world.call("status", *options)
    return ran.code, ran.stdout


class Killed(BaseException):
    """No more than a process that is killed does the program catch this."""


def kill_a_run(world: World) -> None:
    """A run dies as soon as it would speak with a service."""

    def kill(*_: object) -> None:
        raise Killed

    world.connect = kill
    with pytest.raises(Killed):
        world.run()
    world.connect = world.reach


def lived(world: World) -> str:
    """A shop with one return that Jetti knows of; the next pass has a new one to push."""
    world.go_live()
    one = world.returned()
    world.pass_time()
    assert world.run().code == 0
    world.returned()
    world.pass_time()
    return one


# ------------------------------------------------------------------------- what ended the last pass


@pytest.mark.covers("P15", "R12")
def test_a_refused_key_is_a_reason_until_a_pass_goes_well(world: World) -> None:
    lived(world)
    assert told(world)[0] == 0

    assert world.run(JETTI_API_TOKEN="wrong-token").code == 6

    code, text = told(world)
    assert (code, text.split("\n")[1]) == (
        3,
        "  ! run 2 (scheduled) ended with exit code 6: Jetti refused the key (answered 401)",
    )
    assert world.run("--return", "31000001").code == 0
    assert told(world)[0] == 3, "a return that a person asked for says nothing of the passes"
    assert world.run().code == 0
    assert told(world)[0] == 0


@pytest.mark.covers("R12")
@pytest.mark.parametrize(("service", "code"), [("loop", 4), ("jetti", 5)])
def test_a_service_that_is_out_is_a_reason_until_a_pass_goes_well(
    world: World, service: str, code: int
) -> None:
    lived(world)
    world.breaks("*", "503", service=service)  # type: ignore[arg-type]

    assert world.run().code == code

    assert told(world)[0] == 3
    assert f"ended with exit code {code}: {service.title()} answered 503" in told(world)[1]
    world.heals()
    world.pass_time(minutes=2)
    assert world.run().code == 0
    assert told(world)[0] == 0


@pytest.mark.covers("R12")
def test_a_pass_without_keys_is_a_reason_although_it_never_began(world: World) -> None:
    """The commonest slip: cron has no environment."""
    lived(world)

    assert world.run(LOOP_API_KEY="").code == 2

    code, text = told(world)
    assert code == 3
    assert "run 2 (scheduled) ended with exit code 2: LOOP_API_KEY: is not set" in text
    assert world.run().code == 0
    assert told(world)[0] == 0


@pytest.mark.covers("R12")
def test_a_pass_that_a_signal_ended_is_a_reason_until_a_pass_goes_well(world: World) -> None:
    lived(world)
    world.clock.stop_with = signal.SIGTERM

    assert world.run().code == 143

    world.clock.stop_with = None
    assert told(world)[0] == 3
    assert "run 2 (scheduled) ended with exit code 143: stopped by SIGTERM" in told(world)[1]
    assert world.run().code == 0
    assert told(world)[0] == 0


@pytest.mark.covers("R12")
def test_a_bug_is_a_reason_until_a_pass_goes_well(world: World) -> None:
    lived(world)

    def broken(*_: object) -> None:
        raise LookupError("canary-bug")

    world.connect = broken

    assert world.run().code == 1

    world.connect = world.reach
    code, text = told(world)
    assert code == 3
    assert f"ended with exit code 1: this is a bug in reconciler {__version__}: LookupError" in text
    assert "canary" not in text
    assert world.run().code == 0
    assert told(world)[0] == 0


@pytest.mark.covers("R13")
def test_a_bug_in_the_middle_of_a_pass_hides_nothing_of_what_was_pushed(world: World) -> None:
    lived(world)
    made = [world.returned() for _ in range(3)]
    world.pass_time()

    class BrokenOnce:
        """The clock, with a bug in it that shows once two of them are in Jetti."""

        def __init__(self, clock: Any) -> None:
            self._clock, self._is_broken = clock, False

        def now(self) -> datetime:
            states = [world.state(one) for one in made if world.in_jetti(one)]
            if states == ["synced", "synced"] and not self._is_broken:
                self._is_broken = True
                raise LookupError("canary-bug")
            return self._clock.now()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._clock, name)

    real, world.clock = world.clock, BrokenOnce(world.clock)
    ran = world.run()
    world.clock = real
    text = world.call("status").stdout

    pushed = [one for one in made if world.in_jetti(one)]
    assert (ran.code, len(pushed)) == (1, 2)
    assert sorted(one for one, what in ran.outcomes.items() if what[1] == "pushed") == pushed
    assert (ran.report["counts"]["created"], "canary" in str(ran.report)) == (2, False)
    assert "this is a bug" in ran.report["run"]["message"]
    last = next(line for line in text.splitlines() if "exit 1" in line)
    assert "2 created" in last
    world.pass_time()
    assert (world.run().code, sum(len(world.in_jetti(one)) for one in made)) == (0, 3)
    assert_agreement(world)


@pytest.mark.covers("R12")
def test_a_pass_whose_report_has_nowhere_to_go_is_a_reason(world: World) -> None:
    lived(world)

    refused = world.call("run", "--output", "/nowhere/report")

    assert (refused.code, "--output /nowhere/report" in refused.stderr) == (2, True)
    code, text = told(world)
    assert code == 3
    assert "ended with exit code 2: --output /nowhere/report" in text
    assert world.run().code == 0
    assert told(world)[0] == 0


def test_a_pass_that_left_something_to_look_at_says_what(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 1), arrives=False)
    world.jetti.import_sale(order)
    world.jetti.import_sale(order)
    world.submit(order)
    world.pass_time()

    assert world.run().code == 3

    assert (
        "run 1 (scheduled) ended with exit code 3: returns need a look: 1 in review"
        in (told(world)[1])
    )


@pytest.mark.covers("R12")
def test_a_pass_that_was_killed_is_told_at_once_and_until_a_good_one(world: World) -> None:
    one = lived(world)
    kill_a_run(world)
    assert (told(world)[0], "and did not end: it was killed" in told(world)[1]) == (3, True)

    assert world.run("--return", one).code == 0

    assert (told(world)[0], "and did not end: it was killed" in told(world)[1]) == (3, True)
    assert world.run().code == 0
    assert told(world)[0] == 0


def test_a_run_that_ends_between_two_looks_was_not_killed(world: World) -> None:
    """First the ledger is read, then the lock is tried, then the ledger is read again."""
    lived(world)
    kill_a_run(world)

    class EndsMeanwhile:
        looks = 0

        def now(self) -> datetime:
            self.looks += 1
            if self.looks == 2:
                assert world.run().code == 0
            return world.clock.now()

    found = inspection.health(load(None, world.environ), EndsMeanwhile(), None)  # type: ignore[arg-type]

    assert (found.healthy, found.reasons) == (True, ())


# ------------------------------------------------------------------------------ the first pass


@pytest.mark.covers("P15", "R12")
def test_a_ledger_that_never_ran_is_not_simply_healthy(world: World) -> None:
    world.go_live()

    code, text = told(world)
    assert (code, text.split("\n")[0]) == (0, "Nothing is wrong, but no pass has completed yet.")
    assert text.rstrip().split("\n")[-1].startswith("next       reconciler run")
    world.pass_time(minutes=61)
    code, text = told(world)
    assert code == 3
    assert "no pass has ever completed, although the ledger was created 61m ago" in text
    assert world.run("--from", "1d").code == 0
    assert told(world)[0] == 3, "a range is not what a timetable starts"
    assert world.run().code == 0
    assert told(world)[0] == 0


# ------------------------------------------------------------------------------------ adoption


@pytest.mark.covers("F91", "R12")
def test_adoption_that_was_broken_off_is_a_reason_until_it_has_looked_everywhere(
    world: World,
) -> None:
    lived(world)
    (world.directory / "ledger.db").unlink()
    world.breaks("*", "503")

    assert world.call("init", "--since", "7d", "--adopt").code == 5

    code, text = told(world)
    assert code == 3
    assert "not everything that Jetti already has was looked up" in text
    again = "reconciler init --adopt --since 2026-02-22T"
    assert text.rstrip().split("\n")[-1].startswith(f"next       {again}")
    world.heals()
    world.pass_time(minutes=2)
    assert world.run().code == 7, "what Jetti holds was not taken over"
    assert "not everything that Jetti already has" in told(world)[1]
    assert world.call("init", "--adopt").code == 0
    assert "not everything that Jetti already has" not in told(world)[1]
    assert world.run().code == 0
    assert told(world)[0] == 0


@pytest.mark.covers("F91")
def test_adoption_that_is_stopped_while_it_waits_is_a_reason_and_waits_out_the_rest(
    world: World,
) -> None:
    """Stopped by Ctrl-C in the settle time, then run again at once: a create that is still in the
    air would be missed by a second look that did not wait."""
    world.go_live()
    one = world.returned()
    world.pass_time()
    world.breaks("POST *", "applied_later", nth=1, seconds=170)
    world.run()
    (world.directory / "ledger.db").unlink()
    world.heals()
    clock = world.clock
    waited = clock.wait

    def impatient(seconds: float) -> None:
        waited(seconds)
        if sum(clock.waited) > before + 60:
            raise Interrupted(signal.SIGINT)

    before = sum(clock.waited)
    clock.wait = impatient  # type: ignore[method-assign]
    stopped = world.call("init", "--since", "7d", "--adopt")
    clock.wait = waited  # type: ignore[method-assign]
    assert stopped.code == 130
    again = "`reconciler init --adopt --since 2026-02-22T12:05:00Z` again"
    assert f"Stopped by SIGINT; nothing was looked up yet: run {again}" in stopped.stderr
    assert told(world)[0] == 3
    before = sum(clock.waited)

    assert world.call("init", "--adopt").code == 0

    assert 100 < sum(clock.waited) - before < 130
    assert "not everything that Jetti already has" not in told(world)[1]
    world.pass_time()
    world.run()
    assert len(world.on_order(world.orders[0])) == 1
    assert world.entry(one).intents == ()


@pytest.mark.covers("F91", "R12")
def test_adopting_says_what_it_waits_for_and_that_it_goes_on(world: World) -> None:
    adopted = world.call("init", "--since", "7d", "--adopt")

    waits = [line for line in adopted.stderr.split("\n") if "jetti.settle" in line]
    assert waits[0].endswith("(jetti.settle): 180 s more")
    assert len(waits) == 6, "a line every half a minute"
    assert "reading Loop: 0 returns" in adopted.stderr
    world.pass_time()
    assert "jetti.settle" not in world.call("init", "--adopt").stderr, "it has settled"


@pytest.mark.covers("R12")
@pytest.mark.parametrize("setting", ["LOOP_API_KEY", "JETTI_API_TOKEN"])
def test_adopting_tries_both_keys_before_anybody_waits(world: World, setting: str) -> None:
    began = world.clock.now()

    refused = world.call("init", "--since", "7d", "--adopt", **{setting: "wrong"})

    assert (refused.code, world.clock.now() - began < timedelta(seconds=60)) == (6, True)
    assert setting in refused.stderr
    code, text = told(world)
    assert (code, "adoption   NOT FINISHED" in text) == (3, True)
    again = world.call("init", "--since", "7d")
    assert (again.code, "`reconciler init --adopt --since " in again.stderr) == (2, True)
    assert world.call("init", "--adopt").code == 0
    assert "adoption" not in told(world)[1]


@pytest.mark.parametrize("kind", ["401", "404", "503"])
def test_adopting_asks_for_nothing_that_it_does_not_need(world: World, kind: str) -> None:
    """A token need not be good for adjustment reasons, and Jetti need not have any."""
    world.breaks("GET /adjustment-reasons.json", kind)

    assert world.call("init", "--since", "7d", "--adopt").code == 0
    assert "adoption" not in told(world)[1]


# --------------------------------------------------------------- what single runs speak of


def trouble(world: World) -> str:
    """A return in review."""
    order = world.order(("Acme", 1), arrives=False)
    world.jetti.import_sale(order)
    world.jetti.import_sale(order)
    return world.submit(order)


@pytest.mark.covers("P13", "R12")
@pytest.mark.parametrize("by", ["--return", "--order"])
def test_a_single_run_speaks_of_its_returns_only(world: World, by: str) -> None:
    one = lived(world)
    bad = trouble(world)
    world.pass_time()
    assert world.run().code == 3
    good, wrong = (one, bad) if by == "--return" else ("#1001", world.orders[-1].name)

    fine = world.run(by, good)
    assert (fine.code, fine.report["problems"]) == (0, [])
    ran = world.run(by, wrong)
    assert (ran.code, [problem["return_id"] for problem in ran.report["problems"]]) == (3, [bad])
    assert world.run(by, good, wrong).code == 3
    assert world.run().code == 3, "a scheduled pass speaks of all"


def test_a_single_run_is_overdue_only_by_its_own(world: World) -> None:
    one = lived(world)
    world.submit(world.order(("Acme", 1), arrives=False))
    world.pass_time()
    assert world.run().code == 0
    world.pass_time(hours=25)
    assert world.run().code == 3

    assert world.run("--return", one).code == 0


@pytest.mark.covers("P13")
def test_stopped_creation_concerns_a_single_run_that_needs_it(world: World) -> None:
    """And the very run that stops it."""
    world.go_live()
    first = world.returned(("Acme", 1), ("Bolt", 1))
    world.pass_time()
    assert world.run().code == 0
    world.sandbox.jetti.switches.cancel_ids_key = "saleItemIds"
    order = world.order(("Acme", 1), ("Bolt", 1))
    culprit = world.submit(order, 1, 0)
    world.pass_time()

    stopping = world.run("--return", culprit)

    assert stopping.code == 7
    waits = world.returned()
    world.pass_time()
    assert world.run("--return", waits).code == 7
    assert world.run("--return", first).code == 0
    assert world.run("--return", culprit).code == 3, "a person must decide about it"
    assert world.run().code == 7


# --------------------------------------------------------------------------------- the clock


@pytest.mark.covers("F9", "R10")
@pytest.mark.parametrize("hours", [1, 3, 30])
def test_a_clock_that_was_set_back_is_not_healthy(world: World, hours: int) -> None:
    lived(world)
    assert world.run().code == 0
    world.clock.ahead = -hours * 3600.0

    code, text = told(world, "--max-age", "45m")

    assert code == 3
    assert "ahead of this machine's clock: the clock is wrong now, or was wrong then" in text
    assert "AHEAD of this machine's clock)" in text
    assert told(world)[0] == 3, "whatever age is asked for"
    world.clock.ahead = 0.0
    assert told(world, "--max-age", "45m")[0] == 0


@pytest.mark.covers("F9")
def test_a_pass_of_a_clock_that_ran_ahead_is_no_sign_of_life_for_ever(world: World) -> None:
    """Made by a clock a day ahead, the last pass would satisfy any age for a day."""
    lived(world)
    world.clock.ahead = 86_400.0
    assert world.run().code == 0
    world.clock.ahead = 0.0

    assert told(world, "--max-age", "45m")[0] == 3
    assert world.run().code == 0
    assert told(world, "--max-age", "45m")[0] == 0
    world.pass_time(minutes=46)
    assert told(world, "--max-age", "45m")[0] == 3, "the later pass is the last, not the longer"


# -------------------------------------------------------------------------- without patience


@pytest.mark.covers("F60", "R17")
def test_without_patience_waiting_is_told_in_the_very_pass(world: World) -> None:
    impatient = {"RECONCILER_POLICY__PATIENCE": "0"}
    world.go_live()
    order = world.order(("Acme", 1), arrives=False)
    one = world.submit(order)
    world.pass_time()

    assert world.run("--dry-run", "--detailed-exitcode", **impatient).code == 10
    first = world.run(**impatient)

    assert (first.code, first.outcomes[one]) == (3, ("create", "waiting"))
    assert [problem["return_id"] for problem in first.report["problems"]] == [one]
    assert world.call("status", **impatient).code == 3
    assert "1 return overdue: waiting\n" in world.call("status", **impatient).stdout
    world.jetti.import_sale(order)
    world.pass_time(hours=1)
    assert world.run(**impatient).code == 0
    assert world.call("status", **impatient).code == 0


def test_without_patience_a_line_may_still_follow_its_order(world: World) -> None:
    impatient = {"RECONCILER_POLICY__PATIENCE": "0"}
    world.go_live()
    order = world.order(("Acme", 1), ("Bolt", 1), arrives=False)
    one = world.submit(order)
    world.jetti.import_sale(replace(order, lines=order.lines[:1]))
    world.pass_time()

    assert world.run(**impatient).code == 3
    assert world.state(one) == "waiting"


# --------------------------------------------------------------- what helps after a safety stop


def goes_on(world: World) -> str:
    """The command that `status` names."""
    return told(world)[1].rstrip().split("\n")[-1].removeprefix("next").strip()


def typed(world: World, command: str) -> int:
    """Do what a report says to type."""
    program, *arguments = shlex.split(command.replace("DATE", "7d"))
    assert program == "reconciler"
    return world.call(*arguments).code


def lost_ledger(world: World) -> tuple[str, ...]:
    """Before its first complete pass."""
    lived(world)
    assert world.run().code == 0
    (world.directory / "ledger.db").unlink()
    world.go_live()
    return ("run",)


def lost_ledger_that_has_pushed(world: World) -> tuple[str, ...]:
    lost_ledger(world)
    one = world.returned()
    world.pass_time()
    assert world.run("--return", one).code == 0
    world.environ |= {"RECONCILER_GUARD__CREATES": "1", "RECONCILER_GUARD__SHARE": "0"}
    return ("run",)


def large_sweep(world: World) -> tuple[str, ...]:
    lived(world)
    world.returned()
    world.environ |= {"RECONCILER_GUARD__CREATES": "1", "RECONCILER_GUARD__SHARE": "0"}
    world.pass_time()
    return ("run", "--sweep", "9d")


def older_range(world: World) -> tuple[str, ...]:
    world.returned()
    world.pass_time(days=9)
    world.go_live("1d")
    assert world.run().code == 0
    return ("run", "--from", "20d")


@pytest.mark.covers("R12", "R21")
@pytest.mark.parametrize(
    "state", [lost_ledger, lost_ledger_that_has_pushed, large_sweep, older_range]
)
def test_status_names_the_command_that_the_stopped_run_had_named_and_it_helps(
    world: World, state: Callable[[World], tuple[str, ...]]
) -> None:
    stopped = world.call(*state(world))
    named = stopped.stdout.rstrip().split("\n")[-1].removeprefix("next").strip()

    assert stopped.code == 7
    assert goes_on(world) == named
    explained = "\nnote       DATE being" in told(world)[1]
    assert explained == ("DATE" in named), "there is no hint beside it"
    world.pass_time(minutes=2)
    assert typed(world, named) == 0
    assert named not in goes_on(world)
    world.pass_time(minutes=2)
    assert world.run().code == 0
    assert_agreement(world)


@pytest.mark.parametrize(
    "state", [lost_ledger, lost_ledger_that_has_pushed, large_sweep, older_range]
)
def test_a_run_that_was_mistyped_hides_no_command_of_a_stop(
    world: World, state: Callable[[World], tuple[str, ...]]
) -> None:
    assert world.call(*state(world)).code == 7
    before, named = told(world)[1], goes_on(world)

    assert world.run("--return", "99999").code == 2

    assert goes_on(world) == named
    assert ("\nnote       " in told(world)[1]) == ("\nnote       " in before)
    world.pass_time(minutes=2)
    assert typed(world, named) == 0


def test_single_runs_that_go_well_hide_no_command_of_a_stopped_pass(world: World) -> None:
    stopped = world.call(*lost_ledger_that_has_pushed(world))
    one = world.returned()
    world.pass_time()
    named = goes_on(world)

    for _ in range(12):
        assert world.run("--return", one).code == 0

    assert (stopped.code, "--adopt" in named) == (7, True)
    assert (told(world)[0], goes_on(world)) == (3, named)


def test_a_forgotten_return_that_is_typed_hides_no_command_of_a_stop(world: World) -> None:
    one = lived(world)
    assert world.call("ledger", "forget", one, "--yes").code == 0
    world.returned()
    world.pass_time()
    tight = {"RECONCILER_GUARD__CREATES": "1", "RECONCILER_GUARD__SHARE": "0"}
    assert world.run("--sweep", "9d", **tight).code == 7
    named = goes_on(world)

    assert world.run("--return", one).code == 2

    assert "--sweep 9d --accept-plan" in named
    assert goes_on(world) == named


# ----------------------------------------------------------------- what was settled since a pass


def in_review(world: World) -> str:
    """A return of which nobody can tell to which of two sales it belongs."""
    order = world.order(("Acme", 1))
    world.jetti.import_sale(order)
    return world.submit(order)


def metric_of_health(world: World) -> str:
    """What a sweep writes; the last pass is still the one that ended with 3."""
    path = world.directory / "metrics.prom"
    assert world.run("--sweep", "9d", RECONCILER_OPERATIONS__METRICS_FILE=str(path)).code == 0
    return next(
        line for line in path.read_text().splitlines() if line.startswith("reconciler_healthy")
    )


@pytest.mark.covers("P15", "R12")
@pytest.mark.parametrize("decision", [("ignore", "--reason", "by hand"), ("retry",)])
def test_what_was_decided_about_is_no_reason_any_more(
    world: World, decision: tuple[str, ...]
) -> None:
    world.trusted()
    first, second = in_review(world), in_review(world)
    world.pass_time()
    assert world.run().code == 3

    command, *options = decision
    assert world.call(command, first, *options, "--yes").code == 0
    code, text = told(world)
    assert (code, "1 return in review" in text) == (3, True)
    assert world.call(command, second, *options, "--yes").code == 0

    code, text = told(world)
    assert (code, text.split("\n")[0]) == (0, "Healthy.")
    assert world.call("status", "--changed").stdout == ""
    if command == "ignore":
        assert metric_of_health(world) == "reconciler_healthy 1.0"
        assert (world.run().code, told(world)[0]) == (0, 0)
        third = in_review(world)
        world.pass_time()
        assert (world.run("--return", third).code, told(world)[0]) == (3, 3)
    else:
        # What is still in the way brings them back.
        assert (world.run().code, told(world)[0]) == (3, 3)


def test_a_row_that_is_ignored_is_no_reason_any_more(world: World) -> None:
    one = lived(world)
    assert world.run().code == 0
    world.loop.edit(one, state="closed")
    spoil(world, one, 0, **UNREADABLE)
    assert world.run().code == 3
    assert told(world)[0] == 3

    assert world.call("ignore", one, "--reason", "known", "--yes").code == 0

    assert told(world)[0] == 0


def test_a_return_that_waited_too_long_is_no_reason_once_it_is_ignored(world: World) -> None:
    world.go_live()
    one = world.submit(world.order(("Acme", 1), arrives=False))
    world.pass_time(hours=25)
    assert world.run().code == 0
    world.pass_time(hours=25)
    assert world.run().code == 3
    assert "overdue" in told(world)[1]

    assert world.call("ignore", one, "--reason", "by hand", "--yes").code == 0

    assert told(world)[0] == 0


def test_a_write_that_is_still_unanswered_stays_a_reason(world: World) -> None:
    world.trusted()
    doubtful, lost = in_review(world), world.returned()
    world.pass_time()
    world.breaks("POST *", "applied_then_lost")
    assert world.run().code == 3
    world.heals()

    assert world.call("ignore", doubtful, "--reason", "by hand", "--yes").code == 0

    code, text = told(world)
    assert (code, world.state(lost)) == (3, "unknown")
    assert "1 with an unanswered write" in text
    world.pass_time()
    assert (world.run("--return", lost).code, told(world)[0]) == (0, 0)


def test_after_a_refused_key_the_next_command_is_the_one_that_tries_keys(world: World) -> None:
    world.go_live()
    world.breaks("*", "401", service="loop")
    assert world.run().code == 6
    assert world.call("status").stdout.splitlines()[-1].endswith("reconciler doctor")

    world.heals()
    assert world.run().code == 0

    assert "doctor" not in world.call("status").stdout
