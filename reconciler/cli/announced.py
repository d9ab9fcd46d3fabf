"""A pass of which somebody is informed (`reconciler.alarms`), however it ends."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from reconciler.cli import logs
from reconciler.errors import ReconcilerError, Unforeseen
from reconciler.runtime import Runtime

if TYPE_CHECKING:
    from reconciler.alarms import Ending, PassAlarms
    from reconciler.config import Settings
    from reconciler.core.report import Report
    from reconciler.core.request import RunRequest


def run(
    settings: Settings,
    request: RunRequest,
    runtime: Runtime,
    act: Callable[[Runtime], Report],
    deliver: Callable[[Report], int],
) -> int:
    """Make the pass, deliver its report, and tell who is to be informed; returns its exit code.

    Raises what `act` raises, after that was reported.
    """
    if not (settings.operations.secrets or settings.operations.metrics_file):
        return deliver(act(runtime))

    from reconciler import alarms

    told = alarms.of(settings, request, runtime.clock)
    if told is None:
        return deliver(act(runtime))
    began = runtime.clock.now()
    runtime = dataclasses.replace(runtime, on_begun=told.begin)

    def ended(exit_code: int, error: ReconcilerError | None, report: Report | None) -> Ending:
        message, hint = (str(error), error.hint) if error else (None, None)
        if report is not None:
            message = report.run.message
            hint = report.run.failures[0].hint if report.run.failures else None
        at = runtime.clock.now()
        return alarms.Ending(exit_code, began, at, message, hint, report, tuple(lines))

    with logs.kept(runtime.environ) as lines:
        try:
            report = act(runtime)
            exit_code = deliver(report)
        except ReconcilerError as error:
            _tell(told, ended(error.status, error, None))
            raise
        except Exception as error:
            _tell(told, ended(Unforeseen.exit_code, Unforeseen(error), None))
            raise
        _tell(told, ended(exit_code, None, report))
    return exit_code


def require_known_addresses(settings: Settings) -> None:
    """Raise ConfigError where `operations.notify` has an address that Apprise does not know.

    For commands that somebody waits for; a pass does not spend half a second on it.
    """
    if settings.operations.notify:
        from reconciler.operations import notifications

        notifications.require_known(settings.operations.notify)


def _tell(told: PassAlarms, ending: Ending) -> None:
    from reconciler.operations.background import Background

    # Whatever goes wrong there, the pass went as it did.
    Background("alarms", partial(told.end, ending)).join()
