"""The cells of the matrix: which call of a pass goes wrong, how, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fault_kinds_tried import COLLECTIONS, EVERY_CALL, LISTS, READS, WRITES, Form, dropped

from reconciler.sandbox.faults import ServiceName


@dataclass(frozen=True)
class Operation:
    """One kind of call that a pass makes."""

    name: str
    service: ServiceName
    glob: str
    calls: int
    """How often a calm pass makes it."""
    forms: tuple[Form, ...]
    by_id: bool = False
    """Made by a pass over returns that are named."""

    @property
    def writes(self) -> bool:
        """Whether it changes anything in Jetti."""
        return not self.glob.startswith("GET") and self.service == "jetti"

    @property
    def positions(self) -> dict[str, int]:
        """Name -> which call of the pass it is."""
        if self.calls == 1:
            return {"only": 1}
        ends = {"first": 1, "last": self.calls}
        return ends if self.calls == 2 else {**ends, "middle": self.calls // 2 + 1}


@dataclass(frozen=True)
class Cell:
    """One fault at one call of one operation."""

    operation: Operation
    form: Form
    position: str
    until_healed: bool

    @property
    def nth(self) -> int:
        """Which call of the operation is the first to be struck."""
        return self.operation.positions[self.position]

    @property
    def name(self) -> str:
        """For people, and for `-k`."""
        lasts = "until healed" if self.until_healed else "once"
        return f"{self.operation.name} | {self.form.name} | {self.position} | {lasts}"


def _list(name: str, glob: str, calls: int) -> Operation:
    return Operation(name, "loop", glob, calls, (*EVERY_CALL, *READS, *LISTS))


def _look_up(path: str, calls: int) -> Operation:
    return Operation(
        f"GET {path}", "jetti", f"GET {path}", calls, (*EVERY_CALL, *READS, *COLLECTIONS)
    )


OPERATIONS = (
    _list("list, first page", "list.first", 5),
    _list("list, next page", "list.next", 2),
    _list("list, probe", "list.probe", 4),
    Operation("details", "loop", "details", 3, (*EVERY_CALL, *READS[:1], LISTS[0]), by_id=True),
    _look_up("/sale-returns.json", 6),
    _look_up("/sales.json", 4),
    _look_up("/sale-items.json", 3),
    _look_up("/sale-return-items.json", 4),
    _look_up("/adjustment-reasons.json", 1),
    Operation(
        "create", "jetti", "POST /sales/*/cancel.json", 3,
        (*EVERY_CALL, *WRITES, *dropped("ids", "skipQuantities", "externalId")),
    ),
    Operation(
        "PUT item", "jetti", "PUT /sale-return-items/*.json", 4,
        (*EVERY_CALL, *WRITES, *dropped("quantity", "externalId", "adjustmentReasonId")),
    ),
    Operation(
        "PUT sale return", "jetti", "PUT /sale-returns/*.json", 6,
        (*EVERY_CALL, *WRITES, *dropped("status", "externalId", "trackingNumber", "notes")),
    ),
)  # fmt: skip


def every_cell() -> Iterator[Cell]:
    """The whole matrix."""
    return (
        Cell(operation, form, position, until_healed)
        for operation in OPERATIONS
        for form in operation.forms
        for position in operation.positions
        for until_healed in (False, True)
    )


def one_cell_per_pair() -> Iterator[Cell]:
    """One cell for every operation and kind of fault; form, position and duration take turns."""
    for number, operation in enumerate(OPERATIONS):
        kinds = dict.fromkeys(form.kind for form in operation.forms)
        for place, kind in enumerate(kinds, start=number):
            forms = [form for form in operation.forms if form.kind == kind]
            form = forms[place % len(forms)]
            positions = list(operation.positions)
            lasts = place % 2 == 1 and not form.is_slow
            yield Cell(operation, form, positions[place % len(positions)], lasts)
