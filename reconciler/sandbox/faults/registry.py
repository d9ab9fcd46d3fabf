"""Which calls go wrong, and how."""

from __future__ import annotations

import itertools
from fnmatch import fnmatchcase
from typing import Any, Literal
from urllib.parse import parse_qsl

from msgspec import Struct
from msgspec.structs import replace

from reconciler.sandbox.faults.kinds import check_parameters
from reconciler.sandbox.loop.query import time_or_none
from reconciler.sandbox.messages import Request

ServiceName = Literal["loop", "jetti"]

PROBE_SECONDS = 10
"""A list call over a window of at most this length is an edge probe."""


class Fault(Struct, frozen=True):
    """What goes wrong on some calls of an operation."""

    service: ServiceName
    kind: str
    """A name in `kinds.KINDS`."""
    operation: str = "*"
    """A glob over `operation_of`: `list.*`, `details`, `POST /sales/*/cancel.json`."""
    nth: int | None = None
    """Only this call, counted from 1 since the fault was set; overrides `first` and `last`."""
    first: int = 1
    last: int | None = None
    """None: until the fault is removed."""
    parameters: dict[str, Any] = {}

    def strikes(self, call: int) -> bool:
        """Whether this call of the operation is hit."""
        if self.nth is not None:
            return call == self.nth
        return self.first <= call and (self.last is None or call <= self.last)


class Active(Struct):
    """A fault that is set, and how often it was called and hit."""

    number: int
    fault: Fault
    calls: int = 0
    hits: int = 0


class Faults:
    """The faults that are set. If several match a call, the one set first hits it."""

    def __init__(self) -> None:
        self._active: dict[int, Active] = {}
        self._numbers = itertools.count(1)

    def add(self, fault: Fault) -> int:
        """Set a fault; returns the number to remove it by. Raises ValueError if it is invalid."""
        check_parameters(fault.kind, fault.parameters)
        if fault.kind == "refuse" and fault.operation != "*":
            raise ValueError("refuse strikes before the operation can be read: use operation '*'")
        active = Active(next(self._numbers), fault)
        self._active[active.number] = active
        return active.number

    def remove(self, number: int) -> None:
        """Remove a fault; an unknown number is ignored."""
        self._active.pop(number, None)

    def clear(self) -> None:
        """Remove all faults."""
        self._active.clear()

    def active(self) -> list[Active]:
        """Copies of what is set, with counts."""
        return [replace(active) for active in self._active.values()]

    def on_connection(self, service: ServiceName) -> Fault | None:
        """The `refuse` fault that hits the next request, before a byte of it is read, if any."""
        return self._struck(service, "", refusing=True)

    def on_call(self, service: ServiceName, operation: str) -> Fault | None:
        """The fault that hits this call, if any."""
        return self._struck(service, operation, refusing=False)

    def watches(self, kind: str) -> bool:
        """Whether any fault of a kind is set."""
        return any(active.fault.kind == kind for active in self._active.values())

    def _struck(self, service: str, operation: str, *, refusing: bool) -> Fault | None:
        found = None
        for active in self._active.values():
            fault = active.fault
            if fault.service != service or (fault.kind == "refuse") != refusing:
                continue
            if not refusing and not fnmatchcase(operation, fault.operation):
                continue
            active.calls += 1
            if found is None and fault.strikes(active.calls):
                active.hits += 1
                found = fault
        return found


def operation_of(service: ServiceName, request: Request) -> str:
    """`list.first`, `list.next`, `list.probe`, `details`; Jetti: `GET /sale-returns.json`."""
    if service == "jetti":
        return f"{request.method} {request.path.removeprefix('/api')}"
    what = request.path.rpartition("/")[2]
    if what != "list":
        return what
    parameters = dict(parse_qsl(request.query))
    if parameters.get("cursor"):
        return "list.next"
    start, end = time_or_none(parameters.get("from")), time_or_none(parameters.get("to"))
    if start and end and (end - start).total_seconds() <= PROBE_SECONDS:
        return "list.probe"
    return "list.first"
