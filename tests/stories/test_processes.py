"""The program as cron starts it: real processes, real time, real signals, real exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.agreement import assert_agreement
from tests.support.process_world import RealWorld, on_the_machine_s_clock

SLOW = 20.0
"""Seconds that an answer may take which nobody will wait for."""


@pytest.fixture
def world(directory: Path) -> Iterator[RealWorld]:
    with on_the_machine_s_clock(directory) as made:
        yield made


# ---------------------------------------------------------------------------------- exit codes


@pytest.mark.covers("0")
def test_0_everything_due_is_done(world: RealWorld) -> None:
    assert world.does("init", "--since", "7d") == 0
    world.born(("Acme", 1), ("Bolt", 1))

    code, stdout, _ = world.end(world.start("run"))

    assert code == 0
    assert "created" in stdout
    assert_agreement(world)
    assert world.end(world.start("run"))[:2] == (0, ""), "cron mails whatever is printed"
    assert world.does("status", "--max-age", "45m") == 0


_WITH_A_BUG = """
import os, sys
from reconciler.cli import perform
from reconciler.runtime import Runtime

class Broken:
    def now(self):
        raise LookupError("canary-bug")

sys.exit(perform(sys.argv[1:], Runtime(Broken(), os.environ)))
"""


@pytest.mark.covers("1")
def test_1_a_bug(world: RealWorld) -> None:
    world.live()
    before = (world.directory / "ledger.db").read_bytes()

    ended = subprocess.run(
        [sys.executable, "-c", _WITH_A_BUG, "run"],
        env=world.environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: this is a bug in reconciler")
    assert "Traceback" not in ended.stderr
    assert (world.directory / "ledger.db").read_bytes() == before


@pytest.mark.covers("2")
def test_2_usage(world: RealWorld) -> None:
    assert world.does("run", "--to", "2026-01-01") == 2
    assert world.does("run", RECONCILER_LOOP__PAGESIZE="3") == 2
    assert list(world.sandbox.request_log.all()) == []


@pytest.mark.covers("3")
def test_3_some_returns_need_a_person(world: RealWorld) -> None:
    world.live()
    order = world.order(("Acme", 1))
    world.jetti.import_sale(order)
    world.submit(order, at=datetime.now(UTC) - timedelta(hours=1))

    assert world.does("run") == 3
    assert world.does("run") == 3
    assert world.does("status") == 3


@pytest.mark.covers("4")
def test_4_loop_could_not_be_read(world: RealWorld) -> None:
    world.live()
    world.breaks("list.*", "404", service="loop")

    assert world.does("run") == 4


@pytest.mark.covers("5")
def test_5_jetti_is_unavailable(world: RealWorld) -> None:
    world.live()
    world.born()
    world.breaks("GET *", "429", retry_after="ten_years")

    assert world.does("run") == 5


@pytest.mark.covers("6")
def test_6_a_key_was_refused(world: RealWorld) -> None:
    world.live()
    world.born()

    assert world.does("run", LOOP_API_KEY="wrong-key") == 6
    assert world.does("run", JETTI_API_TOKEN="wrong-token") == 6


@pytest.mark.covers("7")
def test_7_a_safety_stop(world: RealWorld) -> None:
    assert world.does("run") == 7
    world.live()
    world.born()

    assert world.does("run", RECONCILER_GUARD__CREATES="0", RECONCILER_GUARD__SHARE="0") == 7
    assert world.writes() == []


@pytest.mark.covers("8")
def test_8_the_ledger_is_unusable(world: RealWorld) -> None:
    world.live()
    path = world.directory / "ledger.db"
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 8192)

    assert world.does("run") == 8
    assert world.writes() == []


@pytest.mark.covers("10")
def test_10_changes_are_pending(world: RealWorld) -> None:
    world.live()
    world.born()

    assert world.does("run", "--dry-run", "--detailed-exitcode") == 10


@pytest.mark.covers("F7", "F80", "75")
def test_75_another_run_holds_the_lock_and_nothing_is_done_twice(world: RealWorld) -> None:
    world.live()
    one = world.born()
    world.breaks("POST *", "delay", seconds=0.5)
    first = world.start("run")
    world.until(lambda: world.jetti.sale_returns())
    first.send_signal(signal.SIGSTOP)
    assert world.state(one) == "in_flight"

    assert world.does("run") == 75
    assert world.does("status") in (0, 3), "looking works meanwhile"
    for named in ((), ("--return", one), ("--order", world.seen(one).order_name)):
        code, text, _ = world.end(world.start("run", "--dry-run", *named))
        assert (code, "need" in text.split("\n")[0], "needs a look" in text) == (0, False, False)
        assert "another run is going on" in text

    first.send_signal(signal.SIGCONT)
    assert world.end(first)[0] == 0
    assert len(world.jetti.sale_returns()) == 1
    assert_agreement(world)


@pytest.mark.parametrize(
    ("typed", "advised"),
    [
        (("run",), "reconciler run --wait 2m"),
        (("run", "--wait", "1s"), "reconciler run --wait 2m"),
        (
            ("-v", "run", "--wait=1s", "--order", "#10 01", "--max-writes", "3"),
            "reconciler -v run --order '#10 01' --max-writes 3 --wait 2m",
        ),
        (("init", "--adopt"), None),
    ],
    ids=["run", "with a wait", "more", "init"],
)
def test_whoever_finds_the_lock_taken_reads_how_to_wait_with_what_they_typed(
    world: RealWorld, typed: tuple[str, ...], advised: str | None
) -> None:
    world.live()
    world.breaks("list.*", "delay", service="loop", seconds=SLOW)
    asked = len(world.sandbox.request_log.all())
    first = world.start("run")
    world.until(lambda: len(world.sandbox.request_log.all()) > asked)

    code, _, stderr = world.end(world.start(*typed))

    first.kill()
    world.end(first)
    hint = stderr.rstrip().split("\n")[-1]
    assert code == 75
    if advised is None:
        assert hint == "Hint: let it finish and try again"
    else:
        assert hint == f"Hint: let it finish and try again, or wait for it: `{advised}`"


@pytest.mark.covers("R12")
def test_status_tells_a_run_that_goes_on_from_one_that_was_killed(world: RealWorld) -> None:
    """By the lock, which the kernel frees: at once, and not only when another run has begun."""
    world.live()
    assert world.does("run") == 0
    world.breaks("list.*", "delay", service="loop", seconds=SLOW)
    asked = len(world.sandbox.request_log.all())
    process = world.start("run")
    world.until(lambda: len(world.sandbox.request_log.all()) > asked)

    goes_on = world.end(world.start("status", COLUMNS="200"))
    process.kill()
    world.end(process)
    killed = world.end(world.start("status", COLUMNS="200"))

    assert goes_on[0] == 0
    assert "not finished: it is still going, or was killed" in goes_on[1]
    assert killed[0] == 3
    assert "did not end: it was killed" in killed[1]
    assert "not finished: was killed" in killed[1]
    world.heals()
    assert (world.does("run"), world.does("status")) == (0, 0)


@pytest.mark.covers("F80")
def test_several_started_together_do_the_work_once(world: RealWorld) -> None:
    world.live()
    for _ in range(3):
        world.born()
    world.breaks("POST *", "delay", seconds=0.4)

    together = [world.start("run") for _ in range(4)]
    codes = sorted(world.end(process)[0] for process in together)

    assert codes[0] == 0
    assert set(codes) <= {0, 75}
    assert_agreement(world)


def test_a_run_can_wait_for_its_turn(world: RealWorld) -> None:
    world.live()
    one = world.born()
    world.breaks("POST *", "delay", seconds=1.0)
    first = world.start("run")
    world.until(lambda: world.jetti.sale_returns())

    assert world.does("run", "--return", one, "--wait", "20s") == 0
    assert world.end(first)[0] == 0
    assert_agreement(world)


# -------------------------------------------------------------------------------------- signals


@pytest.mark.covers("F6", "P14", "R11", "129", "130")
@pytest.mark.parametrize(
    ("number", "code", "listed", "state"),
    [
        (signal.SIGINT, 130, True, "pending"),
        (signal.SIGHUP, 129, True, "pending"),
        (signal.SIGTERM, 143, True, "pending"),
        # The items would have to be read first, which is no longer done.
        (signal.SIGTERM, 143, False, "unknown"),
    ],
)
def test_a_signal_lets_the_write_in_the_air_end_and_starts_no_other(
    world: RealWorld, number: signal.Signals, code: int, listed: bool, state: str
) -> None:
    world.sandbox.jetti.switches.cancel_answer_items = listed
    world.live()
    one = world.born(("Acme", 1), ("Bolt", 1))
    world.breaks("POST *", "delay", seconds=1.0)
    process = world.start("run")
    world.until(lambda: world.jetti.sale_returns())
    process.send_signal(number)

    ended, _, _ = world.end(process)

    assert (ended, len(world.writes())) == (code, 1)
    assert world.state(one) == state, "it is classified"
    assert len(world.entry(one).sale_returns) == (2 if listed else 0)
    world.settles(one)
    assert world.does("run") == 0
    assert_agreement(world)


@pytest.mark.covers("F6", "R11")
def test_a_run_under_nohup_outlives_its_terminal(world: RealWorld) -> None:
    world.live()
    world.born()
    world.breaks("POST *", "delay", seconds=1.0)
    process = world.start("run", under=["nohup"])
    world.until(lambda: world.jetti.sale_returns())
    process.send_signal(signal.SIGHUP)

    assert world.end(process)[0] == 0
    assert_agreement(world)


@pytest.mark.covers("F6", "143")
def test_a_signal_while_loop_is_read_ends_at_once(world: RealWorld) -> None:
    world.live()
    world.born()
    world.breaks("list.*", "delay", service="loop", seconds=SLOW)
    process = world.start("run")
    world.until(lambda: world.sandbox.request_log.all())
    started = time.monotonic()
    process.terminate()

    assert world.end(process)[0] == 143
    assert time.monotonic() - started < SLOW / 2
    world.heals()
    assert world.does("run") == 0
    assert_agreement(world)


@pytest.mark.covers("143")
def test_sigterm_ends_the_daemon_cleanly(world: RealWorld) -> None:
    world.live()
    one = world.born()
    world.breaks("POST *", "delay", seconds=1.0)
    process = world.start("serve", "--every", "1h")
    world.until(lambda: world.jetti.sale_returns())
    process.terminate()

    assert world.end(process)[0] == 143
    assert len(world.writes()) == 1
    world.settles(one)
    assert world.does("run") == 0
    assert_agreement(world)


def test_the_daemon_goes_on_pass_after_pass(world: RealWorld) -> None:
    world.live()
    world.born()
    process = world.start("serve", "--every", "1s")
    world.until(lambda: world.jetti.sale_returns())
    two = world.born()
    world.until(lambda: world.in_jetti(two))
    process.terminate()

    assert world.end(process)[0] == 143
    assert world.does("run") == 0
    assert_agreement(world)


# ---------------------------------------------------------------------------------------- death


@pytest.mark.covers("F1", "F2", "P1")
def test_killed_between_a_create_and_its_commit_leads_to_no_duplicate(world: RealWorld) -> None:
    world.live()
    one = world.born(("Acme", 1), ("Bolt", 1))
    world.breaks("POST *", "delay", seconds=SLOW)
    process = world.start("run")
    world.until(lambda: world.jetti.sale_returns())
    process.kill()
    assert world.end(process)[0] == -signal.SIGKILL
    assert world.state(one) == "in_flight"
    world.heals()
    world.settles(one)

    code = world.does("run")

    assert (code, len(world.jetti.sale_returns())) == (0, 2)
    assert len(world.jetti.notifications()) == 2
    assert_agreement(world)


@pytest.mark.covers("F3")
@pytest.mark.parametrize("operation", ["PUT /sale-returns/*", "PUT /sale-return-items/*"])
def test_killed_between_a_put_and_its_commit(world: RealWorld, operation: str) -> None:
    world.live()
    one = world.born()
    world.breaks(operation, "delay", seconds=SLOW)
    process = world.start("run")
    hits = world.sandbox.faults.active
    world.until(lambda: hits()[0].hits)
    process.kill()
    world.end(process)
    world.heals()
    world.settles(one)

    assert world.does("run") == 0
    assert_agreement(world)


def test_a_read_only_look_after_a_death_changes_nothing(world: RealWorld) -> None:
    world.live()
    world.born()
    world.breaks("POST *", "delay", seconds=SLOW)
    process = world.start("run")
    world.until(lambda: world.jetti.sale_returns())
    process.kill()
    world.end(process)
    before = {path.name: path.read_bytes() for path in world.directory.iterdir()}

    assert world.does("run", "--dry-run") in (0, 3)
    assert world.does("status") in (0, 3)

    assert {path.name: path.read_bytes() for path in world.directory.iterdir()} == before


# ---------------------------------------------------------------------------------- the report


def test_a_report_goes_into_a_file_whole_and_for_its_owner_alone(world: RealWorld) -> None:
    world.live()
    one = world.born()
    file = world.directory / "report.json"

    code, stdout, _ = world.end(world.start("run", "--format", "json", "--output", str(file)))

    report = json.loads(file.read_text())
    assert (code, stdout, file.stat().st_mode & 0o777) == (0, "", 0o600)
    assert [change["return_id"] for change in report["changes"]] == [one]
    assert report["run"]["exit_code"] == 0


@pytest.mark.covers("F95")
def test_a_report_that_cannot_be_written_does_not_undo_the_work(world: RealWorld) -> None:
    world.live()
    world.born()

    assert world.does("run", "--output", "/dev/full") == 3
    assert_agreement(world)


@pytest.mark.covers("F95", "R19")
def test_a_report_that_has_nowhere_to_go_is_refused_before_anything_is_done(
    world: RealWorld,
) -> None:
    world.live()
    world.born()

    for command in (["run"], ["status"], ["show", "1"]):
        assert world.does(*command, "--output", f"{world.directory}/nowhere/report") == 2
    assert list(world.sandbox.request_log.all()) == []


@pytest.mark.covers("F95", "R19")
@pytest.mark.parametrize("name", ["/dev/stdout", "-"])
def test_the_report_goes_to_stdout_by_its_name_too(world: RealWorld, name: str) -> None:
    """Through a pipe, and appended where the shell appends."""
    world.live()
    told = world.end(world.start("history", "--output", name))
    assert told[:2] == world.end(world.start("history"))[:2]
    log = world.directory / "log"
    log.write_text("before\n")

    history = f'"{sys.executable}" -m reconciler history --output {name}'
    done = subprocess.run(
        ["sh", "-c", f"{history} >> log; echo after >> log"],
        env=world.environ,
        cwd=world.directory,
        check=False,
    )

    assert done.returncode == 0
    assert log.read_text() == f"before\n{told[1]}after\n"
    assert not (world.directory / "-").exists()


_AS_NOBODY = """
import os, sys
from reconciler.cli import perform
from reconciler.clock import SystemClock
from reconciler.runtime import Runtime

os.chdir("/")
# The real user has no home. What is imported late may lie where only the effective one reads.
os.setresuid(54321, 0, 0)
sys.exit(perform(sys.argv[1:], Runtime(SystemClock(), os.environ)))
"""


@pytest.mark.covers("F92", "R19")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user without a home")
def test_a_dry_run_needs_no_place_for_a_ledger(world: RealWorld) -> None:
    world.born()
    left_out = ("HOME", "RECONCILER_LEDGER")
    environ = {name: value for name, value in world.environ.items() if name not in left_out}

    def as_nobody(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", _AS_NOBODY, *arguments]
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)

    dry = as_nobody("run", "--dry-run", "--detailed-exitcode")
    assert (dry.returncode, "would create 1." in dry.stdout) == (10, True), dry.stderr
    for command in ("run", "status", "init"):
        refused = as_nobody(command)
        assert refused.returncode == 2
        assert "RECONCILER_LEDGER: is not set" in refused.stderr


@pytest.mark.covers("F92")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_do_not_stop_a_run(world: RealWorld, closed: str) -> None:
    world.live()
    world.born()
    script = f'"{sys.executable}" -m reconciler run {closed}'

    code = subprocess.run(
        ["/bin/sh", "-c", script], env=world.environ, cwd=world.directory, check=False, timeout=60
    ).returncode

    assert code == 0
    assert_agreement(world)


def test_proxies_and_other_people_s_settings_in_the_environment_are_ignored(
    world: RealWorld,
) -> None:
    world.live()
    world.born()
    nowhere = "http://127.0.0.1:9"

    code = world.does("run", HTTP_PROXY=nowhere, http_proxy=nowhere, ALL_PROXY=nowhere, LANG="C")

    assert code == 0
    assert_agreement(world)
