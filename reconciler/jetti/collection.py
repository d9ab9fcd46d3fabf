"""Rows of a collection by the values of one field: all of them, and each one checked.

A server that ignores a filter or caps a page must not mislead us
(architecture.md#choosing-the-sale): each row is compared with what was asked for, a doubtful answer
is followed by one request per value, and where a filter has no effect the whole collection is read
and filtered here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from msgspec import Struct

from reconciler.errors import TargetUnavailable
from reconciler.jetti.dialect import Dialect
from reconciler.jetti.pages import PageReader, PagingFailed
from reconciler.jetti.query import LIMIT, SHORT_LIST, Feature, Query, fitting
from reconciler.jetti.query_client import QueryClient, QueryRejected
from reconciler.jetti.schema import Wire

W = TypeVar("W", bound=Wire)
Values = Sequence[str | int]


class FilterIgnored(Exception):
    """Jetti answered with rows that were not asked for, or perhaps not with all that were: that a
    row is missing proves nothing."""


class UnrequestedRows(FilterIgnored):
    """There are rows that were not asked for."""


class MoreThanAPage(FilterIgnored):
    """More rows than fit into a page were asked for together."""


class PerhapsMisread(FilterIgnored):
    """Nobody knows whether Jetti understands a list of that length."""


class QueryUnusable(TargetUnavailable):
    """A filter has no effect, and the collection is too large to do without it."""


class Filter(Struct, Generic[W], frozen=True):
    """A field by which rows of one kind can be asked for."""

    path: str
    kind: type[W]
    field: str
    """By Jetti's name."""
    value: Callable[[W], object]
    """The same field of a decoded row."""


class Collections:
    """Raises TargetUnavailable, KeyRefused, FilterIgnored, Refused, Interrupted."""

    def __init__(self, queries: QueryClient, dialect: Dialect) -> None:
        self._queries = queries
        self._dialect = dialect

    def find(self, by: Filter[W], values: Values) -> list[W]:
        """Every row with one of the values, whatever their number."""
        found: list[W] = []
        rest: Values = sorted(set(values), key=str)
        while rest:
            together = fitting(by.field, rest, self._dialect.most_values(by.path, by.field))
            try:
                found += self._find_together(by, together)
            except MoreThanAPage:
                self._dialect.ask_for_fewer(by.path, by.field, len(together) // 2)
            except PerhapsMisread:
                if len(together) > self._dialect.longest_list:
                    self._dialect.doubt(by.path, by.field)
                else:
                    self._dialect.ask_for_fewer(by.path, by.field, SHORT_LIST)
            else:
                rest = rest[len(together) :]
        return found

    def everything(self, path: str, kind: type[W]) -> list[W]:
        """All rows, where there are no more than twenty pages. Raises QueryUnusable."""
        reader = PageReader(self._queries, self._dialect, path, kind, Query())
        try:
            return [row for page in reader.pages() for row in page]
        except PagingFailed as error:
            raise QueryUnusable(f"Jetti: {path} cannot be read as a whole: {error}") from None

    def _find_together(self, by: Filter[W], group: Values) -> list[W]:
        if self._dialect.ignores(by.path, by.field):
            return self._filter_here(by, group)
        if len(group) > SHORT_LIST:
            return self._find_by_long_list(by, group)
        found: list[W] = []
        rest = group
        if len(group) > 1 and Feature.IN not in self._dialect.of(by.path).refused:
            try:
                return self._ask(by, group)
            except MoreThanAPage:
                raise
            except FilterIgnored:
                pass
            except QueryRejected:
                # One value alone tells whether `$in` is the reason; then once more, to be sure.
                found, rest = self._find_one_by_one(by, group[:1]), group[1:]
                try:
                    return self._ask(by, group)
                except FilterIgnored:
                    pass
                except QueryRejected:
                    self._dialect.refuse(by.path, Feature.IN)
        return found + self._find_one_by_one(by, rest)

    def _find_by_long_list(self, by: Filter[W], group: Values) -> list[W]:
        """The rows, if Jetti is seen to understand a list of that length: a parser that does not
        might find nothing for what it holds. Raises PerhapsMisread, MoreThanAPage."""
        try:
            found = self._ask(by, group)
        except MoreThanAPage:
            raise
        except (FilterIgnored, QueryRejected):
            raise PerhapsMisread(f"{by.path}: not understood") from None
        if len(group) > self._dialect.longest_list:
            beyond = {str(value) for value in group[SHORT_LIST:]}
            # safeguard: long-lists-are-proven
            if not any(str(by.value(row)) in beyond for row in found):
                raise PerhapsMisread(f"{by.path}: perhaps not understood")
            self._dialect.longest_list = len(group)
        return found

    def _find_one_by_one(self, by: Filter[W], values: Values) -> list[W]:
        """One value at a time. A filter that has no effect twice is not used any more."""
        found: list[W] = []
        for place, value in enumerate(values):
            try:
                found += self._ask_twice(by, value)
            except UnrequestedRows:
                self._dialect.ignore(by.path, by.field)
                return found + self._filter_here(by, values[place:])
        return found

    def _ask_twice(self, by: Filter[W], value: str | int) -> list[W]:
        try:
            return self._ask(by, [value])
        except UnrequestedRows:
            return self._ask(by, [value])

    def _ask(self, by: Filter[W], values: Values) -> list[W]:
        """All rows with one of the values. Raises FilterIgnored unless the whole answer is such."""
        asked = {str(value) for value in values}
        query = Query(by.field, tuple(values))
        found: list[W] = []
        try:
            for page in PageReader(self._queries, self._dialect, by.path, by.kind, query).pages():
                # safeguard: filters-are-checked
                if any(str(by.value(row)) not in asked for row in page):
                    raise UnrequestedRows(f"Jetti did not filter {by.path} by {by.field}")
                # safeguard: full-pages-are-split
                if len(page) >= LIMIT and len(asked) > 1:
                    raise MoreThanAPage(f"{by.path}: more than a page")
                found += page
        except PagingFailed as error:
            raise FilterIgnored(
                f"Jetti shows {by.path} by {by.field} in part only: {error}"
            ) from None
        return found

    def _filter_here(self, by: Filter[W], values: Values) -> list[W]:
        """The same for a server that does not filter."""
        asked = {str(value) for value in values}
        try:
            rows = self.everything(by.path, by.kind)
        except QueryUnusable as error:
            raise QueryUnusable(
                f"Jetti ignores the filter by {by.field} of {by.path}: {error}",
                hint="ask Jetti's support about this filter; the settings cannot help",
            ) from None
        return [row for row in rows if str(by.value(row)) in asked]
