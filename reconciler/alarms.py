"""Who is informed how the passes go, and of what: heartbeat, metrics file, messages.

All of it comes after the result of a pass is committed. It survives its own failure, takes a
bounded time, and changes no exit code.
"""

from __future__ import annotations

import logging
import os
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from reconciler import inspection
from reconciler.clock import Clock
from reconciler.config import Settings
from reconciler.core.alarms import Concern, News, news
from reconciler.core.health import Health
from reconciler.core.records import Told
from reconciler.core.report import Report, RunKind
from reconciler.core.request import RunRequest
from reconciler.errors import LedgerError, ReconcilerError
from reconciler.ledger.opening import open_beside_runs
from reconciler.ledger.schema import CURRENT
from reconciler.log_events import Event
from reconciler.operations.background import Background, wait_for
from reconciler.operations.hourly import HourlyFile
from reconciler.operations.one_at_a_time import one_at_a_time
from reconciler.reports import alarm_text

LONGEST = 15.0
"""Seconds that the end of a pass takes longer at most, because somebody is informed of it."""

_SENDING = 12.0
"""Seconds that sending takes at most, its process included."""

SENT, PRINTED = "sent", "printed"
"""The channels that are remembered apart: messages, and what `status --changed` has printed."""

_LOCKED = 75
_UNUSABLE = LedgerError.exit_code
_FIRST_SIGNAL = 129
_WATCHED = (RunKind.SCHEDULED, RunKind.SWEEP)
"""The passes that nobody sits in front of."""
_LEDGER = "the ledger"

_log = logging.getLogger(__name__)


class Ending(Struct, frozen=True):
    """How a pass ended."""

    exit_code: int
    began: datetime
    at: datetime
    message: str | None = None
    hint: str | None = None
    report: Report | None = None
    log: tuple[str, ...] = ()
    """Its last lines of warning, without secrets."""


# ------------------------------------------------------------------------------------ of a pass


class PassAlarms:
    """Those who are informed of one pass."""

    def __init__(self, settings: Settings, request: RunRequest, clock: Clock) -> None:
        self._settings = settings
        self._kind = request.kind
        self._clock = clock
        self._heartbeat = None
        if settings.operations.heartbeat_url and request.kind is RunKind.SCHEDULED:
            from reconciler.operations.heartbeat import Heartbeat

            self._heartbeat = Heartbeat(settings.operations.heartbeat_url.reveal())

    def begin(self) -> None:
        """The pass has the lock and begins. Does not wait, and never raises."""
        if self._heartbeat is not None:
            self._heartbeat.begin()

    def end(self, ending: Ending) -> None:
        """Tell how it ended, for `LONGEST` seconds at most. Never raises."""
        if ending.exit_code == _LOCKED:
            return  # whoever holds the lock tells of itself
        at_work: list[Background[Any]] = []
        if self._heartbeat is not None:
            at_work.append(self._heartbeat.end(ending.exit_code, _body(ending)))
        if self._settings.operations.metrics_file:
            at_work.append(Background("metrics file", partial(self._write_metrics, ending)))
        # Who ended it knows, and the next pass goes on.
        if self._settings.operations.notify and ending.exit_code < _FIRST_SIGNAL:
            at_work.append(Background("notify", partial(self._notify, ending)))
        wait_for(at_work, LONGEST, self._clock)

    def _write_metrics(self, ending: Ending) -> None:
        from reconciler.operations import metrics

        health, before = None, list[metrics.Ended]()
        try:
            health = inspection.health(self._settings, self._clock, None)
            for kind in _WATCHED:
                run = inspection.last_ended(self._settings, self._clock, kind)
                if kind is not self._kind and run and run.finished_at and run.exit_code is not None:
                    began, at = run.started_at, run.finished_at
                    before.append(metrics.Ended(kind, run.exit_code, began, at, None))
        except ReconcilerError:
            pass  # the figures say that it cannot be read
        sent = ending.report.requests if ending.report else None
        ended = metrics.Ended(self._kind, ending.exit_code, ending.began, ending.at, sent)
        path = Path(self._settings.operations.metrics_file or "")
        try:
            metrics.write(path, metrics.figures(ended, health, CURRENT.number, before))
        except OSError as error:
            _log.warning(
                "operations.metrics_file: %s: %s",
                path,
                error.strerror,
                extra=Event.METRICS_FAILED.fields,
            )

    def _notify(self, ending: Ending) -> None:
        if ending.exit_code == _UNUSABLE:
            trouble = LedgerError(ending.message or "the ledger cannot be used", ending.hint)
            send_trouble(self._settings, self._clock, trouble)
        else:
            notify(self._settings, self._clock, None)


def of(settings: Settings, request: RunRequest, clock: Clock) -> PassAlarms | None:
    """Those who are informed of this pass; None where nobody is."""
    told = settings.operations
    is_told = told.heartbeat_url or told.metrics_file or told.notify
    if request.dry_run or request.kind not in _WATCHED or not is_told:
        return None
    return PassAlarms(settings, request, clock)


def _body(ending: Ending) -> str:
    """What the heartbeat takes along: exit code, counts, and the last lines of the log."""
    lines = [f"exit code {ending.exit_code}"]
    if ending.message:
        lines.append(ending.message)
    if ending.report is not None:
        from msgspec.structs import asdict

        counts = asdict(ending.report.counts)
        lines.append(", ".join(f"{count} {what}" for what, count in counts.items() if count))
    return "\n".join([*filter(None, lines), *ending.log])


# ------------------------------------------------------------------------------- of what changed


class Look(Struct, frozen=True):
    """What there is to tell through one channel."""

    health: Health
    news: News
    memory: tuple[Told, ...]
    """What to remember once it was reported."""
    is_changed: bool
    """Whether that is something else than what is remembered."""


class Memory:
    """What was reported through one channel: in the ledger, or by a file's time where that is out
    of order."""

    def __init__(self, settings: Settings, clock: Clock, channel: str) -> None:
        self._settings = settings
        self._clock = clock
        self._channel = channel
        self._without = HourlyFile(settings.ledger_path, channel)

    def look(self, max_age: timedelta | None) -> Look:
        """What there is to tell now. Raises ReconcilerError where the ledger cannot be read."""
        found = inspection.concerns(self._settings, self._clock, max_age, self._channel)
        facts = found.health.facts
        what, memory = news(
            found.told,
            found.concerns,
            facts.now,
            facts.last_complete_pass,
            judges_age=max_age is not None,
            states=found.states,
        )
        if self._without.exists:
            what = self._after_trouble(what, found.told)
        return Look(found.health, what, memory, list(memory) != list(found.told))

    def _after_trouble(self, what: News, told: list[Told]) -> News:
        """Something was reported that could not be remembered: is the ledger well again?"""
        if self._write(told):
            now = self._clock.now()
            return replace(what, well=(Told(_LEDGER, "", _LEDGER, now, now), *what.well))
        # safeguard: reported-hourly-without-a-memory
        return News() if self._without.is_recent(self._clock.now()) else what

    def remember(self, look: Look) -> None:
        """What was to be reported has been reported. Never raises."""
        is_kept = not look.is_changed or self._write(list(look.memory))
        if not look.news:
            return
        if is_kept:
            self._without.clear()
        else:
            self._without.set(self._clock.now())
            _log.warning(
                "what was reported could not be remembered, so it is reported again",
                extra=Event.MESSAGE_FORGOTTEN.fields,
            )

    def may_tell_trouble(self) -> bool:
        """Whether it is an hour or more since it was reported that the ledger cannot be used."""
        # safeguard: ledger-trouble-is-reported-hourly
        return not self._without.is_recent(self._clock.now())

    def told_trouble(self) -> None:
        """It was reported that the ledger cannot be used."""
        self._without.set(self._clock.now())

    def _write(self, memory: list[Told]) -> bool:
        try:
            with open_beside_runs(self._settings.ledger, self._clock) as ledger:
                ledger.told.replace(self._channel, memory)
        except ReconcilerError:
            return False
        return True


def notify(settings: Settings, clock: Clock, max_age: timedelta | None) -> None:
    """Send what has changed since it was last reported, if anything has. Never raises
    ReconcilerError."""
    memory = Memory(settings, clock, SENT)
    if not _is_changed(memory, max_age):
        return
    # Looked at again inside: another process may be sending just that.
    with _alone(settings):
        try:
            look = memory.look(max_age)
        except ReconcilerError as error:
            _send_trouble(settings, clock, error)
            return
        if not look.news or _send(settings, clock, look.news):
            memory.remember(look)


def _is_changed(memory: Memory, max_age: timedelta | None) -> bool:
    """Whether there may be something to send or to remember, so that it is worth a lock."""
    try:
        look = memory.look(max_age)
    except ReconcilerError:
        return memory.may_tell_trouble()
    return bool(look.news) or look.is_changed


def _alone(settings: Settings) -> AbstractContextManager[None]:
    ledger = settings.ledger_path
    return one_at_a_time(ledger.with_name(f"{ledger.name}.reporting"), _SENDING)


def send_trouble(settings: Settings, clock: Clock, error: ReconcilerError) -> None:
    """Send that the ledger cannot be used, once an hour."""
    with _alone(settings):
        _send_trouble(settings, clock, error)


def _send_trouble(settings: Settings, clock: Clock, error: ReconcilerError) -> None:
    memory = Memory(settings, clock, SENT)
    if not memory.may_tell_trouble():
        return
    trouble = Concern(_LEDGER, "", _LEDGER, str(error), error.hint or "reconciler status")
    if _send(settings, clock, News(worse=(trouble,))):
        memory.told_trouble()


def _send(settings: Settings, clock: Clock, what: News) -> bool:
    from reconciler.operations.notifications import Message, send

    where = f"ledger {settings.ledger_path} on {os.uname().nodename}"
    kind = "warning" if what.worse or what.standing else "success"
    message = Message(alarm_text.title(what), f"{alarm_text.render(what)}\n\n{where}", kind)
    return send(settings.operations.notify, message, clock)
