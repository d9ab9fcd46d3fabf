"""One query to a collection of Jetti, in as much of the language as it understands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TypeVar

from reconciler.http import Response, Service
from reconciler.jetti.dialect import Dialect
from reconciler.jetti.query import Feature, Query
from reconciler.jetti.schema import Wire, rows

T = TypeVar("T")
W = TypeVar("W", bound=Wire)

_OK = 200
REJECTED = frozenset({400, 414, 422, 500})
"""How Jetti may refuse a query that it does not understand (jetti.md#error-statuses)."""
_DISPENSABLE = frozenset({Feature.FROM, Feature.LIMIT, Feature.ORDER})


class QueryRejected(Exception):
    """Jetti refuses a query of several values, or with a bound of ids, where it never accepted one
    before. Either it does not know the feature or it fails; a plainer query tells."""


class QueryClient:
    """GETs only. Raises TargetUnavailable, KeyRefused, Refused, Interrupted."""

    def __init__(self, service: Service, dialect: Dialect) -> None:
        self.latest: datetime | None = None
        """The Date of the latest answer."""
        self._service = service
        self._dialect = dialect

    def get(self, path: str, query: str, decode: Callable[[Response], T]) -> T:
        """What `decode` makes of the answer; its ValueError counts as a failure of Jetti."""
        return self._service.get(path, query, self._dated(decode))

    def ask(self, path: str, kind: type[W], query: Query) -> list[W]:
        """The rows of one page. Raises QueryRejected as well.

        A feature that was never accepted is tried once and not repeated as in an outage: a 500 may
        mean that it is refused, and ten thousand returns must not wait for that.
        """
        endpoint = self._dialect.of(path)
        untried = endpoint.untried(query)
        found: list[W] | None = None
        if untried and not endpoint.refuses_all:
            found = self._try(path, kind, query, endpoint.refused)
            if found is None and not untried <= _DISPENSABLE:
                raise QueryRejected
            if found is None:
                found = self._without(path, kind, query, untried)
                endpoint.refuses_all = found is None
        if found is None:
            text = query.encode(without=endpoint.refused)
            found = self.get(path, text, partial(rows, kind))
            endpoint.refuses_all = False
        endpoint.accept(query)
        return found

    def _without(
        self, path: str, kind: type[W], query: Query, untried: frozenset[Feature]
    ) -> list[W] | None:
        """The answer to the query without the features that Jetti refuses; None when it is none of
        them. The full query is sent once more, so that one failure does not pass for a refusal."""
        refused, spare = self._dialect.of(path).refused, untried & _DISPENSABLE
        bare = self._try(path, kind, query, refused | spare)
        if bare is None:
            return None
        in_full = self._try(path, kind, query, refused)
        if in_full is not None:
            return in_full
        for feature in sorted(spare):
            found = self._try(path, kind, query, refused | {feature})
            if found is not None:
                self._dialect.refuse(path, feature)
                return found
        for feature in sorted(spare):
            self._dialect.refuse(path, feature)
        return bare

    def _try(self, path: str, kind: type[W], query: Query, without: set[Feature]) -> list[W] | None:
        """The rows, or None when Jetti refuses the query."""

        def decode(answer: Response) -> list[W] | None:
            return rows(kind, answer) if answer.status == _OK else None

        text = query.encode(without=without)
        return self._service.get(path, text, self._dated(decode), REJECTED | {_OK})

    def _dated(self, decode: Callable[[Response], T]) -> Callable[[Response], T]:
        def dated(answer: Response) -> T:
            self.latest = answer.date or self.latest
            return decode(answer)

        return dated
