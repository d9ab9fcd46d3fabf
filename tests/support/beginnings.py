"""How many stories begin alike: played once in a process, and put back for each further one.

A beginning is played again wherever anything differs from when it was played: the two services, the
ledger's directory, the time, the settings. So nothing depends on which story came first.
"""

from __future__ import annotations

import pickle
import stat
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from tests.support import sandbox_state

if TYPE_CHECKING:
    from tests.support.world import World

_T = TypeVar("_T")

_PLACES = ("RECONCILER_LEDGER", "HOME", "LOOP_BASE_URL", "JETTI_BASE_URL")
"""Settings that differ between worlds that are alike."""

_Files = dict[str, tuple[int, bytes]]
"""Name -> mode and content."""


@dataclass(frozen=True)
class _Played:
    """What a beginning led to."""

    instant: datetime
    state: bytes
    files: _Files


_ledgers: dict[Any, _Files] = {}
_beginnings: dict[Any, _Played] = {}


def with_new_ledger(world: World, options: tuple[str, ...], make: Callable[[], None]) -> None:
    """What `make` does: it makes a ledger, asks no service and takes no time."""
    if not world.stands_still or any(world.directory.iterdir()):
        make()
        return
    begin = (options, world.clock.now(), _settings(world))
    if begin in _ledgers:
        _write(world.directory, _ledgers[begin])
        return
    asked = len(world.sandbox.request_log.all())
    make()
    assert (len(world.sandbox.request_log.all()), world.clock.now()) == (asked, begin[1])
    _ledgers[begin] = _read(world.directory)


def played(world: World, play: Callable[[World], _T]) -> _T:
    """What `play` does to this world, and answers; it sets no switch of a service."""
    if not world.is_plain:
        return play(world)
    begin = (play, world.clock.now(), _settings(world), _read_hashable(world), _state(world, None))
    if begin in _beginnings:
        return cast("_T", _put_back(world, _beginnings[begin]))
    before = pickle.dumps(_switches(world))
    answer = play(world)
    assert pickle.dumps(_switches(world)) == before
    _beginnings[begin] = _Played(world.clock.now(), _state(world, answer), _read(world.directory))
    return answer


def _state(world: World, answer: Any) -> bytes:
    """The services, their switches, and what the story has of them."""
    switches = _switches(world)
    more = (pickle.dumps(switches), world.orders, world.clock.waited, answer)
    return sandbox_state.pickled(world.sandbox, *more, keeping=switches)


def _put_back(world: World, played: _Played) -> Any:
    for file in world.directory.iterdir():
        file.unlink()
    _write(world.directory, played.files)
    _, orders, waited, answer = sandbox_state.put_back(
        world.sandbox, played.state, keeping=_switches(world)
    )
    world.sandbox.clock.set(played.instant)
    world.orders[:], world.clock.waited[:] = orders, waited
    world.loop, world.jetti = world.sandbox.loop.store, world.sandbox.jetti.store
    return answer


def _switches(world: World) -> dict[str, Any]:
    """A story may hold them already, so they stay what they are."""
    return {"loop": world.sandbox.loop.switches, "jetti": world.sandbox.jetti.switches}


def _settings(world: World) -> Any:
    return frozenset((k, v) for k, v in world.environ.items() if k not in _PLACES)


def _read_hashable(world: World) -> Any:
    return frozenset(_read(world.directory).items())


def _read(directory: Path) -> _Files:
    return {
        file.name: (stat.S_IMODE(file.stat().st_mode), file.read_bytes())
        for file in directory.iterdir()
    }


def _write(directory: Path, files: _Files) -> None:
    for name, (mode, content) in files.items():
        (directory / name).write_bytes(content)
        (directory / name).chmod(mode)
