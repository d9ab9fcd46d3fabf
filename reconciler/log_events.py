"""What lines of the log are about: one name per fact, and the run that they belong to."""

from __future__ import annotations

from contextvars import ContextVar
from enum import StrEnum

RUN: ContextVar[int | None] = ContextVar("run", default=None)
"""The id of the run that goes on, or went on last; None before the first and in a dry run."""

STEPS = "reconciler.steps"
"""The logger of what a pass does, step by step: a daemon is silent about it unless asked."""


class Event(StrEnum):
    """Names that programs which read the log may rely on; never renamed (docs/log.md)."""

    ERROR = "error"
    BUG = "bug"
    STOPPED_BY_SIGNAL = "stopped-by-signal"
    PROGRESS = "progress"
    REPORT_WRITTEN = "report-written"
    PLAN_REMARK = "plan-remark"
    WINDOW_READ = "window-read"
    RETURN_READ = "return-read"
    RETURN_DECIDED = "return-decided"
    CHANGE_ENDED = "change-ended"
    REQUEST_ANSWERED = "request-answered"
    REQUEST_FAILED = "request-failed"
    READ_RETRIED = "read-retried"
    CAPACITY_LOW = "capacity-low"
    TURN_AWAITED = "turn-awaited"
    NO_SERVER_TIME = "no-server-time"
    QUERY_NOT_UNDERSTOOD = "query-not-understood"
    SETTINGS_RELOADED = "settings-reloaded"
    SETTINGS_NOT_RELOADED = "settings-not-reloaded"
    RUN_ENDED = "run-ended"
    BACKUP_MADE = "backup-made"
    BACKUP_NOT_NOTED = "backup-not-noted"
    RUN_REFUSED = "run-refused"
    RUN_BROKE = "run-broke"
    TICK_SKIPPED = "tick-skipped"
    TICK_MISSED = "tick-missed"
    TICK_FAILED = "tick-failed"
    CLOCK_SET = "clock-set"
    HEARTBEAT_FAILED = "heartbeat-failed"
    METRICS_FAILED = "metrics-failed"
    MESSAGE_FAILED = "message-failed"
    MESSAGE_FORGOTTEN = "message-forgotten"
    ALARM_LEFT_ALONE = "alarm-left-alone"
    ALARM_BROKE = "alarm-broke"

    @property
    def fields(self) -> dict[str, str]:
        """For `extra` of a log call."""
        return {"event": self.value}
