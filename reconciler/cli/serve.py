"""`reconciler serve`: passes on a timetable, in the foreground."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

import click

from reconciler.cli import announced, deliver, logs
from reconciler.cli.exit_codes import exit_codes
from reconciler.cli.params import Span
from reconciler.cli.session import Session, session
from reconciler.errors import Interrupted, ReconcilerError, unforeseen
from reconciler.log_events import RUN, Event

if TYPE_CHECKING:
    from apscheduler.triggers.base import BaseTrigger

    from reconciler.config import Settings
    from reconciler.core.request import RunRequest

    _Work = Callable[[Settings, Session], int]

_DEFAULT_INTERVAL = timedelta(minutes=5)
_NIGHTLY = "17 3 * * *"  # not on the hour, when everyone's jobs start
_BACKUPS_AT = "47 2 * * *"
_BACKUPS_KEPT = 14
_BACKUP_WAIT = 120.0  # seconds

_log = logging.getLogger(__name__)


@click.command(epilog=exit_codes(1, 2, 130, 143))
@click.option(
    "--every",
    type=Span(above_zero=True),
    metavar="D",
    help="Interval between passes. Default: 5m.",
)
@click.option("--cron", metavar="FIELDS", help="Times of passes: five crontab fields, in UTC.")
@click.option(
    "--sweep",
    type=Span(above_zero=True),
    metavar="SPAN",
    help="Also sweep this far back every night at 03:17 UTC.",
)
@click.option(
    "--keep-backups",
    type=click.IntRange(min=0),
    default=_BACKUPS_KEPT,
    show_default=True,
    metavar="N",
    help="Back the ledger up every day at 02:47 UTC, as `ledger backup --keep N`. 0: never.",
)
@click.pass_context
def serve(
    context: click.Context,
    every: timedelta | None,
    cron: str | None,
    sweep: timedelta | None,
    keep_backups: int,
) -> int:
    """Run as a daemon in the foreground: a pass at once, then on a timetable.

    Each pass is the same as `reconciler run`, under the same lock, so one can still be run by
    hand in between. Its exit code is logged; whatever it is, the next pass follows. SIGTERM and
    SIGINT end the daemon once the write in flight is done. SIGHUP makes it read its settings and
    keys again before the next pass; if they cannot be used, that is logged and the old ones stay.
    Setting the clock delays no pass: the interval is elapsed time. Once a day the ledger is backed
    up, which holds up no pass; a failure is logged as a warning with its exit code.

    \b
    Examples:
      reconciler serve
      reconciler serve --every 10m --sweep 120d
      reconciler serve --cron '*/5 6-22 * * 1-5'
    """
    if every is not None and cron is not None:
        raise click.UsageError("--every and --cron exclude each other")
    timetable = _timetable(every or _DEFAULT_INTERVAL, cron)
    call = session(context)
    current = CurrentSettings(call)

    from reconciler.cli.run_options import request
    from reconciler.operations import crontab, scheduler

    at_each = pass_request(None if cron else every or _DEFAULT_INTERVAL)

    def job(name: str, when: BaseTrigger, work: _Work, *, at_once: bool = False) -> scheduler.Job:
        return scheduler.Job(name, when, lambda: tick(name, current, work), at_once)

    jobs = [job("pass", timetable, _passes(at_each), at_once=True)]
    if sweep is not None:
        jobs.append(job("sweep", crontab.trigger(_NIGHTLY), _passes(request(sweep=sweep))))
    if keep_backups:
        jobs.append(job("backup", crontab.trigger(_BACKUPS_AT), _backups(keep_backups)))
    call.runtime.on_hangup(current.request_reload)
    # Each look asks the sandbox, and a second there may be a fraction of one here.
    check_every = scheduler.CHECK_EVERY * (60 if call.in_sandbox_time else 1)
    scheduler.serve(jobs, call.runtime.clock, current.reload_if_requested, check_every=check_every)
    return 0


class CurrentSettings:
    """The settings for the next pass. Raises ConfigError if they cannot be used."""

    def __init__(self, call: Session) -> None:
        self.call = call
        self.settings = _usable_settings(call)
        self._reload_requested = False

    def request_reload(self) -> None:
        """A signal handler: the next `reload_if_requested` reads the settings again."""
        self._reload_requested = True

    def reload_if_requested(self) -> None:
        """Read the settings again if requested; a running pass keeps those it started with."""
        if not self._reload_requested:
            return
        self._reload_requested = False
        try:
            self.settings = _usable_settings(self.call)
        except ReconcilerError as error:
            hint = f" ({error.hint})" if error.hint else ""
            _log.warning(
                "SIGHUP: the settings stay as they were: %s%s",
                error,
                hint,
                extra=Event.SETTINGS_NOT_RELOADED.fields,
            )
        else:
            logs.learn_keys()
            _log.info(
                "SIGHUP: the settings were read again; the next pass uses them",
                extra=Event.SETTINGS_RELOADED.fields,
            )


def _usable_settings(call: Session) -> Settings:
    settings = call.settings()
    settings.require_loop_key()
    settings.require_jetti_token()
    announced.require_known_addresses(settings)
    _ = settings.ledger
    return settings


def pass_request(every: timedelta | None) -> RunRequest:
    """A pass that leaves the backlog alone before the next one is due; None: at times of day."""
    from msgspec.structs import replace

    from reconciler.cli.run_options import request
    from reconciler.core.budget import backlog_seconds

    if every is None:
        return request()
    # safeguard: backlog-share-of-the-daemon-s-interval
    return replace(request(), backlog_seconds=backlog_seconds(every.total_seconds()))


def _timetable(every: timedelta, cron: str | None) -> BaseTrigger:
    from apscheduler.triggers.interval import IntervalTrigger

    from reconciler.operations import crontab

    if cron is None:
        return IntervalTrigger(seconds=every.total_seconds(), timezone=UTC)
    try:
        return crontab.trigger(cron)
    except ValueError as error:
        raise click.UsageError(f"--cron {cron!r}: {error}") from error


def tick(name: str, current: CurrentSettings, work: _Work) -> None:
    """One pass or backup of the daemon; logs its outcome and never raises."""
    RUN.set(None)
    # Around all that is logged, which has the time of the thread's clock.
    with current.call.of_another_thread() as call:
        status = _status(name, current.settings, work, call)
        _log.log(
            logging.WARNING if status else logging.INFO,
            "%s: ended with exit code %d",
            name,
            status,
            extra=Event.RUN_ENDED.fields,
        )


def _status(name: str, settings: Settings, work: _Work, call: Session) -> int:
    try:
        return work(settings, call)
    except Interrupted as error:
        return error.status
    except ReconcilerError as error:
        hint = f" ({error.hint})" if error.hint else ""
        _log.warning("%s: %s%s", name, error, hint, extra=Event.RUN_REFUSED.fields)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - one bad tick must not end the daemon
        _log.exception("%s: %s (%s)", name, *unforeseen(error), extra=Event.RUN_BROKE.fields)
        return 1


def _passes(request: RunRequest) -> _Work:
    def work(settings: Settings, call: Session) -> int:
        from reconciler import app

        return announced.run(
            settings,
            request,
            call.runtime,
            lambda runtime: app.run(settings, request, runtime),
            lambda report: deliver.report(report, call, "text", None),
        )

    return work


def _backups(keep: int) -> _Work:
    def work(settings: Settings, call: Session) -> int:
        from reconciler import maintenance

        made = maintenance.back_up(settings, call.runtime, into=None, keep=keep, wait=_BACKUP_WAIT)
        _log.info("the backup is in %s", made.path, extra=Event.BACKUP_MADE.fields)
        return 0

    return work
