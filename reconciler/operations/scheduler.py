"""The daemon's timetable: passes in the foreground of one process, one of each kind at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

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

_AN_HOUR = 3600.0

_log = logging.getLogger(__name__)


class Job(Struct, frozen=True):
    """Something to be done again and again."""

    name: str
    trigger: BaseTrigger
    tick: Callable[[], None]
    """Does it once; must not raise."""
    at_once: bool = False
    """Also right at the start."""


def serve(jobs: Iterable[Job], clock: Clock) -> None:
    """Keep the timetable until a signal: then let the pass that goes on end, and raise Interrupted.

    A tick that comes while the last one of its kind goes on is left out; ticks that were missed
    are made up for by one, however late.
    """
    scheduler = BackgroundScheduler(timezone=UTC, executors={"default": ThreadPoolExecutor(4)})
    scheduler.add_listener(_tell, EVENT_JOB_ERROR | EVENT_JOB_MAX_INSTANCES | EVENT_JOB_MISSED)
    for job in jobs:
        # No next_run_time at all means "when the trigger says"; None would mean paused.
        first = {"next_run_time": datetime.now(UTC)} if job.at_once else {}
        scheduler.add_job(
            job.tick,
            job.trigger,
            id=job.name,
            name=job.name,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
            **first,
        )
    scheduler.start()
    try:
        while True:
            clock.wait(_AN_HOUR)
    finally:
        scheduler.shutdown(wait=True)


def _tell(event: JobEvent) -> None:
    if event.code == EVENT_JOB_MAX_INSTANCES:
        _log.warning("%s: left out a tick, because the last one still goes on", event.job_id)
    elif event.code == EVENT_JOB_MISSED:
        _log.warning("%s: missed a tick", event.job_id)
    else:
        _log.error("%s: a tick failed", event.job_id, exc_info=getattr(event, "exception", None))
