"""The daemon's timetable: passes in the foreground of one process, one of each kind at a time."""

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
from reconciler.operations.timetable import Timetable

_LOOK = 1.0  # seconds; how soon a clock that was set, or a signal to read settings, is noticed
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)

_log = logging.getLogger(__name__)


class Job(Struct, frozen=True):
    """Something to be done again and again."""

    name: str
    trigger: BaseTrigger
    tick: Callable[[], None]
    """Does it once; must not raise."""
    at_once: bool = False
    """Also right at the start."""


class _WhenTold(BaseTrigger):  # type: ignore[misc]
    """Fires never by itself."""

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        return _NEVER


def serve(jobs: Sequence[Job], clock: Clock, between: Callable[[], None] = lambda: None) -> None:
    """Keep the timetable until a signal: then let the pass that goes on end, and raise Interrupted.

    A tick that comes while the last one of its kind goes on is left out; ticks that were missed
    are made up for by one, however late. `between` is called about once a second.
    """
    lines = [(job.name, job.trigger, job.at_once) for job in jobs]
    timetable = Timetable(lines, clock.now(), clock.monotonic())
    # APScheduler would wait by the time of day, so it only carries out what it is told is due.
    scheduler = BackgroundScheduler(timezone=UTC, executors={"default": ThreadPoolExecutor(4)})
    scheduler.add_listener(_tell, EVENT_JOB_ERROR | EVENT_JOB_MAX_INSTANCES | EVENT_JOB_MISSED)
    for job in jobs:
        scheduler.add_job(
            job.tick,
            _WhenTold(),
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
            _tell_of_the_clock(timetable.moved(now, elapsed))
            for name in timetable.look(now, elapsed):
                scheduler.modify_job(name, next_run_time=_LONG_AGO)  # due by any clock
            clock.wait(min(_LOOK, timetable.rest(clock.monotonic())))
    finally:
        scheduler.shutdown(wait=True)


def _tell_of_the_clock(moved: float) -> None:
    if moved:
        span = duration.approximate(timedelta(seconds=abs(moved)))
        _log.warning(
            "this machine's clock was set %s by %s: passes go on by the time that has passed,"
            " and times of day are counted anew",
            "back" if moved < 0 else "ahead",
            span,
        )


def _tell(event: JobEvent) -> None:
    if event.code == EVENT_JOB_MAX_INSTANCES:
        _log.warning("%s: left out a tick, because the last one still goes on", event.job_id)
    elif event.code == EVENT_JOB_MISSED:
        _log.warning("%s: missed a tick", event.job_id)
    else:
        _log.error("%s: a tick failed", event.job_id, exc_info=getattr(event, "exception", None))
