"""Checks every JSON report that a test makes against the schema that is published."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMA = Path(__file__).parent.parent.parent / "docs" / "report.schema.json"
_ROOTS = {"run": "Report", "verify": "Verification", "report": "PeriodReport"}


def check(arguments: Sequence[object], stdout: str) -> None:
    """Fail if this command line has printed a report that breaks the schema."""
    words = [str(word) for word in arguments]
    command = next((word for word in words if word in _ROOTS), None)
    is_json = "--format" in words and words[words.index("--format") + 1 :][:1] == ["json"]
    if command is not None and is_json and stdout.startswith("{"):
        assert faults(json.loads(stdout), _ROOTS[command]) == []


def faults(report: Any, root: str) -> list[str]:
    """Where a report differs from the schema, and how; a key that the schema lacks is one, too."""
    return [f"{one.json_path}: {one.message[:300]}" for one in _validator(root).iter_errors(report)]


@cache
def _validator(root: str) -> Draft202012Validator:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    for part in schema["$defs"].values():
        if part.get("type") == "object":
            part["additionalProperties"] = False
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator({"$ref": f"#/$defs/{root}", "$defs": schema["$defs"]})
