"""The figures for Prometheus, as a file that node_exporter's textfile collector reads."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from reconciler.core.health import Health
from reconciler.core.model import State
from reconciler.core.report import Requests, RunKind
from reconciler.fsync import replacing

_FOR_ALL_TO_READ = 0o644
_KEY_REFUSED = 6


class Figure(Struct, frozen=True):
    """One metric and its value for each of its labels' values."""

    name: str
    help: str
    labels: tuple[str, ...]
    values: tuple[tuple[tuple[str, ...], float], ...]


class Ended(Struct, frozen=True):
    """The run that has just ended."""

    kind: RunKind
    exit_code: int
    began: datetime
    at: datetime
    requests: Requests | None
    """None where it came to no report."""


def figures(
    ended: Ended, health: Health | None, schema: int, before: Sequence[Ended] = ()
) -> Iterator[Figure]:
    """All figures. `health` is None where the ledger cannot be read: what it would tell is left
    out, so that nobody takes old figures for new ones. `before` are the last runs of other kinds:
    a sweep is past for hours before anybody asks how it ended."""
    # safeguard: metrics-of-both-kinds
    runs = [*before, ended]
    codes: dict[tuple[str, ...], float] = {(one.kind.value,): one.exit_code for one in runs}
    yield _of("reconciler_run_exit_code", "Exit code of the last run.", codes, "kind")
    yield _of(
        "reconciler_run_ended_timestamp_seconds",
        "When the last run ended.",
        {(one.kind.value,): one.at.timestamp() for one in runs},
        "kind",
    )
    yield _of(
        "reconciler_run_duration_seconds",
        "How long the last run took.",
        {(one.kind.value,): (one.at - one.began).total_seconds() for one in runs},
        "kind",
    )
    refused = float(ended.exit_code == _KEY_REFUSED)
    yield _one(
        "reconciler_key_refused", "Whether a service refused its key in the last run.", refused
    )
    if (sent := ended.requests) is not None:
        yield _of(
            "reconciler_run_requests",
            "Requests that the last run sent, retries included.",
            {
                ("loop", "read"): sent.loop.get,
                ("jetti", "read"): sent.jetti.get,
                ("jetti", "write"): sent.jetti.write,
            },
            "service",
            "method",
        )
        yield _of(
            "reconciler_run_retries",
            "How many of them were retries.",
            {("loop",): sent.loop.retries, ("jetti",): sent.jetti.retries},
            "service",
        )
    yield _one("reconciler_ledger_readable", "Whether the ledger can be read.", health is not None)
    if health is not None:
        yield from _of_the_ledger(health, schema)


def _of_the_ledger(health: Health, schema: int) -> Iterator[Figure]:
    facts = health.facts
    yield _one("reconciler_healthy", "Whether `status` says that all is well.", health.healthy)
    yield _one("reconciler_ledger_schema", "Version of the ledger's schema.", schema)
    complete = {
        (RunKind.SCHEDULED.value,): facts.last_complete_pass,
        (RunKind.SWEEP.value,): facts.last_complete_sweep,
    }
    yield _of(
        "reconciler_last_complete_timestamp_seconds",
        "When the last complete pass or sweep ended.",
        {kind: at.timestamp() for kind, at in complete.items() if at is not None},
        "kind",
    )
    if facts.backup is not None and facts.backup.made_at is not None:
        yield _one(
            "reconciler_last_backup_timestamp_seconds",
            "When the last daily backup was made.",
            facts.backup.made_at.timestamp(),
        )
    yield _one(
        "reconciler_watermark_timestamp_seconds",
        "Up to when reading is complete.",
        facts.watermark.timestamp(),
    )
    yield _one(
        "reconciler_watermark_lag_seconds",
        "How long ago that was when this file was written.",
        (facts.now - facts.watermark).total_seconds(),
    )
    yield _of(
        "reconciler_entries",
        "Returns in the ledger by state.",
        {(state.value,): facts.states.get(state.value, 0) for state in State},
        "state",
    )
    yield _one("reconciler_overdue", "Returns that wait for too long.", facts.overdue)
    yield _one("reconciler_malformed", "Rows of Loop that are not understood.", facts.malformed)
    oldest = facts.oldest_problem.since if facts.oldest_problem else None
    yield _one(
        "reconciler_oldest_problem_seconds",
        "How long something has been due on the return that waits longest; 0 without one.",
        (facts.now - oldest).total_seconds() if oldest else 0,
    )


def _of(name: str, help_: str, values: dict[tuple[str, ...], float], *labels: str) -> Figure:
    return Figure(name, help_, labels, tuple(values.items()))


def _one(name: str, help_: str, value: float) -> Figure:
    return Figure(name, help_, (), (((), float(value)),))


def write(path: Path, found: Iterator[Figure]) -> None:
    """Write them to the file, which is replaced as a whole and is for all to read. Raises OSError.

    Not by prometheus-client's own function: the mode of its file is what the umask leaves, and
    this program's leaves nothing for node_exporter's user.
    """
    content = _encoded(found)
    target = path.resolve()
    if target.exists() and not target.is_file():
        raise FileExistsError(errno.EEXIST, "is not a file")
    with replacing(target) as file:
        file.write(content)
        # safeguard: metrics-for-node-exporter
        os.fchmod(file.fileno(), _FOR_ALL_TO_READ)


def _encoded(found: Iterator[Figure]) -> bytes:
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()  # its global one would add figures of this process
    for figure in found:
        gauge = Gauge(figure.name, figure.help, figure.labels, registry=registry)
        for labels, value in figure.values:
            (gauge.labels(*labels) if labels else gauge).set(value)
    return generate_latest(registry)
