"""Which tests answer which row of tests/README.md, read off their markers.

    @pytest.mark.covers("F12", "P4")

`python -m tests.support.proof_table` (`make docs`) writes their names into the table. An id, what
it stands for and what is required are written there by hand.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parent.parent
PAGE = TESTS / "README.md"

_ROW = re.compile(r"^\| *(?P<id>[FPR]?\d+) *\|.*\|$")


@cache
def ids_by_test() -> dict[tuple[str, str], list[str]]:
    """Ids that each marked test covers, by its file below `tests` and its name, in their order."""
    return {
        (str(file.relative_to(TESTS)), name): ids
        for file in sorted(TESTS.rglob("test_*.py"))
        for name, ids in _marked(ast.parse(file.read_text(encoding="utf-8")))
    }


def _marked(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            ids = [
                str(ast.literal_eval(argument))
                for mark in node.decorator_list
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.covers"
                for argument in mark.args
            ]
            if ids:
                yield node.name, ids


def row_ids(text: str) -> list[str]:
    """The ids that have a row, in their order."""
    return [row["id"] for line in text.splitlines() if (row := _ROW.match(line))]


def filled(text: str) -> str:
    """The page with the last cell of each row written again."""
    named: dict[str, list[str]] = {}
    for (file, name), ids in ids_by_test().items():
        for one in ids:
            named.setdefault(one, []).append(f"`{file}::{name}`")

    def line_of(line: str) -> str:
        if not (row := _ROW.match(line)):
            return line
        rest = line.removesuffix("|").rstrip().rpartition(" | ")[0]
        return f"{rest} | {', '.join(named.get(row['id'], []))} |"

    return "".join(f"{line_of(line)}\n" for line in text.splitlines())


def main() -> None:
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
