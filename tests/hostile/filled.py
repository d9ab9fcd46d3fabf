"""Reports with one text in each of their strings, whichever they have.

They are made by the types alone, so that a string which a report is given later is in them too.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from msgspec import Struct
from msgspec.structs import replace

from reconciler.core.field_changes import FieldChange, FieldChanges
from reconciler.core.health import Health
from reconciler.core.report import ChangeKind, Changes, OutcomeKind, Report, ReportedChange
from reconciler.core.return_detail import ReturnDetails
from reconciler.core.returned_goods import ReportedLine, ReportedLines

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
_ALONE: dict[Any, Any] = {int: 1, bool: True, datetime: NOON}
_SINGLED_OUT = ("status", "trackingCompany", "trackingNumber", "trackingStatus", "quantity[1]")
"""Fields that a report of a pass has a place of their own for."""


def reports(text: str) -> Iterator[Report]:
    """Of a pass: failed and dry, with every outcome and every kind of change."""
    whole = _filled(Report, text)
    changes = tuple(
        replace(_filled(ReportedChange, text), change=change, outcome=outcome)
        for change, outcome in zip(itertools.cycle(ChangeKind), OutcomeKind, strict=False)
    )
    failed = replace(whole.run, dry_run=False)
    dry = replace(whole.run, dry_run=True, failures=())
    for run in (failed, dry):
        yield replace(whole, run=run, changes=changes)


def healths(text: str) -> Iterator[Health]:
    """Of the state of things, with a run that ended and one that did not."""
    whole = _filled(Health, text)
    [run] = whole.facts.runs
    yield replace(whole, facts=replace(whole.facts, runs=(run, replace(run, finished_at=None))))


def stories(text: str) -> Iterator[ReturnDetails]:
    """Of a return, with everything there can be about it."""
    yield _filled(ReturnDetails, text)


def _filled(kind: Any, text: str) -> Any:
    """Whatever is of this type, complete, with nothing left out that can be there."""
    of = get_args(kind)
    if kind is str:
        return text
    if kind in _ALONE:
        return _ALONE[kind]
    if kind is FieldChanges:
        one = _filled(FieldChange, text)
        return FieldChanges([one, *(replace(one, field=name) for name in _SINGLED_OUT)])
    if kind is ReportedLines:
        return ReportedLines([_filled(ReportedLine, text)])
    if kind is Changes:
        one = _filled(ReportedChange, text)
        return Changes([one], [replace(one, outcome=OutcomeKind.SKIPPED)])
    if get_origin(kind) in (UnionType, Union):
        return _filled(str if str in of else next(one for one in of if one is not NoneType), text)
    if get_origin(kind) is tuple:
        return (_filled(of[0], text),)
    if get_origin(kind) is dict:
        return {_filled(of[0], text): _filled(of[1], text)}
    if issubclass(kind, Enum):
        return next(iter(kind))
    assert issubclass(kind, Struct), kind
    return kind(**{name: _filled(of_it, text) for name, of_it in _hints(kind).items()})


_hints = functools.cache(get_type_hints)
