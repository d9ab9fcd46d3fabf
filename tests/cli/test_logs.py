"""The log: no keys, nothing that steers a terminal, one line per record."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from reconciler.cli import logs, perform
from reconciler.cli.program import program
from reconciler.log_events import STEPS
from reconciler.runtime import Runtime

KEY = "canary-key-5f2c+/="
ENVIRON = {"LOOP_API_KEY": KEY, "JETTI_API_TOKEN": "abc"}
HOSTILE = f"key {KEY}\nforged line \x1b[2J \u202e"


class NoonClock:
    def now(self) -> datetime:
        return datetime(2026, 3, 1, 12, tzinfo=UTC)


def logged(capsys: pytest.CaptureFixture[str], log_format: str) -> str:
    with logs.to_stderr(ENVIRON):
        logs.change(logging.INFO, log_format, ENVIRON)
        log = logging.getLogger("reconciler.anything")
        log.warning("%s", HOSTILE)
        log.info("it failed", exc_info=ValueError(HOSTILE))
    return capsys.readouterr().err


@pytest.mark.covers("F102")
def test_text_is_one_plain_line_per_record_and_hides_keys(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = logged(capsys, "text")

    assert KEY not in text
    assert "key [hidden]\\nforged line \\x1b[2J \\u202e" in text
    assert all(line.isprintable() for line in text.split("\n"))
    assert "ValueError: key [hidden]" in text


@pytest.mark.covers("F103")
def test_json_is_one_object_per_record(capsys: pytest.CaptureFixture[str]) -> None:
    text = logged(capsys, "json")
    first, second = (json.loads(line) for line in text.splitlines())

    assert KEY not in text
    assert set(first) == {"time", "level", "logger", "message"}
    assert (first["level"], first["logger"]) == ("warning", "reconciler.anything")
    assert second["traceback"][-1].startswith("forged line")


def test_what_a_message_was_made_of_is_told_by_name_and_plain(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with logs.to_stderr(ENVIRON):
        logs.change(logging.INFO, "json", ENVIRON)
        facts = {"reason": HOSTILE, "status": 200}
        logging.getLogger("reconciler.anything").info("%(status)d: %(reason)s", facts)
    text = capsys.readouterr().err

    assert KEY not in text
    assert json.loads(text)["facts"] == {
        "reason": "key [hidden]\\nforged line \\x1b[2J \\u202e",
        "status": 200,
    }


@pytest.mark.parametrize(
    ("typed", "is_told"),
    [
        (["serve"], False),
        (["-v", "serve"], True),
        (["serve", "--verbose"], True),
        (["status"], False),
        (["status", "-v"], True),
    ],
)
def test_steps_are_told_to_whoever_asks_even_by_a_daemon(typed: list[str], is_told: bool) -> None:
    """Whatever the command; these fail, since there are no settings."""
    perform(typed, Runtime(NoonClock(), {}))  # type: ignore[arg-type]

    with logs.to_stderr({}):
        logging.getLogger().setLevel(logging.INFO)
        assert logging.getLogger(STEPS).isEnabledFor(logging.INFO) is is_told


def test_a_short_key_does_not_blank_out_words() -> None:
    assert logs.redactor(ENVIRON)("abc") == "abc"
    assert logs.redactor({})("anything") == "anything"


def test_after_keys_changed_the_new_ones_are_hidden_and_the_old_ones_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "key"
    path.write_text(KEY)
    path.chmod(0o600)
    environ = {"LOOP_API_KEY_FILE": str(path)}
    with logs.to_stderr(environ):
        logs.change(logging.INFO, "text", environ)
        log = logging.getLogger("reconciler.test")
        log.info("one %s", KEY)
        path.write_text("canary-of-tomorrow")
        logs.learn_keys()
        log.info("two %s canary-of-tomorrow", KEY)

    assert [line.split("INFO ")[1] for line in capsys.readouterr().err.splitlines()] == [
        "one [hidden]",
        "two [hidden] [hidden]",
    ]


def test_a_key_from_a_file_is_hidden_too(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(f"{KEY}\n")
    path.chmod(0o600)

    assert logs.redactor({"LOOP_API_KEY_FILE": str(path)})(f"a {KEY} b") == "a [hidden] b"


@pytest.mark.parametrize(
    ("command", "verbose", "quiet", "least"),
    [
        ("run", 0, False, logging.WARNING),
        ("run", 1, False, logging.INFO),
        ("run", 2, False, logging.DEBUG),
        ("run", 9, False, logging.DEBUG),
        ("run", 2, True, logging.ERROR),
        ("serve", 0, False, logging.INFO),
    ],
)
def test_how_much_is_logged(command: str, verbose: int, quiet: bool, least: int) -> None:
    assert logs.level(command, verbose, quiet=quiet) == least


def test_libraries_stay_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with logs.to_stderr({}):
        logs.change(logging.DEBUG, "text", {})
        for name in ("httpx", "httpcore.connection", "alembic.runtime", "apscheduler.scheduler"):
            logging.getLogger(name).info("GET https://… Authorization: …")

    assert capsys.readouterr().err == ""


@pytest.fixture
def broken_command():
    """A command with a bug, which the real program has not."""

    @click.command()
    def broken() -> int:
        raise ValueError(HOSTILE)

    program.add_command(broken)
    yield
    del program.commands["broken"]


@pytest.mark.covers("F107")
@pytest.mark.usefixtures("broken_command")
def test_a_bug_is_told_shortly_and_at_length_only_when_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    runtime = Runtime(NoonClock(), ENVIRON)  # type: ignore[arg-type]

    assert perform(["broken"], runtime) == 1
    short = capsys.readouterr().err
    assert perform(["-v", "broken"], runtime) == 1
    long = capsys.readouterr().err

    assert short.startswith("Error: this is a bug in reconciler")
    assert "canary" not in short
    assert "Traceback" not in short
    assert "Traceback" in long
    assert "ValueError: key [hidden]" in long
    assert KEY not in long
