"""Reports as one CSV table (docs/reports.md#csv), for a spreadsheet: no cell of it runs, and ids
stay text."""

from __future__ import annotations

import csv
import io
import re

from reconciler.reports.tables import Cell, Made, columns_of, tables

_TABLE = "table"
_BYTE_ORDER_MARK = "\ufeff"
"""Without it a spreadsheet may take the text for another encoding than UTF-8."""
_LONGEST = 32_000
"""Characters in a cell; spreadsheets take 32,767."""

_IDS = frozenset(
    {"return_id", "order_name", "order_id", "fingerprint", "digest", "key", "vendors"}
    | {"slowest_return"}
)
"""What a spreadsheet would take for a number or a date, and cut digits off."""

_SIGNS = "=+\\-@＝＋－−﹢﹣﹦﹫＠"
_FORMULA = re.compile(rf"[;,\t\r\n](?=[\s\"']*[{_SIGNS}\t\r\n])")
"""What a formula may begin behind: what some spreadsheets take for the end of a cell."""
_HARMLESS = re.compile(r"[\w#.: ]*")


def render(report: Made) -> str:
    """The whole report, without a trailing newline."""
    columns = columns_of(report)
    places = {name: place for place, name in enumerate(columns, 1)}
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow((_TABLE, *columns))
    for table in tables(report):
        at = [(places[name], name) for name in table.columns]
        for cells in table.rows:
            row = [table.path] + [""] * len(columns)
            # Of a single fact the first cell says what the second is.
            name_of_value = str(cells[0]) if len(cells) > 1 else ""
            for (place, name), cell in zip(at, cells, strict=True):
                row[place] = _written(name_of_value if name == "value" else name, cell)
            writer.writerow(row)
    return _BYTE_ORDER_MARK + out.getvalue().rstrip("\n")


def guarded(text: str) -> str:
    """The text with an apostrophe wherever a spreadsheet would see the begin of a formula."""
    if _HARMLESS.fullmatch(text):  # most cells of a long plan
        return text
    return _FORMULA.sub(r"\g<0>'", f"\n{text}")[1:]


def _written(name: str, cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, int):
        return str(cell)
    text = guarded(cell)
    if (name in _IDS and text[:1].isalnum()) or (name == "what" and text[:1].isdigit()):
        text = f"'{text}"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
