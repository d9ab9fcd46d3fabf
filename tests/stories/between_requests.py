"""What happens in the world between two requests of the program, told by the request it precedes.

The requests themselves stay what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.support.world import World


@dataclass(frozen=True)
class Asked:
    """A request that is about to leave."""

    service: str
    method: str
    path: str
    query: str
    number: int
    """How many left for that service before, in this run."""


class _Told(Sequence[str]):
    """Queries, each of which is told of when it is taken."""

    def __init__(self, queries: Sequence[str], tell: Callable[[str], None]) -> None:
        self._queries, self._tell = queries, tell

    def __len__(self) -> int:
        return len(self._queries)

    def __getitem__(self, at: Any) -> Any:
        query = self._queries[at]
        self._tell(query)
        return query


class _Watched:
    """A service whose requests are announced."""

    def __init__(self, service: Any, announce: Callable[[Asked], None]) -> None:
        self._service, self._announce, self._number = service, announce, 0
        self._ahead: set[tuple[str, str]] = set()

    def __enter__(self) -> _Watched:
        return self

    def __exit__(self, *_: object) -> None:
        self._service.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._service, name)

    def get(self, path: str, query: str, *more: Any) -> Any:
        if (path, query) not in self._ahead:
            self._tell("GET", path, query)
        self._ahead.discard((path, query))
        return self._service.get(path, query, *more)

    def ask_ahead(self, path: str, queries: Sequence[str]) -> Any:
        return self._service.ask_ahead(path, _Told(queries, partial(self._tell_ahead, path)))

    def send_ahead(self, path: str, queries: Sequence[str]) -> None:
        self._service.send_ahead(path, _Told(queries, partial(self._tell_ahead, path)))

    def _tell_ahead(self, path: str, query: str) -> None:
        if (path, query) in self._ahead:
            return
        self._tell("GET", path, query)
        self._ahead.add((path, query))

    def write(self, method: str, path: str, body: bytes) -> Any:
        self._tell(method, path, "")
        return self._service.write(method, path, body)

    def _tell(self, method: str, path: str, query: str) -> None:
        name = self._service.name.lower()
        self._announce(Asked(name, method, path, query, self._number))
        self._number += 1


def before_each_request(world: World, happens: Callable[[Asked], None]) -> None:
    """From now on `happens` is called before each request of the program leaves."""
    world.connect = lambda endpoint, clock: _Watched(world.reach(endpoint, clock), happens)


def once(world: World, when: Callable[[Asked], bool], what: Callable[[], object]) -> list[Asked]:
    """Let something happen before the first request of that kind; answers, in time, which it was.

    An empty list after the run means that it never happened.
    """
    struck: list[Asked] = []

    def happens(asked: Asked) -> None:
        if not struck and when(asked):
            struck.append(asked)
            what()

    before_each_request(world, happens)
    return struck
