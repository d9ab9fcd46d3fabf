"""The daemon's scheduler: passes in one foreground process, one of each kind at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    JobEvent,
)
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from msgspec import Struct

from reconciler.clock import Clock
from reconciler.core import duration
from reconciler.log_events import Event
from reconciler.operations.timetable import Timetable

CHECK_EVERY = 1.0
"""Seconds until a clock that was set, or a SIGHUP, is noticed."""
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)

_log = logging.getLogger(__name__)


class Job(Struct, frozen=True):
    """A recurring task."""

    name: str
    trigger: BaseTrigger
    tick: Callable[[], None]
    """Runs the task once; must not raise."""
    at_once: bool = False
    """Whether to run it also at the start."""


class _Manual(BaseTrigger):  # type: ignore[misc]
    """Never fires automatically; jobs are made due by `modify_job`."""

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        return _NEVER


def serve(
    jobs: Sequence[Job],
    clock: Clock,
    between: Callable[[], None] = lambda: None,
    *,
    check_every: float = CHECK_EVERY,
) -> None:
    """Run the jobs until a signal; then let the running pass finish and raise Interrupted.

    A tick that comes due while the last one of its kind is running is skipped; any number of
    missed ticks is made up for by one, however late. `between` is called about every `check_every`
    seconds.
    """
    schedules = [(job.name, job.trigger, job.at_once) for job in jobs]
    timetable = Timetable(schedules, clock.now(), clock.monotonic())
    # APScheduler would wait by the time of day, so it only runs what the timetable says is due.
    scheduler = BackgroundScheduler(timezone=UTC, executors={"default": ThreadPoolExecutor(4)})
    scheduler.add_listener(_log_event, EVENT_JOB_ERROR | EVENT_JOB_MAX_INSTANCES | EVENT_JOB_MISSED)
    for job in jobs:
        scheduler.add_job(
            job.tick,
            _Manual(),
            id=job.name,
            name=job.name,
            max_instances=1,
            misfire_grace_time=None,
            next_run_time=_NEVER,
        )
    scheduler.start()
    try:
        while True:
            between()
            now, elapsed = clock.now(), clock.monotonic()
            _log_clock_change(timetable.clock_change(now, elapsed))
            for name in timetable.take_due(now, elapsed):
                scheduler.modify_job(name, next_run_time=_LONG_AGO)  # due by any clock
            clock.wait(min(check_every, timetable.seconds_until_due(clock.monotonic())))
    finally:
        scheduler.shutdown(wait=True)


def _log_clock_change(moved: float) -> None:
    if moved:
        span = duration.approximate(timedelta(seconds=abs(moved)))
        _log.warning(
            "this machine's clock was set %s by %s: passes continue by elapsed time, and times of"
            " day are recomputed",
            "back" if moved < 0 else "ahead",
            span,
            extra=Event.CLOCK_SET.fields,
        )


def _log_event(event: JobEvent) -> None:
    if event.code == EVENT_JOB_MAX_INSTANCES:
        _log.warning(
            "%s: skipped a tick, because the last one is still running",
            event.job_id,
            extra=Event.TICK_SKIPPED.fields,
        )
    elif event.code == EVENT_JOB_MISSED:
        _log.warning("%s: missed a tick", event.job_id, extra=Event.TICK_MISSED.fields)
    else:
        _log.error(
            "%s: a tick failed",
            event.job_id,
            exc_info=getattr(event, "exception", None),
            extra=Event.TICK_FAILED.fields,
        )
