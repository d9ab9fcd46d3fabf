"""The program by the clock of a sandbox: as a process, and never with a real service."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.cli.program import program
from reconciler.core.instants import iso
from reconciler.sandbox.sandbox import Sandbox, SandboxOptions
from reconciler.sandbox.server.control_client import Control
from reconciler.sandbox.server.serving import serving
from tests.cli.program import KEYS, bare, reconciler

NOWHERE = "http://127.0.0.1:9"
"""Nobody listens there."""


@contextmanager
def played(directory: Path, **options: object) -> Iterator[tuple[Sandbox, dict[str, str]]]:
    """A shop that is served fast, and the settings that use it."""
    settings = {"seed": 4, "returns": 40, "alive": True, "speed": 100_000.0, **options}
    with serving(sandbox := Sandbox(SandboxOptions(**settings))) as urls:  # type: ignore[arg-type]
        yield (
            sandbox,
            {
                **sandbox.environment(),
                "RECONCILER_LEDGER": f"sqlite:///{directory}/ledger.db",
                "RECONCILER_SANDBOX_CLOCK": urls.control,
            },
        )


# ------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "command", [["status"], ["run"], ["init"], ["run", "--dry-run"], ["serve"]]
)
@pytest.mark.parametrize("elsewhere", ["LOOP_BASE_URL", "JETTI_BASE_URL"])
def test_with_a_service_on_another_machine_it_is_refused(
    tmp_path: Path, command: list[str], elsewhere: str
) -> None:
    with played(tmp_path) as (sandbox, environ):
        real = environ | {elsewhere: "https://api.example.test/api"}

        done = reconciler(*command, cwd=tmp_path, **real)

        assert done.returncode == 2
        assert "https://api.example.test/api is not on this machine" in done.stderr
        assert "unset RECONCILER_SANDBOX_CLOCK" in done.stderr
        assert sandbox.request_log.all() == []
        assert not (tmp_path / "ledger.db").exists()


def test_the_real_services_of_the_defaults_are_refused_too(tmp_path: Path) -> None:
    with played(tmp_path) as (_, environ):
        clock = {"RECONCILER_SANDBOX_CLOCK": environ["RECONCILER_SANDBOX_CLOCK"]}

        done = reconciler("run", cwd=tmp_path, **KEYS, **clock)

    assert done.returncode == 2
    assert "https://api.loopreturns.com/api/2026-07 is not on this machine" in done.stderr


def test_a_settings_file_behind_the_command_is_looked_at_too(tmp_path: Path) -> None:
    """What counts are the settings of the run, not those that would be found without it."""
    shop = tmp_path / "shop.toml"
    shop.write_text('[jetti]\nbase_url = "https://jetti.example.test/api"\n')
    with played(tmp_path) as (_, environ):
        del environ["JETTI_BASE_URL"]

        done = reconciler("run", "--config", str(shop), cwd=tmp_path, **environ)

    assert done.returncode == 2
    assert "https://jetti.example.test/api is not on this machine" in done.stderr


@pytest.mark.parametrize(
    "url",
    ["http://clock.example.test:8080", "http://192.0.2.7:8080", "127.0.0.1:8080", "http://[", "x"],
)
@pytest.mark.parametrize("by", ["variable", "option", "option behind"])
def test_a_clock_on_another_machine_is_refused(tmp_path: Path, url: str, by: str) -> None:
    with played(tmp_path) as (sandbox, environ):
        del environ["RECONCILER_SANDBOX_CLOCK"]
        option = ["--sandbox-clock", url]
        words = {
            "variable": ["run"],
            "option": [*option, "run"],
            "option behind": ["run", *option],
        }[by]
        if by == "variable":
            environ["RECONCILER_SANDBOX_CLOCK"] = url

        done = reconciler(*words, cwd=tmp_path, **environ)

        assert done.returncode == 2
        assert "is not the address of a sandbox on this machine" in done.stderr
        assert sandbox.request_log.all() == []


def test_a_clock_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with played(tmp_path) as (_, environ):
        reconciler("init", cwd=tmp_path, **environ)

        done = reconciler("status", "--sandbox-clock", NOWHERE, cwd=tmp_path, **environ)

    assert done.returncode == 2
    assert "RECONCILER_SANDBOX_CLOCK: no sandbox answers there" in done.stderr
    assert "reconciler sandbox --play" in done.stderr


def test_what_is_no_sandbox_is_no_clock(tmp_path: Path) -> None:
    with played(tmp_path) as (_, environ):
        reconciler("init", cwd=tmp_path, **environ)
        url = environ["LOOP_BASE_URL"]

        done = reconciler("status", "--sandbox-clock", url, cwd=tmp_path, **environ)

    assert done.returncode == 2
    assert "no sandbox answers there" in done.stderr


def test_a_reload_with_a_real_service_keeps_the_settings(tmp_path: Path) -> None:
    """Nor does SIGHUP lead a daemon by a sandbox's clock out of the sandbox."""
    settings = tmp_path / "reconciler.toml"
    with played(tmp_path, speed=1.0) as (_, environ):
        reconciler("init", cwd=tmp_path, **environ)
        url = environ.pop("JETTI_BASE_URL")
        settings.write_text(f'[jetti]\nbase_url = "{url}"\n')
        daemon = subprocess.Popen(
            [sys.executable, "-m", "reconciler", "-v", "serve", "--every", "1h"],
            env=bare(tmp_path) | environ, cwd=tmp_path, stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert daemon.stderr is not None
        for line in daemon.stderr:
            if "pass: ended with" in line:
                break
        settings.write_text('[jetti]\nbase_url = "https://jetti.example.test/api"\n')
        daemon.send_signal(signal.SIGHUP)
        Control(environ["RECONCILER_SANDBOX_CLOCK"]).play(120.0)
        warned = next(line for line in daemon.stderr if "SIGHUP" in line)
        daemon.terminate()
        daemon.communicate(timeout=30)

    assert "the settings stay as they were" in warned
    assert "https://jetti.example.test/api is not on this machine" in warned
    assert daemon.returncode == 143


# ------------------------------------------------------------------------------ following


@pytest.mark.parametrize("by", ["variable", "option", "option behind"])
def test_the_time_is_the_sandbox_s(tmp_path: Path, by: str) -> None:
    """Here go-live: a day ago by its clock, which runs far ahead."""
    with played(tmp_path) as (sandbox, environ):
        url = environ.pop("RECONCILER_SANDBOX_CLOCK")
        sandbox.play(sandbox.clock.now().replace(year=2031))
        begun = sandbox.clock.now()
        words = {
            "variable": ["init", "--since", "24h"],
            "option": ["--sandbox-clock", url, "init", "--since", "24h"],
            "option behind": ["init", "--since", "24h", "--sandbox-clock", url],
        }[by]
        if by == "variable":
            environ["RECONCILER_SANDBOX_CLOCK"] = url

        done = reconciler(*words, cwd=tmp_path, **environ)
        ended = sandbox.clock.now()

    assert done.returncode == 0
    live = re.search(r"go-live +(\S+ \S+?Z)", done.stdout)
    assert live
    day = timedelta(days=1)
    assert iso(begun - day) <= live[1].replace(" ", "T") <= iso(ended - day)


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_the_log_has_the_time_of_the_report(tmp_path: Path, log_format: str) -> None:
    with played(tmp_path) as (sandbox, environ):
        sandbox.play(sandbox.clock.now().replace(year=2031))
        reconciler("init", "--since", "2000d", cwd=tmp_path, **environ)
        words = ("-v", "--log-format", log_format, "run", "--format", "json")

        done = reconciler(*words, cwd=tmp_path, **environ)

    run = json.loads(done.stdout)["run"]
    begun, ended = (re.sub(r"\.\d+", "", run[name]) for name in ("started_at", "finished_at"))
    at = r'"time": "(\S+)"' if log_format == "json" else r"(\S+) "
    times = [re.match(rf"\{{?{at}", line)[1] for line in done.stderr.splitlines()]  # type: ignore[index]
    assert len(times) > 3
    assert begun <= min(times) <= max(times) <= ended
    assert begun.startswith("2031-")


def test_a_daemon_s_log_has_the_sandbox_s_time(tmp_path: Path) -> None:
    """Also what the thread of a pass says."""
    with played(tmp_path) as (sandbox, environ):
        sandbox.play(sandbox.clock.now().replace(year=2031))
        reconciler("init", "--since", "24h", cwd=tmp_path, **environ)
        daemon = subprocess.Popen(
            [sys.executable, "-m", "reconciler", "-v", "serve", "--every", "1h"],
            env=bare(tmp_path) | environ, cwd=tmp_path, stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert daemon.stderr is not None
        lines: list[str] = []
        for line in daemon.stderr:
            lines.append(line)
            if "pass: ended with" in line:
                break
        daemon.terminate()
        daemon.communicate(timeout=30)

    assert any("read 203" in line for line in lines)
    assert [line for line in lines if not line.startswith("203")] == []


def test_an_error_is_told_although_the_sandbox_is_gone(tmp_path: Path) -> None:
    words = ("--log-format", "json", "status", "--sandbox-clock", NOWHERE)

    done = reconciler(*words, cwd=tmp_path, **KEYS)

    assert json.loads(done.stderr)["level"] == "error"


def test_of_two_clocks_the_option_counts(tmp_path: Path) -> None:
    with played(tmp_path) as (_, environ):
        environ["RECONCILER_SANDBOX_CLOCK"], url = NOWHERE, environ["RECONCILER_SANDBOX_CLOCK"]

        done = reconciler("init", "--since", "24h", "--sandbox-clock", url, cwd=tmp_path, **environ)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["completion", "bash"]])
def test_what_needs_no_time_needs_no_clock(tmp_path: Path, words: list[str]) -> None:
    done = reconciler(*words, cwd=tmp_path, RECONCILER_SANDBOX_CLOCK=NOWHERE)

    assert (done.returncode, done.stderr) == (0, "")


def test_an_ordinary_run_loads_nothing_of_it(tmp_path: Path) -> None:
    ends = """
import atexit, sys
from reconciler.cli import main
atexit.register(lambda: print("loaded", *sorted(
    name for name in sys.modules
    if name.startswith("reconciler.sandbox") or name == "reconciler.cli.sandbox_clock"
)))
sys.argv = ["reconciler", "run"]
main()
"""
    with played(tmp_path, speed=1.0) as (_, environ):
        del environ["RECONCILER_SANDBOX_CLOCK"]
        reconciler("init", "--since", "1h", cwd=tmp_path, **environ)
        done = subprocess.run(
            [sys.executable, "-c", ends], env=bare(tmp_path) | environ, capture_output=True,
            text=True, check=False, timeout=60,
        )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "loaded"


# ---------------------------------------------------------------------- `sandbox --play SPEED`


@contextmanager
def a_sandbox(directory: Path, *options: str) -> Iterator[dict[str, str]]:
    """The settings that `reconciler sandbox` prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", "sandbox", "--returns", "20", *options],
        env=bare(directory), cwd=directory, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    printed: dict[str, str] = {}
    try:
        while "RECONCILER_SANDBOX_CLOCK" not in printed:
            line = process.stdout.readline()
            assert line, process.wait()
            name, _, value = line.removeprefix("export ").partition("=")
            printed[name] = shlex.split(value)[0]
        yield printed
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.mark.parametrize(
    ("options", "speed"),
    [
        (["--play"], 1.0),
        (["--play", "--seed", "2"], 1.0),
        (["--play", "10000"], 10_000.0),
        (["--play", "7d/1m"], 10_080.0),
        (["--play=1.5"], 1.5),
    ],
)
def test_the_speed_is_a_factor_or_a_span_over_another(
    tmp_path: Path, options: list[str], speed: float
) -> None:
    with a_sandbox(tmp_path, *options) as printed:
        url = printed["SANDBOX_CONTROL_URL"]

        assert Control(url).clock()["speed"] == speed
        assert printed["RECONCILER_SANDBOX_CLOCK"] == url


@pytest.mark.parametrize("speed", ["0", "0.5", "fast", "7d/0s", "1m/7d", "1e9", "nan", "7d/"])
def test_what_is_no_speed_is_refused(tmp_path: Path, speed: str) -> None:
    done = reconciler("sandbox", f"--play={speed}", cwd=tmp_path)

    assert done.returncode == 2
    assert repr(speed) in done.stderr
    assert "7d/1m" in done.stderr


def test_a_sandbox_does_not_follow_another(tmp_path: Path) -> None:
    """What it printed last time may still be in the environment of the shell."""
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", "sandbox", "--returns", "1"],
        env=bare(tmp_path) | {"RECONCILER_SANDBOX_CLOCK": NOWHERE}, cwd=tmp_path,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline().startswith("export ")
    process.terminate()
    process.communicate(timeout=30)

    assert process.returncode == 143


def test_the_option_is_listed_once(tmp_path: Path) -> None:
    assert "--sandbox-clock URL" in reconciler("--help", cwd=tmp_path).stdout
    for name in program.commands:
        assert "--sandbox-clock" not in reconciler(name, "--help", cwd=tmp_path).stdout, name


# ------------------------------------------------------------------- a ledger of each one's own


def ledger_of(printed: dict[str, str]) -> Path:
    return Path(printed["RECONCILER_LEDGER"].removeprefix("sqlite:///"))


def test_two_sandboxes_share_no_ledger(tmp_path: Path) -> None:
    with a_sandbox(tmp_path, "--play") as one, a_sandbox(tmp_path, "--play") as other:
        for printed in (one, other):
            assert reconciler("init", cwd=tmp_path, **printed).returncode == 0
        ledgers = {ledger_of(one), ledger_of(other)}

        assert {path.parent for path in ledgers} == {tmp_path}
        assert set(tmp_path.glob("*.db")) == ledgers
        assert len(ledgers) == 2


def test_a_sandbox_that_is_started_again_takes_no_ledger_of_the_shop_before(tmp_path: Path) -> None:
    """The same port and seed, but an empty Jetti."""
    with a_sandbox(tmp_path, "--play") as printed:
        port = printed["JETTI_BASE_URL"].split(":")[2].split("/")[0]
    again = ("--play", "--jetti-port", port)
    with a_sandbox(tmp_path, *again) as unused:
        reconciler("init", cwd=tmp_path, **unused)
    with a_sandbox(tmp_path, *again) as new:
        pass

    assert ledger_of(unused) == ledger_of(printed), "nobody has made it yet"
    assert ledger_of(unused).exists()
    assert ledger_of(new) != ledger_of(unused)
    assert not ledger_of(new).exists()
