"""The cells of the matrix: which call of a pass goes wrong, how, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from reconciler.sandbox.faults.registry import ServiceName
from tests.faults.fault_kinds_tried import (
    COLLECTIONS,
    EVERY_CALL,
    LISTS,
    READS,
    WRITES,
    Form,
    dropped,
)


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
    def kinds(self) -> list[str]:
        """The kinds of fault that are tried, in their order."""
        return list(dict.fromkeys(form.kind for form in self.forms))

    def forms_of(self, kind: str) -> list[Form]:
        """All forms of one kind, the plainest first."""
        return [form for form in self.forms if form.kind == kind]

    @property
    def positions(self) -> dict[str, int]:
        """Name -> which call of the pass it is."""
        middle = {"middle": self.calls // 2 + 1} if self.calls > 2 else {}
        return {**self.ends, **middle}

    @property
    def ends(self) -> dict[str, int]:
        """The first and the last of them."""
        return {"first": 1, "last": self.calls} if self.calls > 1 else {"only": 1}


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
    def waits(self) -> list[int]:
        """Minutes before each further pass that is made before anything is fixed.

        What takes effect late is looked for before it does; the rest when settle is over.
        """
        if self.form.kind == "applied_later":
            return [2]
        return [4] if self.until_healed else []

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
    _list("list, probe", "list.probe", 3),
    Operation("details", "loop", "details", 3, (*EVERY_CALL, *READS[:1], LISTS[0]), by_id=True),
    _look_up("/sale-returns.json", 7),
    _look_up("/sales.json", 4),
    _look_up("/sale-items.json", 4),
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


WORST_FIRST = ("parameters_dropped", "applied_later")
"""Of these kinds the first form is the one that hurts."""


def every_cell() -> Iterator[Cell]:
    """The whole matrix: each kind of fault at each position, once and until healed; a kind's
    further forms at the first and the last call, where once and until healed take turns."""
    for operation in OPERATIONS:
        for kind in operation.kinds:
            main, *further = operation.forms_of(kind)
            for position in operation.positions:
                yield Cell(operation, main, position, until_healed=False)
                yield Cell(operation, main, position, until_healed=True)
            for turn, (form, position) in enumerate(product(further, operation.ends)):
                yield Cell(operation, form, position, until_healed=turn % 4 in (1, 2))


def one_cell_per_pair() -> Iterator[Cell]:
    """One cell for every operation and kind of fault; form, position and duration take turns."""
    for number, operation in enumerate(OPERATIONS):
        for turn, kind in enumerate(operation.kinds, start=number):
            forms, positions = operation.forms_of(kind), list(operation.positions)
            form = forms[0 if kind in WORST_FIRST else turn % len(forms)]
            lasts = turn // 2 % 2 == 1 and not form.is_slow
            yield Cell(operation, form, positions[turn % len(positions)], until_healed=lasts)
