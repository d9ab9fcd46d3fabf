"""Heartbeat, metrics and messages of real processes, told to listeners that are well or ill."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from reconciler import alarms
from reconciler.operations.background import AFTER_A_SIGNAL
from tests.cli.program import reconciler
from tests.support.ears import Ears, listening
from tests.support.process_world import RealWorld, on_the_machine_s_clock

START_UP = 8.0
"""Seconds that a whole process may take on a busy machine besides."""
HEARTBEAT = "RECONCILER_OPERATIONS__HEARTBEAT_URL"
METRICS = "RECONCILER_OPERATIONS__METRICS_FILE"
NOTIFY = "RECONCILER_OPERATIONS__NOTIFY"
SECRETS = ("canary-ping-5d21", "canary-password-77aa", "canary-hook-90ce")


@pytest.fixture
def world(directory: Path) -> Iterator[RealWorld]:
    with on_the_machine_s_clock(directory) as made:
        yield made


@pytest.fixture
def ears() -> Iterator[Ears]:
    with listening() as made:
        yield made


def without_an_answer(world: RealWorld) -> str:
    """A return that needs a person: its order is in Jetti twice."""
    order = world.order(("Acme", 1))
    world.jetti.import_sale(order)
    return world.submit(order)


def assert_no_secret(*texts: str) -> None:
    assert not [secret for secret in SECRETS for text in texts if secret in text]


# -------------------------------------------------------------------------------- the heartbeat


@pytest.mark.covers("R22")
def test_a_pass_pings_when_it_begins_and_when_it_is_over(world: RealWorld, ears: Ears) -> None:
    world.live()
    world.environ[HEARTBEAT] = ears.ping_url

    assert world.does("run") == 0
    assert world.does("run") == 0

    assert ears.paths == ["/start", "", "/start", ""]
    runs = [one.query.removeprefix("rid=") for one in ears.heard]
    assert runs[0] == runs[1] != runs[2] == runs[3]
    assert str(uuid.UUID(runs[0])) == runs[0]


def test_another_exit_code_is_pinged_with_counts_and_log(world: RealWorld, ears: Ears) -> None:
    world.live()
    without_an_answer(world)
    world.environ[HEARTBEAT] = ears.ping_url
    wrong = {"JETTI_API_TOKEN": "wrong-canary-token"}

    assert world.does("run", **wrong) == 6
    assert world.does("run") == 3
    assert world.does("run", LOOP_API_KEY="") == 2

    assert ears.paths == ["/start", "/6", "/start", "/3", "/2"]
    bodies = [one.body for one in ears.heard]
    assert bodies[1].startswith("exit code 6\nJetti refused the key")
    assert "wrong-canary-token" not in bodies[1]
    assert bodies[3].endswith("\n1 seen, 1 unchanged, 1 review"), bodies[3]
    assert bodies[4].startswith("exit code 2\nLOOP_API_KEY: is not set")


def test_who_knows_no_exit_codes_is_told_that_it_failed(world: RealWorld, ears: Ears) -> None:
    world.live()
    world.environ[HEARTBEAT] = ears.ping_url
    ears.statuses = {"/3": 404}
    without_an_answer(world)

    code, _, log = world.end(world.start("run"))

    assert code == 3
    assert ears.paths == ["/start", "/3", "/fail"]
    assert "heartbeat" not in log


@pytest.mark.parametrize("arguments", [("run", "--sweep", "2d"), ("run", "--dry-run")])
def test_only_scheduled_passes_ping(
    world: RealWorld, ears: Ears, arguments: tuple[str, ...]
) -> None:
    world.live()
    world.environ[HEARTBEAT] = ears.ping_url

    assert world.does(*arguments) == 0

    assert ears.heard == []


def test_the_daemon_pings_for_each_pass(world: RealWorld, ears: Ears) -> None:
    world.live()
    world.environ[HEARTBEAT] = ears.ping_url

    daemon = world.start("serve", "--every", "0.5s")
    world.until(lambda: len(ears.heard) >= 4)
    daemon.send_signal(signal.SIGTERM)

    assert world.end(daemon)[0] == 143
    assert ears.paths[:4] == ["/start", "", "/start", ""]


ILL: dict[str, Callable[[Ears], None]] = {
    "answers 500": lambda ears: setattr(ears, "status", 500),
    "says nothing": lambda ears: setattr(ears, "is_silent", True),
    "trickles": lambda ears: setattr(ears, "trickles", True),
    "is not there": lambda ears: setattr(ears, "port", 1),
}


@pytest.mark.covers("R22")
@pytest.mark.parametrize("ill", ILL.values(), ids=list(ILL))
def test_a_listener_that_is_ill_changes_nothing(
    world: RealWorld, ears: Ears, ill: Callable[[Ears], None]
) -> None:
    """Neither what is written, nor when, nor the exit code; and it is soon over."""
    world.live()
    ill(ears)
    world.environ |= {HEARTBEAT: ears.ping_url, NOTIFY: ears.apprise_url}
    one = world.born(("Acme", 1))
    other = without_an_answer(world)

    began = time.monotonic()
    process = world.start("run")
    world.until(lambda: world.in_jetti(one))
    written = time.monotonic() - began
    code, stdout, log = world.end(process)
    took = time.monotonic() - began

    assert code == 3
    assert "created" in stdout
    assert other in stdout
    assert written < START_UP
    assert took < START_UP + alarms.LONGEST
    assert log.count("heartbeat: ") == 1, "both pings failed for the same reason"
    assert log.count("notify 1: ") == 1
    assert_no_secret(stdout, log)


def test_a_redirect_is_not_followed(world: RealWorld, ears: Ears) -> None:
    world.live()
    with listening() as elsewhere:
        ears.elsewhere = f"http://127.0.0.1:{elsewhere.port}/"
        world.environ[HEARTBEAT] = ears.ping_url

        code, _, log = world.end(world.start("run"))

    assert code == 0
    assert elsewhere.heard == []
    assert "heartbeat: answered 302" in log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_after_a_signal_nobody_is_waited_for_long(
    world: RealWorld, ears: Ears, number: signal.Signals
) -> None:
    world.live()
    ears.is_silent = True
    world.environ |= {HEARTBEAT: ears.ping_url, NOTIFY: ears.apprise_url}
    without_an_answer(world)
    process = world.start("run")
    world.until(lambda: any("canary-hook" in one.path for one in ears.heard))
    signalled = time.monotonic()
    process.send_signal(number)

    code, _, log = world.end(process)

    assert code == 3, "the pass itself was over"
    assert time.monotonic() - signalled < AFTER_A_SIGNAL + 2
    assert "took too long and was left alone" in log


# ------------------------------------------------------------------------------ the metrics file


def figures(path: Path) -> dict[tuple[str, ...], float]:
    return {
        (sample.name.removeprefix("reconciler_"), *map(str, sample.labels.values())): sample.value
        for family in text_string_to_metric_families(path.read_text())
        for sample in family.samples
    }


def test_the_metrics_tell_what_is_true(world: RealWorld) -> None:
    path = world.directory / "reconciler.prom"
    world.live()
    world.environ[METRICS] = str(path)
    created = world.born(("Acme", 1), ("Bolt", 1))
    doubtful = without_an_answer(world)
    before = time.time()

    assert world.does("run") == 3
    after = time.time()

    found = figures(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    states = [world.state(one) for one in (created, doubtful)]
    assert {key[1]: value for key, value in found.items() if key[0] == "entries" and value} == {
        state: states.count(state) for state in states
    }
    assert found["run_exit_code", "scheduled"] == 3
    assert found["healthy",] == found["key_refused",] == 0
    assert found["ledger_readable",] == 1
    assert before <= found["last_complete_timestamp_seconds", "scheduled"] <= after
    assert found["watermark_timestamp_seconds",] == world.watermark().timestamp()
    assert 0 <= found["run_duration_seconds", "scheduled"] <= after - before
    sent = world.sandbox.request_log.all()
    for service in ("loop", "jetti"):
        reads = sum(one.service == service and one.method == "GET" for one in sent)
        assert found["run_requests", "read", service] == reads
    assert found["run_requests", "write", "jetti"] == len(world.writes())
    assert found["oldest_problem_seconds",] >= 0
    assert [name for name in os.listdir(world.directory) if name.endswith(".prom")] == [path.name]


def test_the_metrics_of_a_pass_without_a_ledger_tell_so(world: RealWorld) -> None:
    path = world.directory / "reconciler.prom"
    world.environ[METRICS] = str(path)

    assert world.does("run") == 7

    found = figures(path)
    assert found["run_exit_code", "scheduled"] == 7
    assert found["ledger_readable",] == 0
    assert ("healthy",) not in found


def test_a_refused_key_and_retries_are_counted(world: RealWorld) -> None:
    path = world.directory / "reconciler.prom"
    world.live()
    world.environ[METRICS] = str(path)
    world.breaks("*", "503", service="loop", nth=1, last=1)

    assert world.does("run") == 0
    assert figures(path)["run_retries", "loop"] == 1
    assert world.does("run", LOOP_API_KEY="wrong") == 6
    assert figures(path)["key_refused",] == 1


@pytest.mark.parametrize(
    "place", ["missing/x.prom", "file/x.prom", "directory.prom", "device.prom"]
)
def test_a_place_that_cannot_be_written_changes_nothing(world: RealWorld, place: str) -> None:
    world.live()
    (world.directory / "file").touch()
    (world.directory / "directory.prom").mkdir()
    (world.directory / "device.prom").symlink_to("/dev/full")
    world.environ[METRICS] = str(world.directory / place)

    code, stdout, log = world.end(world.start("run"))

    assert (code, stdout) == (0, "")
    assert log.count("operations.metrics_file") == 1
    assert Path("/dev/full").is_char_device()


# --------------------------------------------------------------------------------------- secrets


@pytest.mark.covers("F107")
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_secret_is_told_to_anyone(world: RealWorld, ears: Ears, log_format: str) -> None:
    """At the most talkative level, when all of it works and when none of it does."""
    world.environ |= {
        HEARTBEAT: ears.ping_url,
        NOTIFY: ears.apprise_url,
        METRICS: str(world.directory / "reconciler.prom"),
    }
    for number, status in enumerate((200, 500)):
        ears.status = status
        world.does("init", "--since", "7d")
        without_an_answer(world)
        for command in (("run",), ("status", "--notify"), ("status", "--changed")):
            process = world.start("-vv", "--log-format", log_format, *command)
            code, stdout, log = world.end(process)
            assert code == 3, log
            assert_no_secret(stdout, log)
        assert ears.heard, number
    for file in world.directory.rglob("*"):
        if file.is_file():
            assert_no_secret(file.read_bytes().decode("latin-1"))


@pytest.mark.parametrize("key", [HEARTBEAT, NOTIFY])
def test_a_setting_that_cannot_be_used_is_not_repeated(world: RealWorld, key: str) -> None:
    code, stdout, log = world.end(world.start("run", **{key: "canary-hook-90ce canary-ping-5d21"}))

    assert code == 2
    assert f"{key}: (hidden) is not" in log
    assert_no_secret(stdout, log)


def test_a_secret_in_a_file_that_everybody_reads_is_refused(tmp_path: Path) -> None:
    settings = tmp_path / "reconciler.toml"
    settings.write_text('[operations]\nheartbeat_url = "https://hc-ping.com/canary-ping-5d21"\n')
    settings.chmod(0o644)

    refused = reconciler("init", cwd=tmp_path)
    settings.chmod(0o640)
    accepted = reconciler("init", cwd=tmp_path)

    assert (refused.returncode, accepted.returncode) == (2, 0)
    assert "operations.heartbeat_url: is a secret, and every user can read the file" in (
        refused.stderr
    )
    assert "Hint: chmod o-r" in refused.stderr
    assert_no_secret(refused.stderr)


# ----------------------------------------------------------------------------- what it costs

_RUN = """
import json, sys
from reconciler.cli import perform
from reconciler.clock import SystemClock
from reconciler.runtime import Runtime
import os
for library in {missing!r}:
    sys.modules[library] = None
code = perform(sys.argv[1:], Runtime(SystemClock(), os.environ))
heavy = {{"apprise", "requests", "prometheus_client", "reconciler.alarms"}}
print(json.dumps(sorted(heavy & sys.modules.keys())))
sys.exit(code)
"""


def loaded_by(world: RealWorld, *arguments: str, missing: tuple[str, ...] = ()) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", _RUN.format(missing=missing), *arguments],
        env=world.environ, cwd=world.directory, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_a_pass_pays_for_nothing_that_is_off_or_has_nothing_to_say(
    world: RealWorld, ears: Ears
) -> None:
    world.live()
    assert json.loads(loaded_by(world, "run")[1]) == []

    world.environ |= {NOTIFY: ears.apprise_url, HEARTBEAT: ears.ping_url}

    assert json.loads(loaded_by(world, "run")[1]) == ["reconciler.alarms"]
    assert ears.paths == ["/start", ""]


@pytest.mark.parametrize(
    ("key", "library", "extra"),
    [(METRICS, "prometheus_client", "metrics"), (NOTIFY, "apprise", "notify")],
)
def test_a_missing_extra_is_named(
    world: RealWorld, ears: Ears, key: str, library: str, extra: str
) -> None:
    world.live()
    values = {METRICS: str(world.directory / "x.prom"), NOTIFY: ears.apprise_url}
    world.environ[key] = values[key]

    code, said = loaded_by(world, "run", missing=(library,))

    assert code == 2
    assert f"`pip install 'returns-reconciler[{extra}]'`" in said
    assert_no_secret(said)
