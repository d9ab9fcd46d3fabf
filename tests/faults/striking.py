"""Lets one cell's fault strike the call it is meant for."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Any

import httpcore
from msgspec.structs import replace

from reconciler.clock import Clock
from reconciler.http import Endpoint, Service, Timeouts, connect
from reconciler.sandbox.faults.registry import Fault
from tests.faults.busy_shop import BusyShop, Memories
from tests.faults.canary import closed_port
from tests.faults.fault_cells import Cell, Operation
from tests.faults.fault_kinds_tried import CANARY

IMPATIENT = Timeouts(connect=5.0, read=0.6, total=1.2)
"""For faults that take the machine's own time. Long beside what the sandbox needs for an answer."""


def strike(shop: BusyShop, cell: Cell, memories: Memories, canary: str) -> Callable[[], int]:
    """From now on the cell's fault is set. The answer tells how often it struck."""
    calls = memories.calls_of_singles if cell.operation.by_id else memories.calls
    if cell.form.kind == "unreachable":
        door = _Door(_number_of_connection(cell, calls), lasts=cell.until_healed)
        shop.connect = _through(cell.operation.service.title(), door)
        return lambda: door.struck
    operation, nth = cell.operation.glob, cell.nth
    if cell.form.kind == "refuse":
        operation, nth = "*", _number_of_connection(cell, calls)
    parameters = {
        name: value.replace(CANARY, canary) if name == "to" else value
        for name, value in cell.form.parameters.items()
    }
    fault = Fault(
        cell.operation.service, cell.form.kind, operation,
        first=nth, last=None if cell.until_healed else nth, parameters=parameters,
    )  # fmt: skip
    shop.sandbox.faults.add(fault)
    shop.connect = _impatient if cell.form.is_slow else _connect
    return lambda: sum(active.hits for active in shop.sandbox.faults.active())


def counted(operation: Operation, memories: Memories) -> int:
    """How often a calm pass makes this call."""
    calls = memories.calls_of_singles if operation.by_id else memories.calls
    return sum(
        service == operation.service and fnmatchcase(name, operation.glob)
        for service, name in calls
    )


def _number_of_connection(cell: Cell, calls: Iterable[tuple[str, str]]) -> int:
    """Each call has a connection of its own; which one it is of all to its service."""
    mine = [operation for service, operation in calls if service == cell.operation.service]
    meant = [
        n for n, operation in enumerate(mine, 1) if fnmatchcase(operation, cell.operation.glob)
    ]
    return meant[cell.nth - 1]


def _connect(endpoint: Endpoint, clock: Clock, **more: Any) -> Service:
    return connect(endpoint, clock, rng=random.Random(1), **more)


def _impatient(endpoint: Endpoint, clock: Clock) -> Service:
    return _connect(replace(endpoint, timeouts=IMPATIENT), clock)


def _through(name: str, door: _Door) -> Any:
    def connected(endpoint: Endpoint, clock: Clock) -> Service:
        network = door if endpoint.name == name else None
        return _connect(endpoint, clock, network=network)

    return connected


class _Door(httpcore.SyncBackend):
    """Leads to a port at which nobody listens, for one connection or from it on."""

    def __init__(self, first: int, *, lasts: bool) -> None:
        self._first, self._lasts = first, lasts
        self._opened = 0
        self.struck = 0

    def connect_tcp(self, host: str, port: int, *more: Any, **options: Any) -> Any:
        self._opened += 1
        if self._opened == self._first or (self._lasts and self._opened > self._first):
            self.struck += 1
            port = closed_port()
        return super().connect_tcp(host, port, *more, **options)
