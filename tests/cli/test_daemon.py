"""`serve` as a process against a pretend Loop and Jetti, and the demo as a whole."""

from __future__ import annotations

import json
import logging
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest

from reconciler.cli import perform
from reconciler.errors import Interrupted
from reconciler.log_events import RUN
from reconciler.runtime import Runtime
from reconciler.sandbox.faults.registry import Fault
from reconciler.sandbox.sandbox import Sandbox, SandboxOptions
from reconciler.sandbox.server.serving import serving
from tests.cli.program import KEYS, bare, reconciler

EMPTY = SandboxOptions(returns=0)


@contextmanager
def served(directory: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], Sandbox]]:
    """A daemon over a new ledger, and the sandbox it works on."""
    sandbox = Sandbox(EMPTY)
    with serving(sandbox):
        environ = bare(directory) | sandbox.environment()
        made = reconciler("init", cwd=directory, **sandbox.environment())
        assert made.returncode == 0, made.stderr
        daemon = subprocess.Popen(
            [sys.executable, "-m", "reconciler", "serve", *options],
            env=environ, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            yield daemon, sandbox
        finally:
            daemon.kill()
            daemon.communicate()


def until_logged(daemon: subprocess.Popen[str], text: str, times: int = 1) -> list[str]:
    """The log up to there. It ends with the process at the latest, and is given up after so
    many lines, so this cannot hang."""
    assert daemon.stderr is not None
    lines: list[str] = []
    for line in islice(daemon.stderr, 100):
        lines.append(line)
        if sum(text in logged for logged in lines) >= times:
            return lines
    raise AssertionError("".join(lines))


@pytest.mark.covers("130")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_passes_come_at_once_and_again_until_a_signal(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    with served(tmp_path, "--every", "0.5s") as (daemon, _):
        until_logged(daemon, "INFO pass: ended with exit code 0", times=2)
        daemon.send_signal(number)

        printed, complaints = daemon.communicate(timeout=30)

    assert daemon.returncode == code
    assert f"Stopped by {number.name}; the next run goes on from here.\n" in complaints
    assert printed == ""


def test_a_signal_ends_a_pass_that_waits(tmp_path: Path) -> None:
    four_minutes = {"retry_after": "seconds", "seconds": 240.0}

    with served(tmp_path, "--every", "0.5s") as (daemon, sandbox):
        until_logged(daemon, "ended with exit code 0")
        sandbox.request_log.clear()
        sandbox.faults.add(Fault("loop", "429", parameters=four_minutes))
        while not sandbox.request_log.all():
            time.sleep(0.02)
        started = time.monotonic()
        daemon.send_signal(signal.SIGTERM)
        daemon.communicate(timeout=60)

    assert daemon.returncode == 143
    assert time.monotonic() - started < 20


@pytest.mark.covers("F13")
def test_a_failed_pass_is_logged_and_the_next_one_comes(tmp_path: Path) -> None:
    with served(tmp_path, "--every", "0.5s") as (daemon, _):
        until_logged(daemon, "ended with exit code 0")
        ledger = tmp_path / ".local/state/reconciler/ledger.db"
        ledger.rename(tmp_path / "away")

        lines = until_logged(daemon, "WARNING pass: ended with exit code 7", times=2)

    assert any("there is no ledger at" in line for line in lines)


@pytest.mark.covers("F13", "R11")
def test_sighup_has_the_settings_read_again_or_keeps_the_old_ones(tmp_path: Path) -> None:
    """A pass goes on with the ledger it began with; the next one works with the new settings."""
    settings = tmp_path / "reconciler.toml"
    with served(tmp_path, "--every", "0.5s") as (daemon, _):
        until_logged(daemon, "ended with exit code 0")
        settings.write_text("ledger = 7\n")
        daemon.send_signal(signal.SIGHUP)
        lines = until_logged(daemon, "WARNING SIGHUP: the settings stay as they were")
        assert "reconciler.toml: ledger: 7" in lines[-1] or "ledger" in lines[-1]
        until_logged(daemon, "ended with exit code 0", times=2)

        settings.write_text(f'ledger = "sqlite:///{tmp_path}/elsewhere.db"\n')
        daemon.send_signal(signal.SIGHUP)
        until_logged(daemon, "INFO SIGHUP: the settings were read again")
        lines = until_logged(daemon, "ended with exit code 7")

        assert any(f"there is no ledger at {tmp_path}/elsewhere.db" in line for line in lines)
        daemon.send_signal(signal.SIGTERM)
        daemon.communicate(timeout=30)
    assert daemon.returncode == 143


class _SteppingClock:
    """Begins at 02:45 and goes on only while somebody waits, until a signal is asked for: however
    busy the machine is, all that is to happen before 02:47 does."""

    def __init__(self) -> None:
        self._passed = 0.0
        self._lock = threading.Lock()
        self.stopped = threading.Event()

    def monotonic(self) -> float:
        return self._passed

    def now(self) -> datetime:
        return datetime(2026, 3, 1, 2, 45, tzinfo=UTC) + timedelta(seconds=self._passed)

    def wait(self, seconds: float) -> None:
        with self._lock:
            self._passed += seconds
        self.stopped.wait(0.005)  # the other threads get their turn
        self.check()

    def check(self) -> None:
        if self.stopped.is_set():
            raise Interrupted(signal.SIGTERM)


@pytest.mark.parametrize("place", ["sound", "damaged"])
def test_once_a_day_the_ledger_is_backed_up_and_a_failure_is_told(
    tmp_path: Path, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    """At 02:47, whatever the passes do; a failure ends neither the daemon nor a pass."""
    ledger = tmp_path / "ledger.db"
    environ = {
        **KEYS,
        "RECONCILER_LEDGER": str(ledger),
        "LOOP_BASE_URL": "http://127.0.0.1:9/api",
        "JETTI_BASE_URL": "http://127.0.0.1:9/api",
    }
    clock = _SteppingClock()
    runtime = Runtime(clock, environ)
    assert perform(["-q", "init"], runtime) == 0
    if place == "damaged":
        (tmp_path / "ledger.db.backup.partial").symlink_to(tmp_path / "away")

    class Watch(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "backup: ended" in record.getMessage():
                clock.stopped.set()

    watch = Watch()
    logging.getLogger("reconciler.cli.serve").addHandler(watch)
    try:
        with caplog.at_level(logging.INFO):
            status = perform(["serve", "--every", "9h", "--keep-backups", "2"], runtime)
    finally:
        logging.getLogger("reconciler.cli.serve").removeHandler(watch)

    made = list(tmp_path.glob("ledger.db.20260301T*Z.backup"))
    [(level, told)] = [
        (record.levelname, record.getMessage())
        for record in caplog.records
        if "backup: ended" in record.getMessage()
    ]
    outcome = json.loads((tmp_path / "ledger.db.backup.json").read_bytes())
    assert status == 143
    if place == "sound":
        assert (len(made), level, told) == (1, "INFO", "backup: ended with exit code 0")
        assert [outcome["path"], outcome["failed_at"]] == [str(made[0]), None]
        assert outcome["made_at"] >= "2026-03-01T02:47"
    else:
        assert (made, level, told) == ([], "WARNING", "backup: ended with exit code 8")
        assert "could not be made" in caplog.text
        assert outcome["made_at"] is None
        assert outcome["failed_at"] >= "2026-03-01T02:47"
        assert "could not be made" in outcome["problem"]
    assert outcome["keep"] == 2


def test_the_nightly_sweep_of_a_daemon_tries_both_keys(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """At 03:17, although no pass before it had anything to ask Jetti."""
    clock = _SteppingClock()
    options = SandboxOptions(returns=0, start=clock.now(), frozen=True, rate_limits=False)
    sandbox = Sandbox(options)

    class Watch(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "sweep: ended" in record.getMessage():
                clock.stopped.set()

    watch = Watch()
    with serving(sandbox):
        environ = sandbox.environment() | {"RECONCILER_LEDGER": str(tmp_path / "ledger.db")}
        assert perform(["-q", "init"], Runtime(clock, environ)) == 0
        rotated = Runtime(clock, environ | {"JETTI_API_TOKEN": "rotated"})
        logging.getLogger("reconciler.cli.serve").addHandler(watch)
        try:
            with caplog.at_level(logging.INFO):
                perform(["serve", "--every", "9h", "--sweep", "120d"], rotated)
        finally:
            RUN.set(None)  # of the run that this thread began last
            logging.getLogger("reconciler.cli.serve").removeHandler(watch)

    ended = [one.getMessage() for one in caplog.records if ": ended with" in one.getMessage()]
    assert "pass: ended with exit code 0" in ended
    assert ended[-1] == "sweep: ended with exit code 6"


def test_without_keys_there_is_no_daemon(tmp_path: Path) -> None:
    done = reconciler("serve", cwd=tmp_path, LOOP_API_KEY="k" * 8)

    assert done.returncode == 2
    assert "JETTI_API_TOKEN" in done.stderr


def test_the_demo_ends_with_the_page_of_its_second_run(tmp_path: Path) -> None:
    done = reconciler("demo", "--html", "demo.html", cwd=tmp_path, COLUMNS="200")

    assert (done.returncode, done.stderr) == (0, "")
    page = (tmp_path / "demo.html").read_text()
    [did] = re.findall(r"^ +2  scheduled .*? exit 0  (.*)$", done.stdout, re.M)[:1]
    [verdict] = re.findall(r"<h1[^>]*>(.*?)</h1>", page, re.S)
    counted = re.findall(r"\d+ (?:created|updated|cancelled)", verdict)
    assert counted
    assert [one for one in counted if one not in did] == []
    assert done.stdout.splitlines()[-1].endswith(f"is in {tmp_path / 'demo.html'}")


def test_a_page_of_the_demo_that_cannot_be_written_is_refused_before_it_begins(
    tmp_path: Path,
) -> None:
    done = reconciler("demo", "--html", "missing/demo.html", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert "--html missing/demo.html: " in done.stderr


def test_the_demo_tells_the_whole_story(tmp_path: Path) -> None:
    done = reconciler("demo", cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []
    assert max(map(len, done.stdout.splitlines())) <= 80
    for said in (
        "$ reconciler init --since 7d",
        "$ reconciler run --dry-run",
        "would create",
        "created",
        "updated",
        "cancelled",
        "$ reconciler status\nHealthy.",
    ):
        assert said in done.stdout
    _, _, _, silent, *decided = done.stdout.split("$ reconciler run\n")
    # Each report begins with its time; what follows a silent pass is the story.
    assert not re.match(r"\s*20\d\d-", silent)
    assert "$ reconciler resolve" in decided[0]
    assert "1 updated" in decided[1]
