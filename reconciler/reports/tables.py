"""A report as tables, of which CSV and Markdown are made: every fact that its JSON has, under the
same names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from reconciler.core.field_changes import FieldChange
from reconciler.core.instants import iso
from reconciler.core.model import CountedWord
from reconciler.core.period.report import (
    DecisionMade,
    FailedWrites,
    Group,
    PeriodReport,
    Runs,
    Share,
)
from reconciler.core.records import SetAside
from reconciler.core.report import (
    Changes,
    Failure,
    Problem,
    ReadWindow,
    Report,
    ReportedChange,
    SaleReturnName,
)
from reconciler.core.returned_goods import ReportedLine
from reconciler.core.text import safe
from reconciler.core.verification.report import (
    Difference,
    FieldDifference,
    NotCompared,
    Verification,
)
from reconciler.reports.wording import command_line

Cell = str | int | None
"""Text is on one line, or on one for each of several things, and safe to print."""

NAME, VALUE = "name", "value"
"""The columns of single facts; texts have the latter alone."""
TOP = "report"
"""The place of single facts that are in no object."""

_NOT_KNOWN = "(not known)"

_SINGLE = ("next",)
"""Lists that are one fact."""

_ROWS: Mapping[str, type[Struct]] = {
    "changes": ReportedChange,
    "problems": Problem,
    "malformed": SetAside,
    "unknown_words": CountedWord,
    "differences": Difference,
    "undecided": NotCompared,
    "in_work": NotCompared,
    "failures": Failure,
    "windows": ReadWindow,
    "states": Share,
    "outcomes": Share,
    "reasons": Share,
    "vendors": Share,
    "groups": Group,
    "failed_writes": FailedWrites,
    "runs": Runs,
    "decisions": DecisionMade,
}
"""What has a row each, by its key in JSON; of any other list the elements are texts."""


Made = Report | Verification | PeriodReport
"""What can be written as tables."""


class Table(Struct, frozen=True):
    """Some facts of a report."""

    path: str
    """Their place in JSON: `changes`, `run.windows`, `repair.changes`; of single facts the
    object that they are in."""
    columns: tuple[str, ...]
    """As in JSON."""
    rows: Iterable[tuple[Cell, ...]]


def tables(report: Made) -> list[Table]:
    """All of them, also those without rows: what there may be many of, returns first, then the
    single facts; each in the order of JSON."""
    lists: list[Table] = []
    single: dict[str, list[tuple[Cell, ...]]] = {}
    for path, value in _walk("", report):
        of, _, name = path.rpartition(".")
        if isinstance(value, (tuple, Changes)) and name not in _SINGLE:
            lists.append(_listed(path, name, value))
        else:
            single.setdefault(of or TOP, []).append((name, cell(name, value)))
    lists.sort(key=lambda table: table.path.count("."))
    return [*lists, *(Table(of, (NAME, VALUE), rows) for of, rows in single.items())]


def columns_of(report: Made) -> list[str]:
    """All columns that the tables of such a report can have, whatever it reports; `name` and
    `value` come first."""
    kinds: list[type[Struct]] = []
    if isinstance(report, PeriodReport):
        kinds += [Share, Group, Problem, FailedWrites, Runs, DecisionMade]
    elif isinstance(report, Verification):
        kinds += [Difference, NotCompared]
    if not isinstance(report, PeriodReport):
        kinds += [ReportedChange, Problem, SetAside, CountedWord, ReadWindow, Failure]
    names = [name for kind in kinds for name in kind.__struct_encode_fields__]
    return list(dict.fromkeys((NAME, VALUE, *names)))


def cell(name: str, value: Any) -> Cell:
    """A value under a key of JSON. None stays None, but for what returns have in common, which is
    not known then; times are ISO 8601 in UTC."""
    if value is None:
        return _NOT_KNOWN if name == "what" else None
    if isinstance(value, str):  # also a word of one of our own lists
        return _whole(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return value
    if isinstance(value, datetime):
        return iso(value)
    if name == "next":
        return command_line(value)
    return "\n".join(map(_SHOWN.get(name, _whole), value))


def _walk(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every fact with its path in JSON; a list, and an object that is absent, are one."""
    if not isinstance(value, Struct):
        yield path, value
        return
    for name, encoded in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True):
        yield from _walk(f"{path}.{encoded}" if path else encoded, getattr(value, name))


def _listed(path: str, name: str, values: Iterable[Any]) -> Table:
    if name not in _ROWS:
        return Table(path, (VALUE,), ((_whole(text),) for text in values))
    columns = _ROWS[name].__struct_encode_fields__
    fields = tuple(zip(_ROWS[name].__struct_fields__, columns, strict=True))
    return Table(
        path,
        columns,
        (tuple(cell(encoded, getattr(one, field)) for field, encoded in fields) for one in values),
    )


# ----------------------------------------------------------------------- several things in one cell


def _whole(text: str) -> str:
    return safe(text, len(text))


def _none_or(value: str | int | None) -> str:
    return "-" if value is None else _whole(str(value))


def _field(one: FieldChange) -> str:
    return f"{_whole(one.field)}: {_none_or(one.before)} → {_none_or(one.after)}"


def _difference(one: FieldDifference) -> str:
    return f"{_whole(one.field)}: pushed {_none_or(one.pushed)}, in Jetti {_none_or(one.live)}"


def _field_or_difference(one: FieldChange | FieldDifference) -> str:
    return _field(one) if isinstance(one, FieldChange) else _difference(one)


def _sale_return(one: SaleReturnName) -> str:
    return f"{_whole(one.reference)} ({one.id})"


def _line(one: ReportedLine) -> str:
    sku = f" [{_whole(one.sku)}]" if one.sku is not None else ""
    why = f": {_whole(one.reason)}" if one.reason is not None else ""
    return f"{one.quantity} × {_none_or(one.product)}{sku}{why}"


_SHOWN: Mapping[str, Callable[[Any], str]] = {
    "fields": _field_or_difference,
    "sale_returns": _sale_return,
    "lines": _line,
}
"""By key; what is not here are texts."""
