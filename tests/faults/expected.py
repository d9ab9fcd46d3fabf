"""What a pass may say about each fault, told from what the fault is and not from the program.

Exit codes as README lists them: 4 for what Loop fails to tell, 5 for a Jetti that is not there, 6
for a refused key, 3 for single returns that could not be pushed, 7 for a create that returned
more than was asked for.
"""

from __future__ import annotations

from reconciler.core.model import State
from tests.faults.fault_cells import Cell

HARMLESS = frozenset({"delay", "duplicate_answer", "stale_read"})
KEY = frozenset({"401", "403"})
REFUSALS = frozenset({"400", "404", "409", "422"})
GONE = frozenset({"refuse", "unreachable"})
"""Whoever is struck by these until healed cannot reach the service at all."""
MISLEADING = frozenset({"filter_ignored", "short_page", "parameters_dropped"})
"""Answers in good order to another question, or without their end."""
FINAL = frozenset({*REFUSALS, "redirect", "gzip_bomb"})
"""A read that gets these is not tried again."""

MOST_CALM_PASSES = 2
"""After a fault that struck once, one pass agrees. One that struck several passes may leave a
write on its backoff: the first calm pass finds that it had no effect, the next sends it."""


def first_codes(cell: Cell) -> set[int]:
    """How the first pass may end."""
    kind = cell.form.kind
    if kind in HARMLESS:
        return {0}
    if kind in KEY:
        return {6}
    if cell.operation.service == "loop":
        return _loop(cell)
    return _write(cell) if cell.operation.writes else _look_up(cell)


def later_codes(cell: Cell) -> set[int]:
    """How a further pass may end while the fault is there: as the first, or with what the first
    left to be read back, to be tried again, or dead."""
    if cell.operation.service == "loop" or cell.form.kind in KEY:
        return first_codes(cell)
    return first_codes(cell) | {0, 3, 5}


def given_up(cell: Cell) -> set[State]:
    """What no pass takes up again: a version that was refused, and, for a person to decide, a
    create that returned more than it was asked for, or a sale return or item that every answer
    lacks: as far as anyone can see it was deleted."""
    if cell.form.kind == "short_page" and "/sale-return" in cell.operation.name:
        return {State.REVIEW} if cell.until_healed else set()
    if cell.operation.writes and cell.form.kind in ("400", "422"):
        return {State.DEAD}
    return {State.REVIEW} if first_codes(cell) == {7} else set()


def _asks_for_years(cell: Cell) -> bool:
    return cell.form.parameters.get("retry_after") == "ten_years"


def _loop(cell: Cell) -> set[int]:
    """All of a window or none of it; what misleads is seen through or is harmless."""
    if cell.form.kind in MISLEADING:
        return {0, 4}
    if cell.operation.by_id and cell.form.parameters.get("body") == "[]":
        return {2}  # an empty list says that there is no such return
    if cell.operation.by_id and cell.form.kind == "404" and not cell.until_healed:
        return {0}  # it may say so too; where it says something else, it is asked again
    if cell.form.kind in FINAL or _asks_for_years(cell) or cell.until_healed:
        return {4}
    return {0}


def _look_up(cell: Cell) -> set[int]:
    """An entry that cannot be looked up fails alone; where five in a row do, it is an outage."""
    kind = cell.form.kind
    if kind in REFUSALS and cell.operation.name.endswith("/adjustment-reasons.json"):
        # What may be the refusal of a form is asked for once more in a plainer one.
        return {0} if kind in ("400", "422") and not cell.until_healed else {2}
    if _asks_for_years(cell) or (kind in GONE and cell.until_healed):
        return {5}
    if kind in MISLEADING:
        return {0, 3, 5} if cell.until_healed else {0, 3}
    if cell.until_healed:
        return {3, 5}
    return {0, 3, 5} if kind in FINAL else {0}


def _write(cell: Cell) -> set[int]:
    """Never repeated: what is not certain is read back, and 3 says so until it is."""
    kind, parameters = cell.form.kind, cell.form.parameters
    if kind in ("400", "422"):
        return {3}
    if kind == "429":
        # Nobody is left to be told that Jetti wants to be left alone, where it is the last call.
        return {0, 5} if _asks_for_years(cell) or cell.until_healed else {0}
    if kind == "unreachable":
        return {5} if cell.until_healed else {0, 5}
    if kind == "parameters_dropped":
        return {7} if parameters["names"] == ["ids"] else {0, 3}
    if kind == "empty_200" and parameters.get("applied") and cell.operation.name != "create":
        return {0}
    return {3, 5} if cell.until_healed else {3}
