"""docs/report.schema.json, written from the report's own types: `python -m docs.report_schema`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, reduce
from inspect import getdoc
from operator import or_
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import msgspec
from msgspec import Struct

from reconciler.core.field_changes import FieldChange, FieldChanges
from reconciler.core.period.report import PeriodReport
from reconciler.core.report import Changes, Report, ReportedChange
from reconciler.core.returned_goods import ReportedLine, ReportedLines
from reconciler.core.verification.report import Verification

PAGE = Path(__file__).with_name("report.schema.json")

_PACKED: Mapping[object, type[Struct]] = {
    Changes: ReportedChange,
    FieldChanges: FieldChange,
    ReportedLines: ReportedLine,
}
"""What is a list in JSON, and of what."""


def written() -> str:
    """The schema as it should be."""
    roots, components = msgspec.json.schema_components(
        [_shown(Report), _shown(Verification), _shown(PeriodReport)], ref_template="#/$defs/{name}"
    )
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The JSON report of `reconciler run`, `reconciler verify`, `reconciler report`",
        "description": "Keys may be added, never renamed or removed. Every key that stands here is"
        " in every report.",
        "anyOf": list(roots),
        "$defs": _with_null_last(components),
    }
    return json.dumps(schema, indent=2) + "\n"


def _with_null_last(schema: Any) -> Any:
    """The same, whatever the version of msgspec: each has another order of alternatives."""
    if isinstance(schema, dict):
        kept = {name: _with_null_last(value) for name, value in schema.items()}
        if "anyOf" in kept:
            kept["anyOf"] = sorted(kept["anyOf"], key=lambda one: one == {"type": "null"})
        return kept
    return [_with_null_last(one) for one in schema] if isinstance(schema, list) else schema


def _shown(kind: Any) -> Any:
    """The type as its JSON shows it: packed values as lists. Without defaults, because all keys
    are always written."""
    if kind in _PACKED:
        return tuple[_shown(_PACKED[kind]), ...]  # type: ignore[misc]
    if isinstance(kind, type) and issubclass(kind, Struct):
        return _struct(kind)
    parts = [part if part is Ellipsis else _shown(part) for part in get_args(kind)]
    if get_origin(kind) in (Union, UnionType):
        return reduce(or_, dict.fromkeys(parts))
    return get_origin(kind)[*parts] if parts else kind


@cache
def _struct(kind: type[Struct]) -> type[Struct]:
    fields = msgspec.structs.fields(kind)
    return msgspec.defstruct(
        kind.__name__,
        [(field.name, _shown(field.type)) for field in fields],
        rename={field.name: field.encode_name for field in fields},
        namespace={"__doc__": getdoc(kind)},
    )


def main() -> None:
    PAGE.write_text(written(), encoding="utf-8")


if __name__ == "__main__":
    main()
