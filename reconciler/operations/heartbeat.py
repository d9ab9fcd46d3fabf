"""The heartbeat: pings by the conventions of healthchecks.io, which alerts when they stop coming.

`URL/start` when a pass begins, then `URL` when it ended with 0 and `URL/N` with its exit code when
it did not; `URL/fail` instead where `/N` is not known. All carry `rid`, an id of the run.
"""

from __future__ import annotations

import logging
import uuid
from functools import partial

from reconciler.http.ping import PingFailed, ping
from reconciler.log_events import Event
from reconciler.operations.background import Background

_log = logging.getLogger(__name__)

_UNKNOWN = (400, 404, 405)
"""How somebody answers who knows no exit codes."""
_LONGEST_BODY = 10_000  # what healthchecks.io keeps of one


class Heartbeat:
    """The pings of one pass. None of its methods waits or raises."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._query = f"rid={uuid.uuid4()}"
        self._begun: Background[None] | None = None
        self._is_told = False
        """Whether the log has been reported that a ping failed: the next one fails for the same."""

    def __repr__(self) -> str:
        return "<Heartbeat>"

    def begin(self) -> None:
        """The pass has begun."""
        self._begun = Background("heartbeat", partial(self._ping, "/start", ""))

    def end(self, exit_code: int, body: str) -> Background[None]:
        """The pass has ended: the last ping, which is on its way."""
        return Background("heartbeat", partial(self._end, exit_code, body[-_LONGEST_BODY:]))

    def _end(self, exit_code: int, body: str) -> None:
        if self._begun is not None:
            # In this order, or the pass would seem to go on.
            self._begun.join()
        self._ping(f"/{exit_code}" if exit_code else "", body, otherwise="/fail")

    def _ping(self, path: str, body: str, otherwise: str = "") -> None:
        try:
            ping(self._url, path, self._query, body)
        except PingFailed as error:
            if path and otherwise and error.status in _UNKNOWN:
                self._ping(otherwise, body)
            elif not self._is_told:
                self._is_told = True
                _log.warning("heartbeat: %s", error, extra=Event.HEARTBEAT_FAILED.fields)
