"""The program as the first process of a container, without `tini` or the like: it obeys signals,
ends with the right exit code and leaves no zombies. In a PID namespace of its own."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.agreement import assert_agreement
from tests.support.process_world import RealWorld, on_the_machine_s_clock

SLOW = 20.0
"""Seconds that an answer may take which nobody will wait for."""
_AS_ROOT = () if os.geteuid() == 0 else ("--user", "--map-root-user")
ALONE = ("unshare", *_AS_ROOT, "--pid", "--fork", "--kill-child")
"""What makes a command the first process of a namespace."""


def _why_not() -> str | None:
    if shutil.which("unshare") is None:
        return "there is no unshare"
    if subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode:
        return "no PID namespaces here"
    return None


WHY_NOT = _why_not()
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))


@pytest.fixture
def world(directory: Path) -> Iterator[RealWorld]:
    with on_the_machine_s_clock(directory) as made:
        # What a signal left unverified is read back by the next run, without a wait.
        made.environ["RECONCILER_JETTI__SETTLE"] = "0s"
        yield made


def children(of: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{of}/task/{of}/children").read_text().split()]
    except FileNotFoundError:
        return []


def first(process: subprocess.Popen[str]) -> int:
    """The first process of the namespace, by its number out here."""
    [number] = children(process.pid)
    return number


def test_it_ends_with_the_program_s_exit_code(world: RealWorld) -> None:
    assert world.end(world.start("run", under=ALONE))[0] == 7
    assert world.end(world.start("init", "--since", "7d", under=ALONE))[0] == 0
    world.born()
    code, stdout, _ = world.end(world.start("run", under=ALONE))
    assert code == 0
    assert "1 created" in stdout
    assert world.end(world.start("run", "--frobnicate", under=ALONE))[0] == 2
    assert_agreement(world)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_daemon_once_the_write_in_the_air_is_done(
    world: RealWorld, number: signal.Signals
) -> None:
    world.live()
    world.born()
    world.breaks("POST *", "delay", seconds=0.5)
    daemon = world.start("serve", under=ALONE)
    world.until(lambda: world.jetti.sale_returns())

    os.kill(first(daemon), number)

    assert world.end(daemon)[0] == 128 + number
    assert world.does("run") == 0
    assert len(world.jetti.sale_returns()) == 1
    assert_agreement(world)


def test_a_second_signal_kills_it(world: RealWorld) -> None:
    """The first process of a namespace cannot be killed by one that it has no handler for."""
    world.live()
    world.breaks("list.*", "delay", service="loop", seconds=SLOW)
    process = world.start("run", under=ALONE)
    world.until(lambda: world.sandbox.request_log.all())
    [program] = children(first(process))

    for _ in range(2):
        os.kill(first(process), signal.SIGTERM)
        world.until(lambda: has_taken(program, signal.SIGTERM) or process.poll() is not None)
        if process.poll() is not None:
            break

    assert world.end(process, patience=SLOW / 2)[0] == 143


def has_taken(process: int, number: signal.Signals) -> bool:
    """Whether a process has gone back to the default of a signal, as after the first one."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    [caught] = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")]
    return not int(caught, 16) >> (number - 1) & 1


def test_it_says_by_which_signal_the_program_was_killed(world: RealWorld) -> None:
    world.live()
    daemon = world.start("serve", under=ALONE)
    world.until(lambda: world.sandbox.request_log.all())

    [program] = children(first(daemon))
    os.kill(program, signal.SIGKILL)

    assert world.end(daemon)[0] == 128 + signal.SIGKILL


def test_a_hangup_has_the_daemon_read_its_settings_again(world: RealWorld) -> None:
    world.live()
    daemon = world.start("-v", "serve", under=ALONE)
    world.until(lambda: world.sandbox.request_log.all())
    stderr = daemon.stderr
    assert stderr is not None

    os.kill(first(daemon), signal.SIGHUP)
    while "the settings were read again" not in (line := stderr.readline()):
        assert line, "it has ended"

    os.kill(first(daemon), signal.SIGTERM)
    assert world.end(daemon)[0] == 143


def test_what_has_lost_its_parent_is_reaped(world: RealWorld) -> None:
    world.live()
    # The sleep belongs to whoever becomes the first process, and to nobody who waits for it.
    under = (*ALONE, "sh", "-c", '(sleep 0.2 &); exec "$@"', "sh")
    daemon = world.start("serve", under=under)
    world.until(lambda: world.sandbox.request_log.all())

    # A zombie keeps its name.
    world.until(lambda: "sleep" not in map(name_of, children(first(daemon))))

    os.kill(first(daemon), signal.SIGTERM)
    assert world.end(daemon)[0] == 143


def name_of(process: int) -> str:
    try:
        return Path(f"/proc/{process}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def test_ctrl_c_reaches_the_program_once(world: RealWorld) -> None:
    """A terminal sends it to both; passed on, it would be the second one, which kills."""
    world.live()
    one = world.born()
    world.breaks("POST *", "delay", seconds=2)
    ours, theirs = pty.openpty()
    process = world.start("run", under=("setsid", "--ctty", *ALONE), stdin=theirs)
    os.close(theirs)
    world.until(lambda: world.jetti.sale_returns())
    waiting = first(process)
    [program] = children(waiting)

    os.kill(waiting, signal.SIGSTOP)
    os.write(ours, b"\x03")
    world.until(lambda: has_taken(program, signal.SIGINT))
    os.kill(waiting, signal.SIGCONT)
    code = world.end(process)[0]

    os.close(ours)
    assert code == 130
    assert world.state(one) != "in_flight", "its answer was awaited"
    assert world.does("run") == 0
    assert_agreement(world)
