"""Telling an outage of Jetti from entries that fail on their own."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.errors import TargetUnavailable, fact, others_ask
from reconciler.jetti.matcher import Matcher
from reconciler.jetti.result import JettiFailure, PushResult

OUTAGE = 5
"""Failures in a row that are Jetti's and no entry's."""
RATE_LIMITED_IN_A_ROW = 3
"""429s in a row after which the rest waits for the next pass."""


class OutageDetector:
    """Watches the results of one push and raises TargetUnavailable when Jetti is down."""

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher
        self._failures: list[tuple[str, PushResult]] = []
        """Return ids and results since Jetti last answered well, where Jetti failed in each."""
        self._requests = 0
        """Sent to Jetti until the latest result."""

    def return_ids(self) -> list[str]:
        """The returns that failed since Jetti last answered well."""
        return [return_id for return_id, _ in self._failures]

    def observe(self, return_id: str, result: PushResult) -> None:
        """Count one result. Raises TargetUnavailable after five failures in a row that are
        Jetti's, or three 429s."""
        before, self._requests = self._requests, self._matcher.requests()
        if result.jetti_failure is None:
            if before != self._requests:  # else nothing was answered for it either
                self._failures.clear()
            return
        self._failures.append((return_id, result))
        latest = [result.jetti_failure for _, result in self._failures[-RATE_LIMITED_IN_A_ROW:]]
        if latest == [JettiFailure.RATE_LIMITED] * RATE_LIMITED_IN_A_ROW:
            raise TargetUnavailable(fact("Jetti", "answered 429", "three"), others_ask("Jetti"))
        if len(self._failures) < OUTAGE:
            return
        if any(result.jetti_failure is JettiFailure.UNUSABLE for _, result in self._failures):
            self.check_at_the_end()
            self._failures.clear()
            return
        raise TargetUnavailable(_outage([failure for _, failure in self._failures]))

    def check_at_the_end(self) -> None:
        """Where the failures are too few to tell: ping Jetti. When that fails, too, the fault is
        Jetti's. Raises TargetUnavailable."""
        if not all(
            result.jetti_failure is JettiFailure.RATE_LIMITED for _, result in self._failures
        ):
            self._matcher.ping()


def _outage(failures: Sequence[PushResult]) -> str:
    """What Jetti did five times, if it was asked five times."""
    last = failures[-1]
    if last.cause is None:
        return last.reason or "Jetti is left alone for now"
    causes = list(dict.fromkeys(failure.cause for failure in failures if failure.cause))
    if len(causes) == 1:
        return fact("Jetti", last.cause, "five")
    return fact("Jetti", f"failed five times in a row: {', '.join(causes)}")
