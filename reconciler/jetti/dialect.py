"""How much of its query language this Jetti understands: found out by asking, kept for one pass."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator

from reconciler.jetti.query import LIMIT, SHORT_LIST, Feature, Query
from reconciler.log_events import Event

log = logging.getLogger("reconciler.jetti")

LONGEST_LIST = LIMIT - 1
"""Values asked for together at most: with one row for each, the answer is not a full page."""

_INSTEAD = {
    Feature.IN: "its values are asked for one at a time",
    Feature.GT: "more than one page is read by `from`",
    Feature.LT: "more than one page is read by `from`",
    Feature.DESCENDING: "`order` is assumed to have an effect",
    Feature.ORDER: "more than one page cannot be read",
    Feature.LIMIT: "pages are read until one is empty",
    Feature.FROM: "only first pages, and pages by id after them, are asked for",
}


class EndpointDialect:
    """What one collection has shown of the features that it accepts."""

    def __init__(self) -> None:
        self.refused: set[Feature] = set()
        self.sorts = False
        """Whether `order` was seen to have an effect."""
        self.refuses_all = False
        """Whether a query was refused even without its features, so that none of them is the
        reason."""
        self._accepted: set[Feature] = set()
        self._most_values = 1

    def untried(self, query: Query) -> frozenset[Feature]:
        """Features of the query that were never accepted. A longer list of values than any before
        is untried, because a parser may accept short lists only."""
        is_longer = len(query.values) > self._most_values
        accepted = self._accepted - ({Feature.IN} if is_longer else set())
        return query.features() - accepted - self.refused

    def accept(self, query: Query) -> None:
        """Remember that it was answered."""
        self._accepted |= query.features() - self.refused
        self._most_values = max(self._most_values, len(query.values))


class Dialect:
    """The dialect of each collection, with a remark on each peculiarity for the report."""

    def __init__(self) -> None:
        self._endpoints: defaultdict[str, EndpointDialect] = defaultdict(EndpointDialect)
        self._ignored: dict[tuple[str, str], None] = {}
        self._most_values: dict[tuple[str, str], int] = {}
        self._doubtful: set[tuple[str, str]] = set()
        self.longest_list = SHORT_LIST
        """Values that were seen to be understood to the end of a list: one parser reads them all,
        whatever they are asked of."""
        self._remarks: dict[str, list[str]] = {}
        """Paths by sentence, which has a place for them."""

    def of(self, path: str) -> EndpointDialect:
        """That of one collection."""
        return self._endpoints[path]

    def refuse(self, path: str, feature: Feature, *, how: str = "refuses") -> None:
        """Stop using that feature there."""
        self.of(path).refused.add(feature)
        self._remark(f"Jetti {how} `{feature}` ({{}}): {_INSTEAD[feature]}", path)

    def ignore(self, path: str, field: str) -> None:
        """Stop filtering by that field there: rows are filtered here from now on."""
        self._ignored[path, field] = None
        self._remark(
            f"Jetti ignores the filter by {field} ({{}}): its rows are filtered here", path
        )

    def ignores(self, path: str, field: str) -> bool:
        """Whether that filter has no effect."""
        return (path, field) in self._ignored

    def most_values(self, path: str, field: str) -> int:
        """How many values of that field may be asked for together, if `$in` is not refused."""
        if Feature.IN in self.of(path).refused:
            return SHORT_LIST
        most = self._most_values.get((path, field), LONGEST_LIST)
        return min(most, self.longest_list) if (path, field) in self._doubtful else most

    def ask_for_fewer(self, path: str, field: str, most: int) -> None:
        """Ask for no more values of that field together: their rows did not fit into a page."""
        self._most_values[path, field] = most

    def doubt(self, path: str, field: str) -> None:
        """Ask for values of that field in no list longer than one that was understood."""
        self._doubtful.add((path, field))

    @property
    def shows_unrequested_rows(self) -> bool:
        """Whether any filter is ignored, so that answers hold rows that nobody asked for."""
        return bool(self._ignored)

    def remarks(self) -> Iterator[str]:
        """One sentence about each peculiarity."""
        for sentence, paths in self._remarks.items():
            yield sentence.format(", ".join(paths))

    def _remark(self, sentence: str, path: str) -> None:
        paths = self._remarks.setdefault(sentence, [])
        if not paths:
            log.warning(sentence.format(path), extra=Event.QUERY_NOT_UNDERSTOOD.fields)
        paths.append(path)
