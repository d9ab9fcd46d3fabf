"""Care of the ledger: what `reconciler ledger …` and the daily backup do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from msgspec import Struct

from reconciler.config import Settings
from reconciler.core.soundness import Soundness
from reconciler.errors import ConfigError, LedgerError, SafetyStop
from reconciler.ledger import backup, checking, opening
from reconciler.ledger.backup import Backup
from reconciler.ledger.forgotten import Traces
from reconciler.ledger.opening import Upgrade
from reconciler.runtime import Runtime


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
    """Make a backup, beside the ledger or in the directory `into`. Raises ReconcilerError."""
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
