"""What is said of a setting's limits and of a value that does not fit them."""

from __future__ import annotations

from msgspec import Struct

from reconciler.core import duration
from reconciler.core.limits import (
    AppriseUrl,
    Duration,
    Identifier,
    LedgerFile,
    Limits,
    ListOf,
    MetricsFile,
    OneOf,
    PingUrl,
    Rate,
    ServiceUrl,
    Share,
    Text,
    WholeNumber,
)


class Unfit(ValueError):
    """A value that a setting cannot take: `problem` ends "<value> …", `remedy` says what can."""

    def __init__(self, problem: str, remedy: str, shown: str | None = None) -> None:
        super().__init__(problem)
        self.problem, self.remedy = problem, remedy
        self.shown = shown
        """What may be shown of the value, where it could hold a password."""


class Words(Struct, frozen=True):
    """How limits are spoken of."""

    name: str
    """Ends "is not …"."""
    takes: str
    """What can be written; README has it too."""
    example: str | None = None

    @property
    def remedy(self) -> str:
        """What to write instead of what does not fit."""
        example = f", such as {self.example}" if self.example else ""
        return f"write {self.takes}{example}"


def words(limits: Limits) -> Words:
    """What these limits are called, and what can be written within them."""
    match limits:
        case WholeNumber(lowest, highest):
            name = f"a whole number from {lowest} to {highest}"
            return Words(name, name)
        case Rate(highest):
            return Words("a number above 0", f"a number above 0, up to {highest}")
        case Share():
            name = "a number from 0 to 1"
            return Words(name, name, "0.30")
        case Duration(longest, above_zero):
            shortest = "more than 0" if above_zero else "0"
            name = f"a duration from {shortest} to {duration.format(longest)}"
            return Words(name, name, "90s, 30m, 12h or 7d")
        case Text():
            return Words("a line of text", "text", '"damaged"')
        case Identifier():
            return Words("a name", "letters, digits and underscores", "ids")
        case OneOf(allowed):
            return Words("known here", f"one of: {', '.join(allowed)}")
        case ServiceUrl():
            return Words("an http address", "https://host/path")
        case LedgerFile():
            path = "/absolute/path/to/ledger.db"
            return Words("the address of an SQLite file", "its path", path)
        case PingUrl():
            return Words("an https address", "https://host/path")
        case MetricsFile():
            path = "/var/lib/prometheus/node-exporter/reconciler.prom"
            return Words("the path of a file", "an absolute path that ends with .prom", path)
        case AppriseUrl():
            return Words("an address of Apprise", "an Apprise URL", "mailto://user:password@host")
        case ListOf(AppriseUrl()):
            return Words("a list", "a list of Apprise URLs", '["ntfy://topic"]')
        case ListOf(OneOf(allowed)):
            return Words("a list", f"a list of: {', '.join(allowed)}")
        case ListOf():
            return Words("a list", "a list", '["exchange", "refund"]')
