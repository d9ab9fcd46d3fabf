"""The file that tells how the daily backup went: private, whole, and nothing in it is trusted."""

from __future__ import annotations

import json
import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.core.routine_backup import RoutineBackup
from reconciler.errors import LedgerError
from reconciler.ledger import backup_outcome
from tests.ledger.samples import NOON

FAILED = RoutineBackup(
    made_at=NOON - timedelta(days=1),
    path="/srv/é.backup",
    failed_at=NOON,
    problem="the disk is full",
    keep=14,
    into="/mnt/elsewhere",
)


@pytest.fixture
def file(url: str, path: Path) -> Path:
    return path.with_name("ledger.db.backup.json")


def test_it_is_read_as_it_was_written_and_leaves_nothing_else(url, path, file):
    before = set(path.parent.iterdir())
    assert backup_outcome.read(path) is None

    backup_outcome.write(path, RoutineBackup(made_at=NOON, path="x" * 3000, keep=1))
    backup_outcome.write(path, FAILED)

    assert backup_outcome.read(path) == FAILED
    assert set(path.parent.iterdir()) - before == {file}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["failed_at"] == "2026-07-01T12:00:00Z"


def test_whoever_may_read_the_ledger_may_read_it_and_nobody_may_write(url, path, file):
    path.chmod(0o664)

    backup_outcome.write(path, FAILED)

    assert stat.S_IMODE(file.stat().st_mode) == 0o644


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_where_root_makes_the_backup_it_is_still_the_owner_s(url, path, file):
    os.chown(path, 12345, 12346)

    backup_outcome.write(path, FAILED)

    assert (file.stat().st_uid, file.stat().st_gid) == (12345, 12346)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"notes of a person",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"keep": 14}',
        b'{"keep": 0, "made_at": "2026-07-01T12:00:00Z"}',
        b'{"made_at": "2026-07-01T12:00:00Z"}',
        b'{"keep": 14, "made_at": "2026-07-01T12:00:00"}',
        b'{"keep": 14, "made_at": "yesterday"}',
        b'{"keep": 14, "made_at": "2026-07-01T12:00:00Z", "path": 1}',
        b'{"keep": 14, "made_at": "2026-07-01T12:00:00Z", "path": "\\ud800"}',
        b'{"x": ' + b"[" * 50_000,
        b'{"keep": 14, "made_at": "2026-07-01T12:00:00Z", "path": "' + b"x" * 100_000 + b'"}',
    ],
)
def test_what_is_not_this_program_s_is_refused_by_name(url, path, file, content):
    file.write_bytes(content)

    with pytest.raises(LedgerError, match=r"ledger\.db\.backup\.json is not what"):
        backup_outcome.read(path)


def test_what_is_no_file_is_not_waited_for(url, path, file):
    os.mkfifo(file)
    with pytest.raises(LedgerError):
        backup_outcome.read(path)
    file.unlink()
    file.mkdir()
    with pytest.raises(LedgerError):
        backup_outcome.read(path)
    file.rmdir()
    file.symlink_to(file)
    with pytest.raises(LedgerError, match="cannot be read"):
        backup_outcome.read(path)


def test_a_later_version_may_add_to_it(url, path, file):
    file.write_bytes(b'{"keep": 14, "made_at": "2026-07-01T14:00:00+02:00", "more": [1]}')

    assert backup_outcome.read(path) == RoutineBackup(made_at=NOON, keep=14)
