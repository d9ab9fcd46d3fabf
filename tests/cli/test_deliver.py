"""A report on its way out: whole or not at all, and never in the way of the result."""

from __future__ import annotations

import errno
import os
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.cli import deliver
from reconciler.cli.session import Session
from reconciler.core.report import (
    Counts,
    Failure,
    Report,
    Requests,
    RunFacts,
    RunKind,
    Watermarks,
)
from reconciler.runtime import Runtime

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def report(exit_code: int = 0, **facts: object) -> Report:
    given: dict[str, object] = {
        "id": 1,
        "kind": RunKind.SCHEDULED,
        "dry_run": False,
        "started_at": NOON,
        "finished_at": NOON,
        "windows": (),
        "watermark": Watermarks(NOON, NOON),
        "exit_code": exit_code,
        "digest": "0" * 16,
    }
    return Report(RunFacts(**(given | facts)), Counts(), Requests())  # type: ignore[arg-type]


def call(*, quiet: bool = False) -> Session:
    return Session(Runtime(None, {}), None, quiet)  # type: ignore[arg-type]


def test_a_pass_that_found_nothing_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert deliver.report(report(), call(), "text", None) == 0

    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "made",
    [
        report(3),
        report(dry_run=True),
        report(failures=(Failure("x"),)),
        report(remarks=("x",)),
    ],
)
def test_whatever_is_worth_telling_is_told(
    made: Report, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deliver.report(made, call(), "text", None) == made.run.exit_code

    assert capsys.readouterr().out


def test_quiet_leaves_out_success_only(capsys: pytest.CaptureFixture[str]) -> None:
    deliver.report(report(remarks=("x",)), call(quiet=True), "text", None)
    assert capsys.readouterr().out == ""

    deliver.report(report(3), call(quiet=True), "text", None)
    assert capsys.readouterr().out


def test_json_is_always_told(capsys: pytest.CaptureFixture[str]) -> None:
    deliver.report(report(), call(quiet=True), "json", None)

    assert capsys.readouterr().out.startswith("{")


def test_a_file_gets_the_report_and_stdout_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "report.json"
    path.write_text("old" * 10_000)

    assert deliver.report(report(), call(), "json", str(path)) == 0

    assert path.read_text().endswith("}\n")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json"]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("exit_code", "told"), [(0, 3), (3, 3), (5, 5), (10, 3), (143, 143)])
def test_a_report_that_cannot_be_written_does_not_hide_the_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], exit_code: int, told: int
) -> None:
    path = tmp_path / "missing" / "report"

    assert deliver.report(report(exit_code), call(), "text", str(path)) == told

    said = capsys.readouterr().err
    assert f"{path}: the report could not be written: No such file" in said
    assert "the pass itself is done and recorded" in said


def test_nothing_is_called_recorded_where_nothing_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "missing" / "report")

    deliver.report(report(dry_run=True), call(), "text", path)
    deliver.hand_over("status", path)

    assert "recorded" not in capsys.readouterr().err


@pytest.mark.covers("F95")
def test_a_full_disk_leaves_the_old_report(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_text("old")
    (tmp_path / "link").symlink_to(path)

    deliver.write_whole(tmp_path / "link", "new")
    assert path.read_text() == "new"
    assert (tmp_path / "link").is_symlink()

    with pytest.raises(TypeError):
        deliver.write_whole(path, b"not text")  # type: ignore[arg-type]
    assert path.read_text() == "new"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["link", "report"]


@pytest.mark.covers("R19")
def test_a_device_is_written_to_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    deliver.write_whole(pipe, "report")

    assert os.read(reader, 100) == b"report"
    os.close(reader)
    assert pipe.is_fifo()


# ------------------------------------------------------------------------ where it may not go


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "is a directory"),
        ("missing/report", "No such file or directory"),
        ("file/report", "Not a directory"),
        ("x" * 250, "File name too long"),
        ("x" * 5000, "File name too long"),
        ("socket", "is neither a file nor a pipe"),
    ],
)
def test_where_no_report_can_go_is_known_before(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "file").touch()
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.relpath(tmp_path / "socket"))

        assert deliver.why_unwritable(tmp_path / name) == why


@pytest.mark.covers("R19")
def test_where_a_report_can_go_nothing_is_said_and_nothing_left(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "old").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "new")
    before = sorted(path.name for path in tmp_path.iterdir())

    for name in ("new", "old", "link", "pipe", "/dev/null", "/dev/stdout", "/dev/fd/2"):
        assert deliver.why_unwritable(tmp_path / name) is None
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_descriptor_that_cannot_be_written_is_known_before(tmp_path: Path) -> None:
    reading = os.open(os.devnull, os.O_RDONLY)

    assert deliver.why_unwritable(Path(f"/dev/fd/{reading}")) == "is open for reading only"
    os.close(reading)
    assert deliver.why_unwritable(Path(f"/dev/fd/{reading}")) == "Bad file descriptor"


@pytest.mark.covers("F95")
def test_what_stands_for_an_open_descriptor_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    """Neither opened again: a shell that appends has its own place in the file."""
    log = tmp_path / "log"
    log.write_text("before\n")
    number = os.open(log, os.O_WRONLY | os.O_APPEND)
    (tmp_path / "link").symlink_to(f"/dev/fd/{number}")

    deliver.write_whole(Path(f"/dev/fd/{number}"), "one\n")
    deliver.write_whole(tmp_path / "link", "two\n")

    os.close(number)
    assert log.read_text() == "before\none\ntwo\n"


@pytest.mark.covers("R19")
def test_a_pipe_is_written_to_by_its_descriptor() -> None:
    reading, writing = os.pipe()

    deliver.write_whole(Path(f"/proc/self/fd/{writing}"), "report")
    os.close(writing)

    assert os.read(reading, 100) == b"report"
    os.close(reading)


def test_dev_stdout_is_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert deliver.hand_over("told", "/dev/stdout")

    assert capsys.readouterr().out == "told\n"


def test_a_pipe_that_nobody_reads_is_not_waited_for_for_ever(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    with pytest.raises(OSError, match=os.strerror(errno.ENXIO)):
        deliver.write_whole(pipe, "report", patience=0.1)
