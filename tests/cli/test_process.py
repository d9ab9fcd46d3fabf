"""The program as a process in hard places: streams, signals, start-up."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.program import bare, reconciler
from tests.support.golden import by_name

COMMANDS = [
    "init", "run", "serve", "status", "list", "show", "verify", "retry", "ignore",
    "resolve", "history", "report", "ledger", "sandbox", "demo",
    "completion", "doctor",
]  # fmt: skip
HEAVY = {
    "alembic",
    "apscheduler",
    "httpcore",
    "httpx",
    "jinja2",
    "msgspec",
    "platformdirs",
    "multiprocessing",
    "qs_codec",
    "rich",
    "sqlalchemy",
    "wcwidth",
    "reconciler.app",
    "reconciler.config",
    "reconciler.ledger",
    "reconciler.sandbox",
}


_TELL_UMASK = """
import atexit, os, sys
from reconciler.cli import main
atexit.register(lambda: print(oct(os.umask(0))))
os.umask(0)
sys.argv = ["reconciler", "--version"]
main()
"""


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["run", "--help"], ["report", "--help"], []]
)
def test_help_loads_nothing_heavy(tmp_path: Path, arguments: list[str]) -> None:
    program = f"""
import atexit, sys
from reconciler.cli import main
atexit.register(lambda: print("loaded", *sorted({HEAVY!r} & set(sys.modules))))
sys.argv = ["reconciler", *{arguments!r}]
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], env=bare(tmp_path), capture_output=True, text=True,
        check=False,
    )  # fmt: skip

    assert done.stdout.splitlines()[-1] == "loaded"


def test_the_program_explains_itself(tmp_path: Path, golden: Callable[[str], None]) -> None:
    done = reconciler("--help", cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", done.stdout, re.MULTILINE)
    golden(done.stdout)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(
    tmp_path: Path, command: str, golden: Callable[[str], None]
) -> None:
    done = reconciler(command, "--help", cwd=tmp_path)

    assert done.returncode == 0
    assert "Example" in done.stdout
    assert f"  reconciler {command}" in done.stdout or f"{command} --max-age" in done.stdout
    assert "Exit codes:" in done.stdout
    assert done.stderr == ""
    golden(done.stdout)


def test_the_version_is_told(tmp_path: Path) -> None:
    from reconciler import __version__

    assert reconciler("--version", cwd=tmp_path).stdout == f"reconciler {__version__}\n"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_do_no_harm(tmp_path: Path, closed: str) -> None:
    done = _shell(f"reconciler init {closed}; echo $? > code; reconciler status", tmp_path)

    assert (tmp_path / "code").read_text() == "0\n"
    assert "Nothing is wrong" in done.stdout


def test_a_reader_that_goes_away_does_no_harm(tmp_path: Path) -> None:
    _shell("reconciler init", tmp_path)

    done = _shell("(reconciler status; echo $? > code) | true", tmp_path)

    assert (tmp_path / "code").read_text() == "0\n"
    assert done.stderr == ""


def test_a_report_that_cannot_be_printed_is_told_by_3(tmp_path: Path) -> None:
    _shell("reconciler init", tmp_path)

    done = _shell("reconciler status > /dev/full; echo $? > code", tmp_path)

    assert (tmp_path / "code").read_text() == "3\n"
    assert done.stderr.startswith("Error: stdout: ")


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_a_help_that_cannot_be_printed_is_no_traceback(tmp_path: Path, option: str) -> None:
    done = _shell(f"reconciler {option} > /dev/full; echo $? > code", tmp_path)

    assert (tmp_path / "code").read_text() == "3\n"
    assert done.stderr == "Error: stdout: No space left on device\n"


def test_without_a_command_the_help_is_shown_and_nothing_called_an_error(tmp_path: Path) -> None:
    ended = reconciler(cwd=tmp_path)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("Usage: reconciler [OPTIONS] COMMAND")


def test_a_complaint_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    done = _shell("reconciler frobnicate 2> /dev/full; echo $?", tmp_path)

    assert done.stdout == "2\n"


def test_no_file_of_ours_can_take_the_place_of_a_closed_stream(tmp_path: Path) -> None:
    program = """
import os, sys
from reconciler.cli import streams
streams.open_all()
with open("opened", "w") as file:
    file.write(str(file.fileno()))
"""
    (tmp_path / "program.py").write_text(program)

    _shell(f'"{sys.executable}" program.py <&- >&- 2>&-', tmp_path)

    assert int((tmp_path / "opened").read_text()) > 2


def test_a_log_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    done = _shell("reconciler init; reconciler -vv status 2> /dev/full; echo $?", tmp_path)

    assert done.stdout.splitlines()[-1] == "0"


def test_files_are_for_their_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    _shell("umask 000; reconciler init; reconciler status --output report", tmp_path)

    masked = subprocess.run(
        [sys.executable, "-c", _TELL_UMASK], env=bare(tmp_path), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert masked.stdout.splitlines()[-1] == "0o77"
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"ledger.db", "report"} <= {path.name for path in files}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_another_encoding_does_no_harm(tmp_path: Path) -> None:
    done = reconciler("show", "日本", cwd=tmp_path, LC_ALL="C", PYTHONIOENCODING="latin-1")

    assert done.returncode == 7


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_server_with_its_own_code(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "reconciler", "sandbox", "--returns", "1"],
        env=bare(tmp_path),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    told = [server.stdout.readline() for _ in range(6)]
    server.send_signal(number)
    _, complaints = server.communicate(timeout=30)

    assert server.returncode == code
    assert complaints == f"Stopped by {number.name}; the next run goes on from here.\n"
    names = [line.removeprefix("export ").partition("=")[0] for line in told]
    assert names == [
        "LOOP_API_KEY",
        "JETTI_API_TOKEN",
        "LOOP_BASE_URL",
        "JETTI_BASE_URL",
        "RECONCILER_LEDGER",
        "SANDBOX_CONTROL_URL",
    ]


def test_a_port_that_is_taken_is_named(tmp_path: Path, golden: Callable[[str], None]) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = reconciler("sandbox", "--control-port", str(port), cwd=tmp_path)

    assert done.returncode == 2
    assert f"--control-port {port}: Address already in use" in done.stderr
    golden(by_name(done.stderr, [(port, "PORT")]))


def _shell(script: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """A shell script in which `reconciler` is this program, with a ledger in the directory."""
    program = f'reconciler() {{ "{sys.executable}" -m reconciler "$@"; }}\n'
    environ = bare(directory) | {
        "PATH": os.defpath,
        "RECONCILER_LEDGER": f"sqlite:///{directory}/ledger.db",
    }
    return subprocess.run(
        ["/bin/sh", "-c", program + script], env=environ, cwd=directory, capture_output=True,
        text=True, check=False, timeout=60,
    )  # fmt: skip
