"""Every setting there is, read off the fields that declare them (`core.limits`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, TypeAlias, get_origin

from msgspec import Struct
from msgspec.structs import fields

from reconciler.config.settings import Settings
from reconciler.core import labels
from reconciler.core.limits import ByLabel, ByReason, ByState, Limits, Setting, Table
from reconciler.core.model import KNOWN_STATES

Path: TypeAlias = tuple[str, ...]
"""The parts of a key: ("loop", "page_size")."""


class Declared(Struct, frozen=True):
    """A setting, or a table of settings whose names the user chooses."""

    key: Path
    setting: Setting
    default: Any
    """The field's own; `msgspec.NODEFAULT` where it has none."""


class Given(Struct, frozen=True):
    """A setting as somebody wrote it."""

    key: Path
    raw: Any
    where: str
    """The file and the key, or the variable: how whoever wrote it finds it again."""
    in_file: bool


def _declared(
    table: type[Struct], above: Path = (), inherited: Setting | None = None
) -> Iterator[Declared]:
    for one in fields(table):
        key, (kind, setting) = (*above, one.encode_name), _apart(one.type)
        setting = setting or inherited
        if isinstance(kind, type) and issubclass(kind, Struct):
            yield from _declared(kind, key, setting)
        elif setting:
            yield Declared(key, setting, one.default)


def _apart(annotation: Any) -> tuple[Any, Setting | None]:
    """The field's type, and what else its annotation says."""
    if get_origin(annotation) is not Annotated:
        return annotation, None
    [setting] = (extra for extra in annotation.__metadata__ if isinstance(extra, Setting))
    return annotation.__origin__, setting


DECLARED = tuple(_declared(Settings))
"""In the order of README's table."""


def _keys(key: Path, limits: Limits | Table) -> Iterator[tuple[Path, Limits]]:
    match limits:
        case ByState(each):
            for state in KNOWN_STATES:
                yield from _keys((*key, state), each)
        case ByLabel(each):
            yield from (((*key, label), each) for label in labels.STATUSES)
        case ByReason():
            pass
        case _:
            yield key, limits


def _open_tables(key: Path, limits: Limits | Table) -> Iterator[tuple[Path, ByLabel | ByReason]]:
    match limits:
        case ByState(each):
            yield from (((*key, state), each) for state in KNOWN_STATES)
        case ByLabel() | ByReason():
            yield key, limits


KEYS = {key: limits for one in DECLARED for key, limits in _keys(one.key, one.setting.limits)}
"""Every key that can be listed, with its limits."""

_OPEN_TABLES = {
    key: table for one in DECLARED for key, table in _open_tables(one.key, one.setting.limits)
}
"""Tables that take any name."""

[REASONS] = (key for key, table in _OPEN_TABLES.items() if isinstance(table, ByReason))

TABLES = frozenset(key[:depth] for key in KEYS for depth in range(len(key))) | {REASONS}


def limits_of(key: Path) -> Limits | None:
    """What the key may hold; None when there is no such key."""
    if limits := KEYS.get(key):
        return limits
    table = _OPEN_TABLES.get(key[:-1]) if key[-1].strip() else None
    return table.each if table else None


def normal(key: Path) -> Path:
    """The key with a label status as it is compared, without its case; any other key as written."""
    is_label = isinstance(_OPEN_TABLES.get(key[:-1]), ByLabel)
    return (*key[:-1], labels.normalize(key[-1])) if is_label else key


def dotted(key: Path) -> str:
    """The key as messages and README name it: `loop.page_size`."""
    return ".".join(key)
