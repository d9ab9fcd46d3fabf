"""Rows of a collection by the values of one field, complete and re-checked one by one.

A server that ignores a filter or caps a page must not mislead us
(architecture.md#choosing-the-sale): each row is compared with what was asked for, a doubtful answer
is asked for again one value at a time, and where a filter has no effect the collection is read and
filtered here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from msgspec import Struct

from reconciler.errors import TargetUnavailable
from reconciler.jetti.dialect import Dialect
from reconciler.jetti.pages import Unpageable, Walk
from reconciler.jetti.query import LIMIT, Form, Question, groups
from reconciler.jetti.query_client import Declined, QueryClient
from reconciler.jetti.schema import Wire

W = TypeVar("W", bound=Wire)
Values = Sequence[str | int]


class FilterIgnored(Exception):
    """Jetti answered with rows that were not asked for, or perhaps not with all that were: what is
    missing proves nothing."""


class Strangers(FilterIgnored):
    """There are rows that were not asked for."""


class QueryUnusable(TargetUnavailable):
    """A filter has no effect, and the collection is too large to do without it."""


class Filter(Struct, Generic[W], frozen=True):
    """One way to ask for rows of one kind."""

    path: str
    kind: type[W]
    field: str
    """As Jetti spells it."""
    value: Callable[[W], object]
    """The same field of a decoded row."""


class Collections:
    """Raises TargetUnavailable, KeyRefused, FilterIgnored, Refused, Interrupted."""

    def __init__(self, queries: QueryClient, dialect: Dialect) -> None:
        self._queries = queries
        self._dialect = dialect

    def find(self, by: Filter[W], values: Values) -> list[W]:
        """Every row with one of the values."""
        return [row for group in groups(values) for row in self._group(by, group)]

    def everything(self, path: str, kind: type[W]) -> list[W]:
        """All rows, where there are no more than twenty pages. Raises QueryUnusable."""
        walk = Walk(self._queries, self._dialect, path, kind, Question())
        try:
            return [row for page in walk.pages() for row in page]
        except Unpageable as error:
            raise QueryUnusable(f"Jetti: {path} cannot be read as a whole: {error}") from None

    def _group(self, by: Filter[W], group: Values) -> list[W]:
        if self._dialect.ignores(by.path, by.field):
            return self._filtered(by, group)
        found: list[W] = []
        rest = group
        if len(group) > 1 and Form.TOGETHER not in self._dialect.of(by.path).refused:
            try:
                return self._matching(by, group)
            except FilterIgnored:
                pass
            except Declined:
                # One alone tells whether it is the form; then once more, to be sure.
                found, rest = self._alone(by, group[:1]), group[1:]
                try:
                    return self._matching(by, group)
                except FilterIgnored:
                    pass
                except Declined:
                    self._dialect.refuse(by.path, Form.TOGETHER)
        return found + self._alone(by, rest)

    def _alone(self, by: Filter[W], values: Values) -> list[W]:
        """One value at a time; a filter that twice has no effect has none."""
        found: list[W] = []
        for place, value in enumerate(values):
            try:
                found += self._twice(by, value)
            except Strangers:
                self._dialect.ignore(by.path, by.field)
                return found + self._filtered(by, values[place:])
        return found

    def _twice(self, by: Filter[W], value: str | int) -> list[W]:
        try:
            return self._matching(by, [value])
        except Strangers:
            return self._matching(by, [value])

    def _matching(self, by: Filter[W], values: Values) -> list[W]:
        """All rows with one of the values; the whole answer must hold together."""
        asked = {str(value) for value in values}
        question = Question(by.field, tuple(values))
        found: list[W] = []
        try:
            for page in Walk(self._queries, self._dialect, by.path, by.kind, question).pages():
                # safeguard: filters-are-checked
                if any(str(by.value(row)) not in asked for row in page):
                    raise Strangers(f"Jetti did not filter {by.path} by {by.field}")
                # safeguard: full-pages-are-split
                if len(page) >= LIMIT and len(asked) > 1:
                    raise FilterIgnored(f"{by.path}: too much for one page")
                found += page
        except Unpageable as error:
            raise FilterIgnored(
                f"Jetti shows {by.path} by {by.field} in part only: {error}"
            ) from None
        return found

    def _filtered(self, by: Filter[W], values: Values) -> list[W]:
        """The same of a server that does not filter."""
        asked = {str(value) for value in values}
        try:
            rows = self.everything(by.path, by.kind)
        except QueryUnusable as error:
            raise QueryUnusable(
                f"Jetti ignores the filter by {by.field} of {by.path}: {error}",
                hint="ask Jetti's support about this filter; the settings cannot help",
            ) from None
        return [row for row in rows if str(by.value(row)) in asked]
