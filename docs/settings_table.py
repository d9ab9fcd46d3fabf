"""README's table of settings, written from their declarations: `python -m docs.settings_table`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby
from pathlib import Path

from reconciler.config import schema
from reconciler.config.schema import Declared
from reconciler.config.wording import words
from reconciler.core import duration
from reconciler.core.limits import ByLabel, ByReason, ByState, Limits, Table

README = Path(__file__).parent.parent / "README.md"
_BETWEEN = re.compile(r"(?<=<!-- settings: `make docs` writes them -->\n).*?(?=<!-- end -->)", re.S)


def written(readme: str) -> str:
    """README with the table as it should be. Raises ValueError when there is no place for it."""
    if len(_BETWEEN.findall(readme)) != 1:
        raise ValueError("README has no place for the settings, or several")
    return _BETWEEN.sub(lambda _: "\n".join(["", *_lines(), "", ""]), readme)


def _lines() -> Iterator[str]:
    yield "| key | default | takes | meaning |"
    yield "|---|---|---|---|"
    for setting, alike in groupby(schema.DECLARED, lambda one: one.setting):
        some = list(alike)
        keys = ", ".join(f"`{_name(one)}`" for one in some)
        defaults = ", ".join(dict.fromkeys(map(_default, some)))
        yield f"| {keys} | {defaults} | {words(_leaf(setting.limits)).takes} | {setting.help} |"


def _name(one: Declared) -> str:
    return schema.dotted((*one.key, *_placeholders(one.setting.limits)))


def _placeholders(limits: Limits | Table) -> tuple[str, ...]:
    match limits:
        case ByState():
            return ("STATE", "WORD")
        case ByLabel():
            return ("WORD",)
        case ByReason():
            return ("REASON",)
    return ()


def _leaf(limits: Limits | Table) -> Limits:
    return _leaf(limits.each) if isinstance(limits, ByState | ByLabel | ByReason) else limits


def _default(one: Declared) -> str:
    if one.setting.default is not None:
        return one.setting.default
    match one.default:
        case timedelta():
            return f"`{duration.format(one.default)}`"
        case tuple():
            return f"`{json.dumps(one.default)}`"
        case str():
            return f"`{one.default}`"
    return str(one.default)


def main() -> None:
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
