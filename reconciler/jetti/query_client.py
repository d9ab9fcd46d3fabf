"""One question to a collection of Jetti's, in as much of the language as it takes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TypeVar

from reconciler.http import Response, Service
from reconciler.jetti.dialect import Dialect
from reconciler.jetti.query import Form, Question
from reconciler.jetti.schema import Wire, rows

T = TypeVar("T")
W = TypeVar("W", bound=Wire)

_OK = 200
_DECLINED = frozenset({400, 414, 422, 500})
"""How Jetti may refuse a question that it does not understand (jetti.md#error-statuses)."""
_DISPENSABLE = frozenset({Form.FROM, Form.LIMIT, Form.ORDER})


class Declined(Exception):
    """Jetti does not take a question of several values, or with a bound of ids, where it never
    took one before: the form or a failure, which a plainer question tells."""


class QueryClient:
    """GETs only. Raises TargetUnavailable, KeyRefused, Refused, Interrupted."""

    def __init__(self, service: Service, dialect: Dialect) -> None:
        self.latest: datetime | None = None
        """The Date of the latest answer."""
        self._service = service
        self._dialect = dialect

    def get(self, path: str, query: str, decode: Callable[[Response], T]) -> T:
        """What `decode` makes of the answer."""
        return self._service.get(path, query, self._dated(decode))

    def ask(self, path: str, kind: type[W], question: Question) -> list[W]:
        """The rows of one page. Raises Declined as well.

        A form that was never taken is tried without the patience that an outage needs: a 500 may
        mean that it is refused, and ten thousand returns must not wait for that.
        """
        manner = self._dialect.of(path)
        doubts = manner.doubts(question)
        found: list[W] | None = None
        if doubts and not manner.searched:
            found = self._try(path, kind, question, manner.refused)
            if found is None and not doubts <= _DISPENSABLE:
                raise Declined
            if found is None:
                found = self._without(path, kind, question, doubts)
                manner.searched = found is None
        if found is None:
            query = question.encode(without=manner.refused)
            found = self.get(path, query, partial(rows, kind))
            manner.searched = False
        manner.took(question)
        return found

    def _without(
        self, path: str, kind: type[W], question: Question, doubts: frozenset[Form]
    ) -> list[W] | None:
        """The answer to the question less what Jetti does not take of it; None when it is not
        that. Asked once more in full, so that one failure does not pass for a refusal."""
        refused, spare = self._dialect.of(path).refused, doubts & _DISPENSABLE
        bare = self._try(path, kind, question, refused | spare)
        if bare is None:
            return None
        in_full = self._try(path, kind, question, refused)
        if in_full is not None:
            return in_full
        for form in sorted(spare):
            found = self._try(path, kind, question, refused | {form})
            if found is not None:
                self._dialect.refuse(path, form)
                return found
        for form in sorted(spare):
            self._dialect.refuse(path, form)
        return bare

    def _try(
        self, path: str, kind: type[W], question: Question, without: set[Form]
    ) -> list[W] | None:
        """The rows, or None when Jetti declines the question."""

        def decode(answer: Response) -> list[W] | None:
            return rows(kind, answer) if answer.status == _OK else None

        query = question.encode(without=without)
        return self._service.get(path, query, self._dated(decode), _DECLINED | {_OK})

    def _dated(self, decode: Callable[[Response], T]) -> Callable[[Response], T]:
        def dated(answer: Response) -> T:
            self.latest = answer.date or self.latest
            return decode(answer)

        return dated
