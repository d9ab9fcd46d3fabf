"""The errors that end a whole run, each with an exit code and a hint.

ReconcilerError
├── Unforeseen              1   a bug, or not enough memory
├── ConfigError             2   usage or settings
├── SourceError             4   Loop could not be read completely
│   └── ImplausibleListing  4   Loop answered, but the answer is not believed
├── TargetUnavailable       5   Jetti is out; changes stay pending
├── KeyRefused              6   a service refused its key (401, 403)
├── SafetyStop              7   continuing might do harm; someone has to decide
│   └── LedgerMissing       7   no ledger, an empty one, or somebody else's file
├── LedgerError             8   the ledger cannot be used
├── LedgerLocked           75   another run holds the lock
└── Interrupted   129 130 143   stopped by a signal, cleanly

What happens to a single return is never an exception but an outcome (`core.report.OutcomeKind`).
"""

from __future__ import annotations

import signal
from typing import ClassVar

from reconciler import __version__


class ReconcilerError(Exception):
    """Base class of everything this program raises on purpose.

    `str(error)` says who and what; `hint` names the command or setting that helps. Neither ever
    contains a key or personal data.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        message: str,
        hint: str | None = None,
        *,
        cause: str | None = None,
        command: str | None = None,
    ) -> None:
        super().__init__(message)
        self.hint = hint
        self.cause = cause
        """What a service did, without its name: `answered 503`. None if it was not asked."""
        self.command = command
        """The command that continues, if there is exactly one."""

    @property
    def status(self) -> int:
        """The exit status of the process."""
        return self.exit_code


class ConfigError(ReconcilerError):
    """The command line or the settings cannot be used."""

    exit_code = 2


class SourceError(ReconcilerError):
    """Loop could not be read completely; the watermark has not moved."""

    exit_code = 4


class ImplausibleListing(SourceError):
    """Loop answered, but returns that must be in the answer are missing."""


class TargetUnavailable(ReconcilerError):
    """Jetti cannot be reached or keeps failing; changes stay pending."""

    exit_code = 5


class KeyRefused(ReconcilerError):
    """A service refused its key (401 or 403): do not try anything else."""

    exit_code = 6
    service: str = ""
    """Which one."""


class SafetyStop(ReconcilerError):
    """Continuing might do harm, so nothing was written; someone has to decide."""

    exit_code = 7


class UnknownPlan(SafetyStop):
    """What was accepted names no plan. Nothing waits for a decision: later passes go on."""


class LedgerMissing(SafetyStop):
    """There is no ledger here, or an empty or foreign file in its place.

    A ledger is never created silently: a lost volume would look like a first run, and everything
    would be created in Jetti a second time.
    """


class LedgerError(ReconcilerError):
    """The ledger is corrupt, too new, read-only, full or locked by another program."""

    exit_code = 8


class Unforeseen(ReconcilerError):
    """An unexpected exception. What was done before it is still reported."""

    exit_code = 1

    def __init__(self, error: Exception) -> None:
        super().__init__(*unforeseen(error))


class LedgerLocked(ReconcilerError):
    """Another run holds the lock of this ledger."""

    exit_code = 75
    waited: float = 0.0
    """Seconds for which this run has waited for it."""


class Interrupted(ReconcilerError):
    """A signal asked this run to end; the write in flight was classified first."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(signal_number).name}")
        self.signal_number = signal_number

    @property
    def status(self) -> int:
        """The exit status a shell expects: 128 + signal (129 SIGHUP, 130 SIGINT, 143 SIGTERM)."""
        return 128 + self.signal_number


# When several exit codes apply, the first one here wins.
PRECEDENCE = (129, 130, 143, 8, 6, 7, 4, 5, 3, 10, 0)


def unforeseen(error: Exception) -> tuple[str, str]:
    """Message and hint for an unexpected exception.

    Only its type is shown: its text may be about a customer.
    """
    if isinstance(error, MemoryError):
        return (
            "there is too little memory for this command",
            "give it more (`ulimit -v`, MemoryMax= in its unit) and run it again",
        )
    return (
        f"this is a bug in reconciler {__version__}: {type(error).__name__}",
        "run the command again with -v (`reconciler -v run`) and report what it shows",
    )


def fact(who: str, what: str, times: str = "") -> str:
    """What a service did as a sentence: `Jetti answered 503 five times`."""
    reads_on = what.startswith(("answered ", "timed out", "failed "))
    count = f"{'' if reads_on else ','} {times} times" if times else ""
    return f"{who}{'' if reads_on else ':'} {what}{count}"


def others_ask(who: str) -> str:
    """The hint where a service keeps answering 429, since each process paces itself alone."""
    return (
        f"another program may be asking {who} with the same account at the same time: a run,"
        " `verify`, `doctor` or a dry run of this one, too; let only one of them go on"
    )


def worst(codes: set[int]) -> int:
    """The exit code to report for all of them; a code without a place in PRECEDENCE wins."""
    strangers = codes - set(PRECEDENCE)
    if strangers:
        return min(strangers)
    return next((code for code in PRECEDENCE if code in codes), 0)
