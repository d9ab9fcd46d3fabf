"""How much of its query language this Jetti takes: found out while asking, kept for one pass."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator

from reconciler.jetti.query import Form, Question

log = logging.getLogger("reconciler.jetti")

_INSTEAD = {
    Form.TOGETHER: "what it holds is asked for one value at a time",
    Form.AFTER: "what fills more than one page is read by `from`",
    Form.BEFORE: "what fills more than one page is read by `from`",
    Form.DESCENDING: "it is believed that `order` has an effect",
    Form.ORDER: "what fills more than one page cannot be read",
    Form.LIMIT: "pages are read until one brings nothing",
    Form.FROM: "only first pages and what follows by id are asked for",
}


class EndpointDialect:
    """What one collection has shown of itself."""

    def __init__(self) -> None:
        self.refused: set[Form] = set()
        self.sorts = False
        """Whether `order` was seen to have an effect."""
        self.searched = False
        """Whether a question was refused in every form, so that it is none of the forms."""
        self._taken: set[Form] = set()
        self._most = 1

    def doubts(self, question: Question) -> frozenset[Form]:
        """Forms of the question that were never taken; several values count by their number,
        because a parser may take short lists only."""
        known = self._taken - ({Form.TOGETHER} if len(question.values) > self._most else set())
        return question.forms() - known - self.refused

    def took(self, question: Question) -> None:
        """It was answered."""
        self._taken |= question.forms() - self.refused
        self._most = max(self._most, len(question.values))


class Dialect:
    """Of all collections, with what a person should read about it."""

    def __init__(self) -> None:
        self._manners: defaultdict[str, EndpointDialect] = defaultdict(EndpointDialect)
        self._ignored: dict[tuple[str, str], None] = {}
        self._said: dict[str, list[str]] = {}

    def of(self, path: str) -> EndpointDialect:
        """How that collection answers."""
        return self._manners[path]

    def refuse(self, path: str, form: Form, *, how: str = "refuses") -> None:
        """From now on that form is not used there."""
        self.of(path).refused.add(form)
        self._say(f"Jetti {how} `{form}` ({{}}): {_INSTEAD[form]}", path)

    def ignore(self, path: str, field: str) -> None:
        """From now on rows are not asked for by that field but filtered here."""
        self._ignored[path, field] = None
        self._say(f"Jetti ignores the filter by {field} ({{}}): its rows are filtered here", path)

    def ignores(self, path: str, field: str) -> bool:
        """Whether that filter has no effect."""
        return (path, field) in self._ignored

    @property
    def is_doubtful(self) -> bool:
        """Whether any answer holds rows that nobody asked for."""
        return bool(self._ignored)

    def remarks(self) -> Iterator[str]:
        """A sentence about each peculiarity."""
        for sentence, paths in self._said.items():
            yield sentence.format(", ".join(paths))

    def _say(self, sentence: str, path: str) -> None:
        paths = self._said.setdefault(sentence, [])
        if not paths:
            log.warning(sentence.format(path))
        paths.append(path)
