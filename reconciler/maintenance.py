"""Care of the ledger: what `reconciler ledger …` and the daily backup do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from reconciler.config import Settings
from reconciler.core.routine_backup import RoutineBackup
from reconciler.core.soundness import Soundness
from reconciler.core.text import safe
from reconciler.errors import (
    ConfigError,
    Interrupted,
    LedgerError,
    LedgerLocked,
    LedgerMissing,
    ReconcilerError,
    SafetyStop,
    unforeseen,
)
from reconciler.ledger import backup, backup_outcome, checking, opening
from reconciler.ledger.backup import Backup, OldBackupStays
from reconciler.ledger.forgotten import Traces
from reconciler.ledger.location import path_of
from reconciler.ledger.opening import Upgrade
from reconciler.log_events import Event
from reconciler.runtime import Runtime

_log = logging.getLogger(__name__)


class Forgotten(Struct, frozen=True):
    """What forgetting a return has left, and where."""

    traces: Traces
    backups: tuple[Path, ...]
    """Backups beside the ledger in which the return still is, or that could not be looked into."""


def upgrade(settings: Settings, runtime: Runtime, wait: float) -> Upgrade:
    """Migrate an older ledger, after a backup. Raises ReconcilerError."""
    return opening.upgrade(
        settings.ledger, runtime.clock, wait=wait, busy_seconds=runtime.busy_seconds
    )


def check(settings: Settings, runtime: Runtime) -> Soundness:
    """Look the ledger through; reads only. Raises ReconcilerError for what cannot be opened."""
    return checking.check(settings.ledger, runtime.clock)


def back_up(
    settings: Settings, runtime: Runtime, *, into: Path | None, keep: int | None, wait: float
) -> Backup:
    """Make a backup, beside the ledger or in the directory `into`. Raises ReconcilerError.

    With `keep` it is the routine one, as cron, the timers and `serve` make it: how it went is left
    beside the ledger for `status`. One without, by hand, leaves nothing there: that it was made
    does not tell whether the next routine one will be.
    """
    if keep is None:
        return _back_up(settings, runtime, into, None, wait)
    ledger, began = path_of(settings.ledger), runtime.clock.now()
    attempt = RoutineBackup(failed_at=began, keep=keep, into=_text(into) if into else None)
    try:
        made = _back_up(settings, runtime, into, keep, wait)
    except (LedgerLocked, LedgerMissing, Interrupted):
        # Another backup is being made instead; there is nothing to keep a file beside; or someone
        # ended it. Where the next one does not come either, the age of the last one tells.
        raise
    except OldBackupStays as error:
        failed = replace(_made(attempt, error.made), failed_at=began, problem=_problem(error))
        _leave(ledger, failed)
        raise
    except Exception as error:
        _leave(ledger, _failed(attempt, ledger, error))
        raise
    _leave(ledger, _made(attempt, made))
    return made


def _made(attempt: RoutineBackup, made: Backup) -> RoutineBackup:
    return replace(attempt, made_at=made.made_at, path=_text(made.path), failed_at=None)


def _failed(attempt: RoutineBackup, ledger: Path, error: Exception) -> RoutineBackup:
    """The attempt, with the last one that was made before."""
    try:
        before = backup_outcome.read(ledger)
    except LedgerError:
        before = None  # what is there is replaced, so that it tells the truth again
    made_at, path = (before.made_at, before.path) if before is not None else (None, None)
    return replace(attempt, made_at=made_at, path=path, problem=_problem(error))


def _problem(error: Exception) -> str:
    # What a bug says may be about a customer.
    told = str(error) if isinstance(error, ReconcilerError) else unforeseen(error)[0]
    return safe(told)


def _leave(ledger: Path, outcome: RoutineBackup) -> None:
    """Never raises OSError: how the backup went shows in its exit code all the same."""
    try:
        backup_outcome.write(ledger, outcome)
    except OSError as error:
        _log.warning(
            "%s: how the backup went could not be written there, so `status` does not know: %s",
            backup_outcome.file_of(ledger),
            error.strerror or error,
            extra=Event.BACKUP_NOT_NOTED.fields,
        )


def _text(path: Path) -> str:
    """A name that is not UTF-8 does not fit into JSON as it is."""
    return str(path).encode("utf-8", "backslashreplace").decode()


def _back_up(
    settings: Settings, runtime: Runtime, into: Path | None, keep: int | None, wait: float
) -> Backup:
    if into is not None and not into.is_dir():
        raise ConfigError(f"--to {into}: is not a directory", "name an existing directory")
    return backup.back_up(settings.ledger, runtime.clock, into=into, keep=keep, wait=wait)


def prune(
    settings: Settings, runtime: Runtime, older_than: timedelta, wait: float
) -> dict[str, int]:
    """Delete history that is older; how many rows of each table. Raises ReconcilerError."""
    with opening.open_ledger(
        settings.ledger, runtime.clock, wait=wait, busy_seconds=runtime.busy_seconds
    ) as ledger:
        return ledger.runs.prune(older_than, runtime.clock.now())


def forget(
    settings: Settings,
    runtime: Runtime,
    return_id: str,
    consent: Callable[[Traces], bool],
    wait: float,
) -> Forgotten:
    """Remove every trace of a return but the hash of its id. Raises ReconcilerError.

    `consent` is asked with no lock held, so that no pass waits for an answer; what has changed
    meanwhile is not forgotten.
    """
    with opening.open_reader(settings.ledger, runtime.clock) as reader:
        traces = reader.forgotten.traces(return_id)
    if not traces.exists and traces.forgotten_at is None:
        raise ConfigError(
            f"{return_id}: the ledger knows no return with that id",
            "name it by its id in Loop, as `reconciler show ORDER` has it",
        )
    if traces.exists and not consent(traces):
        raise SafetyStop(
            f"return {return_id} was not forgotten: nobody said yes",
            "answer y on a terminal, or give --yes",
        )
    with opening.open_ledger(
        settings.ledger, runtime.clock, wait=wait, busy_seconds=runtime.busy_seconds
    ) as ledger:
        ledger.forgotten.forget(return_id, traces.version, runtime.clock.now())
    return Forgotten(traces, tuple(_backups_with(settings.ledger_path, return_id, runtime)))


def _backups_with(ledger: Path, return_id: str, runtime: Runtime) -> list[Path]:
    return [file for file in backup.backups_beside(ledger) if _may_hold(file, return_id, runtime)]


def _may_hold(file: Path, return_id: str, runtime: Runtime) -> bool:
    try:
        with opening.open_reader(f"sqlite:///{file}", runtime.clock) as reader:
            return reader.forgotten.traces(return_id).exists
    except LedgerError:
        return True  # nobody can tell
