"""Read-only disks, strangers in the ledger, cron's bare environment, little of everything.

Real processes on the machine's own clock; the mounts of a test are seen by its own process only.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.cli import perform
from reconciler.clock import SystemClock
from reconciler.ledger import opening
from reconciler.runtime import Runtime
from reconciler.sandbox.delivery import Delivery
from reconciler.sandbox.messages import Request, Response
from reconciler.sandbox.server.listener import Listener
from tests.support.agreement import assert_agreement
from tests.support.process_world import RealWorld, on_the_machine_s_clock

Ended = subprocess.CompletedProcess[str]


@pytest.fixture
def world(directory: Path) -> Iterator[RealWorld]:
    with on_the_machine_s_clock(directory) as made:
        yield made


def every_byte(directory: Path) -> dict[str, bytes]:
    """All files but the one that says who holds the lock."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.suffix != ".lock"
    }


def asked(world: RealWorld) -> int:
    """Requests that reached either service."""
    return len(list(world.sandbox.request_log.all()))


def shell(world: RealWorld, script: str, *, cwd: Path | None = None, **environ: str) -> Ended:
    """A shell script in which `reconciler` is this program, with nothing else in the environment.

    Variables that the world has set are left out where they are given as empty.
    """
    known = {name: value for name, value in {**world.environ, **environ}.items() if value}
    return subprocess.run(
        ["/bin/sh", "-c", f'reconciler() {{ "{sys.executable}" -m reconciler "$@"; }}\n{script}'],
        env=known,
        cwd=cwd or world.directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def here(world: RealWorld, *arguments: str) -> int:
    """One command line in this process, where starting another would prove no more."""
    return perform(["--quiet", *arguments], Runtime(SystemClock(), world.environ))


# ------------------------------------------------------------------------ read-only (F85, F96)

_READ_ONLY = 'mount --bind "$D" "$D" && mount -o remount,ro,bind "$D" && {command}'


@pytest.fixture
def read_only(world: RealWorld) -> Callable[[str], Ended]:
    """Runs a command line while the ledger's file system is mounted read-only."""
    probe = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("only root may mount")

    def run(command: str) -> Ended:
        script = _READ_ONLY.format(command=f'"{sys.executable}" -m reconciler {command}')
        return shell(world, f"unshare -m sh -c '{script}'", cwd=Path("/"), D=str(world.directory))

    return run


@pytest.mark.covers("F85")
def test_a_read_only_file_system_is_found_before_anybody_is_asked(
    world: RealWorld, read_only: Callable[[str], Ended]
) -> None:
    world.live()
    world.born()
    before = every_byte(world.directory)

    done = read_only("run")

    assert (done.returncode, asked(world)) == (8, 0)
    assert "read-only" in done.stderr.lower()
    assert every_byte(world.directory) == before
    assert here(world, "run") == 0
    assert_agreement(world)


@pytest.mark.covers("F96", "P7")
def test_looking_works_on_a_read_only_file_system(
    world: RealWorld, read_only: Callable[[str], Ended]
) -> None:
    world.live()
    one = world.born()
    assert here(world, "run") == 0
    two = world.born()
    before = every_byte(world.directory)

    looked = [
        read_only("run --dry-run --detailed-exitcode"),
        read_only("status"),
        read_only(f"show {one}"),
    ]

    assert [done.returncode for done in looked] == [10, 0, 0]
    assert two in looked[0].stdout
    assert every_byte(world.directory) == before


_DIE_IN_THE_MIDDLE = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = TRUNCATE")
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE entries SET state = 'dead', reason = hex(randomblob(20000))")
connection.execute("UPDATE meta SET shop = 'half done', watermark = 0")
connection.execute("SELECT count(*) FROM entries").fetchone()
os.kill(os.getpid(), signal.SIGKILL)
"""


def die_in_the_middle_of_a_commit(world: RealWorld) -> None:
    """Leave what a run leaves that was killed while it wrote: half a commit and its journal."""
    file = world.directory / "ledger.db"
    died = subprocess.run([sys.executable, "-c", _DIE_IN_THE_MIDDLE, file], check=False)
    assert died.returncode == -signal.SIGKILL
    assert (world.directory / "ledger.db-journal").stat().st_size > 0


@pytest.mark.covers("F96")
def test_after_a_death_in_a_commit_a_look_tells_what_was_committed_and_changes_no_byte(
    world: RealWorld, read_only: Callable[[str], Ended]
) -> None:
    world.live()
    for _ in range(3):
        world.born()
    assert here(world, "run") == 0
    before_death = shell(world, 'reconciler show "#1001"').stdout
    die_in_the_middle_of_a_commit(world)
    world.born()
    before = every_byte(world.directory)

    for run in (read_only, lambda command: shell(world, f"reconciler {command}")):
        looked = [run("run --dry-run --detailed-exitcode"), run('show "#1001"')]
        assert [done.returncode for done in looked] == [10, 0]
        assert looked[0].stdout.count("would create") >= 1
        assert looked[1].stdout == before_death
        assert every_byte(world.directory) == before

    assert here(world, "run") == 0
    assert_agreement(world)


# ------------------------------------------------------- strangers, damage, absence (F86 to F88)


@pytest.mark.covers("F86")
@pytest.mark.parametrize("begin", ["BEGIN", "BEGIN EXCLUSIVE"])
def test_a_stranger_who_lets_go_of_the_ledger_in_time_is_waited_for(
    world: RealWorld, begin: str
) -> None:
    world.live()
    one = world.born()
    with closing(sqlite3.connect(world.directory / "ledger.db", isolation_level=None)) as stranger:
        stranger.execute(begin)
        stranger.execute("SELECT * FROM meta").fetchall()
        process = world.start("run")
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(2.0)
        assert world.writes() == [], "before a write it waits"
        stranger.execute("COMMIT")

    assert world.end(process)[0] == 0
    assert world.in_jetti(one)
    assert_agreement(world)


DAMAGE: dict[str, tuple[Callable[[bytes], bytes | None], int]] = {
    "flipped bytes": (lambda b: b[:8192] + bytes(255 - x for x in b[8192:12288]) + b[12288:], 8),
    "cut in half": (lambda b: b[: len(b) // 2 // 4096 * 4096], 8),
    "a web page": (lambda b: b"<html>Sign in</html>" * 500, 8),
    "nothing in it": (lambda b: b"", 7),
    "another program's": (lambda b: b[:68] + b"\x00\x00\x00\x01" + b[72:], 7),
    "not there": (lambda b: None, 7),
    "of a later version": (lambda b: b[:60] + b"\x00\x00\x27\x0f" + b[64:], 8),
}


@pytest.mark.covers("F87", "F88", "F89")
@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_no_sound_ledger_is_refused_untouched_and_never_begun_anew(
    world: RealWorld, damage: str
) -> None:
    spoil, code = DAMAGE[damage]
    world.live()
    for _ in range(2):
        world.born()
    assert here(world, "run") == 0
    file = world.directory / "ledger.db"
    sound = file.read_bytes()
    spoilt = spoil(sound)
    file.unlink() if spoilt is None else file.write_bytes(spoilt)
    before, requests = every_byte(world.directory), asked(world)

    ended, _, complaint = world.end(world.start("run"))

    assert (ended, asked(world)) == (code, requests)
    assert every_byte(world.directory) == before
    assert any(word in complaint for word in ("restore", "init", "install"))
    file.write_bytes(sound)
    assert here(world, "run") == 0
    assert_agreement(world)


# ------------------------------------------------------------------- the environment (F92, F93)


@pytest.mark.covers("F92")
@pytest.mark.parametrize("stdout", ["", "| head -1"])
def test_cron_s_bare_environment_is_enough(world: RealWorld, stdout: str) -> None:
    world.live()
    world.born()

    done = shell(
        world,
        f'umask 000; (reconciler run; echo $? >"$CODE") {stdout}',
        cwd=Path("/"),
        HOME="",
        LANG="C",
        LC_ALL="C",
        CODE=str(world.directory / "code"),
    )

    assert (world.directory / "code").read_text() == "0\n", done.stderr
    assert "Traceback" not in done.stderr
    modes = {
        path.name: path.stat().st_mode & 0o777
        for path in world.directory.iterdir()
        if path.name != "code"
    }
    assert set(modes.values()) == {0o600}, modes
    assert_agreement(world)


@pytest.mark.covers("F93", "P16")
def test_what_the_environment_says_of_proxies_and_certificates_reaches_nobody(
    world: RealWorld,
) -> None:
    world.live()
    world.born()
    arrived: list[Request] = []

    def deliver(request: Request) -> Delivery:
        arrived.append(request)
        return Delivery(Response(502, b"", {}))

    (world.directory / ".netrc").write_text("machine 127.0.0.1 login someone password else\n")
    (world.directory / ".netrc").chmod(0o600)
    with Listener(0, deliver) as canary:
        names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
        proxies = {spelt: canary.url for name in names for spelt in (name, name.lower())}
        code = world.does(
            "run",
            **proxies,
            SSL_CERT_FILE=str(world.directory / "nowhere.pem"),
            SSL_CERT_DIR="/nonexistent",
            REQUESTS_CA_BUNDLE="/nonexistent",
            NETRC=str(world.directory / ".netrc"),
        )

    assert (code, arrived) == (0, [])
    assert_agreement(world)


# ----------------------------------------------------------------------- little is left (F94)


def settled(world: RealWorld) -> None:
    """Whatever a run left open can be read back now."""
    for row in world.loop.returns():
        with opening.open_reader(world.ledger, world.clock) as ledger:
            known = ledger.entries.get([row.id])
        if known:
            world.settles(row.id)


@pytest.mark.covers("F94")
@pytest.mark.parametrize("files", [4, 5])
def test_few_file_descriptors_stop_a_run_cleanly_or_not_at_all(
    world: RealWorld, files: int
) -> None:
    world.live()
    world.born()

    done = shell(world, f"ulimit -n {files}; reconciler run")

    assert done.returncode in (0, 1, 8), done.stderr
    settled(world)
    assert here(world, "run") == 0
    assert_agreement(world)


@pytest.mark.covers("F94")
@pytest.mark.parametrize("megabytes", [45, 55, 57, 64])
def test_little_memory_stops_a_run_and_is_told_as_what_it_is(
    world: RealWorld, megabytes: int
) -> None:
    world.live()
    world.born()

    done = shell(world, f"ulimit -v {megabytes * 1024}; reconciler run")

    # Python and its extensions may crash where they find no memory; that is a death like another.
    crashes = (128 + signal.SIGSEGV, 128 + signal.SIGABRT)
    assert done.returncode in (0, 1, *crashes), done.stderr
    assert "corrupt" not in done.stderr
    settled(world)
    assert here(world, "run") == 0
    assert_agreement(world)


@pytest.mark.covers("F94")
def test_without_a_temporary_directory_a_run_and_a_look_work(world: RealWorld) -> None:
    world.live()
    world.born()
    if not shutil.which("unshare") or os.geteuid():
        pytest.skip("only root may mount")
    # Read-only and not hidden: the program itself may be installed below one of them.
    freeze = "mount --bind $place $place && mount -o remount,bind,ro $place"
    freeze = f"for place in /tmp /var/tmp /usr/tmp; do {freeze}; done"
    script = f'{freeze} 2>&-; exec "$0" -m reconciler "$@"'

    codes = [
        shell(
            world, f"unshare -m sh -c '{script}' \"{sys.executable}\" {line}", TMPDIR="/nonexistent"
        ).returncode
        for line in ("run --dry-run --detailed-exitcode", "run")
    ]

    assert codes == [10, 0]
    assert_agreement(world)
