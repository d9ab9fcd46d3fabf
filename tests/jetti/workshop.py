"""Jetti's parts around a pretend Jetti and a real ledger, each to be used alone."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from reconciler.core import fingerprint
from reconciler.core.model import Entry, Line, Return, Window
from reconciler.core.plan import Change, CreationRules
from reconciler.core.records import By, DrainedWindow
from reconciler.core.report import ReportedChange
from reconciler.core.settings import Mapping, Policy
from reconciler.errors import TargetUnavailable
from reconciler.http import Endpoint, PerSecond
from reconciler.ingest import Projection
from reconciler.jetti.client import JettiClient
from reconciler.jetti.lookup import Lookup
from reconciler.jetti.targets import JettiTargets, build
from reconciler.ledger import opening
from reconciler.ledger.schema import InitialState
from reconciler.sandbox.messages import Request
from reconciler.sandbox.orders import SandboxOrder
from reconciler.sandbox.sandbox import JETTI_TOKEN
from tests.support.planning import make_plan
from tests.support.world import World

SETTLE = timedelta(seconds=180)


class Settings(Struct):
    """The settings of Jetti's that matter here."""

    settle: timedelta = SETTLE
    cancel_ids_key: str = "ids"


class Workshop:
    """`world` is the pretend Jetti and its people; the rest is ours."""

    def __init__(self, world: World, stack: ExitStack, **endpoint: Any) -> None:
        self.world, self.clock, self.jetti = world, world.clock, world.jetti
        self.switches = world.sandbox.jetti.switches
        self.settings = Settings()
        self.mapping = Mapping()
        self.rules = CreationRules(
            Policy(), go_live=self.clock.now() - timedelta(days=30), asked_for=False
        )
        birth = InitialState(self.rules.go_live, self.clock.now(), self.projection.version)
        opening.create(world.ledger, birth, self.clock)
        self.ledger = stack.enter_context(opening.open_ledger(world.ledger, self.clock))
        usual: dict[str, Any] = {
            "name": "Jetti",
            "base_url": world.sandbox.urls.jetti if world.sandbox.urls else "",
            "key_header": ("Authorization", f"Bearer {JETTI_TOKEN}"),
            "key_setting": "JETTI_API_TOKEN",
            "unavailable": TargetUnavailable,
            "pace": PerSecond(1000, 1000),
            "methods": frozenset({"GET", "POST", "PUT"}),
        }
        service = world.reach(Endpoint(**(usual | endpoint)), self.clock)
        self.service = stack.enter_context(service)
        self.reader = JettiClient(self.service, self.clock)
        self.lookup = Lookup(self.reader, self.clock)
        self.sent: list[Request] = []
        world.sandbox.on_write = self.sent.append
        self._returns = 0

    @property
    def projection(self) -> Projection:
        return Projection(self.mapping, ("review",))

    @property
    def parts(self) -> JettiTargets:
        """As a new pass would have them."""
        return build(self.settings, self.service, self.ledger, self.rules, self.clock)

    # --------------------------------------------------------------------------- the ledger

    def noted(self, order: SandboxOrder, *units: int, **changes: Any) -> str:
        """A return of so many units of each line, recorded and not yet pushed; its id."""
        self._returns += 1
        number = 7000 + self._returns
        counts = units or tuple(1 for _ in order.lines)
        lines = tuple(
            Line(f"{number}{place}{unit}", line.order_line_id, line.sku)
            for place, (line, count) in enumerate(zip(order.lines, counts, strict=False))
            for unit in range(count)
        )
        usual: dict[str, Any] = {
            "id": str(number),
            "state": "open",
            "created_at": self.clock.now(),
            "updated_at": self.clock.now(),
            "order_id": order.order_id,
            "order_name": order.name,
            "lines": lines,
        }
        self.record(Return(**(usual | changes)))
        return str(number)

    def changed(self, return_id: str, **changes: Any) -> None:
        """Loop has news of it."""
        seen = replace(self.entry(return_id).seen, updated_at=self.clock.now(), **changes)
        self.record(seen)

    def record(self, seen: Return) -> None:
        now = self.clock.now()
        drained = DrainedWindow(
            window=Window(now, now),
            by=By.UPDATED,
            rows=1,
            mapping_version=self.projection.version,
            observations=(self.projection.observe(seen, fingerprint.content(seen)),),
        )
        self.ledger.windows.record(drained, now)

    def entry(self, return_id: str) -> Entry:
        [entry] = self.ledger.entries.get([return_id])
        return entry

    def state(self, return_id: str) -> str:
        return self.entry(return_id).state.value

    def in_file(self, return_id: str) -> Entry:
        """What somebody else finds in the ledger's file."""
        with opening.open_reader(self.world.ledger, self.clock) as ledger:
            [entry] = ledger.entries.get([return_id])
        return entry

    # ------------------------------------------------------------------------------ pushing

    def plan(self) -> tuple[Change, ...]:
        """What is due now."""
        now = self.clock.now()
        return make_plan(self.ledger.entries.due(now), self.rules, now).changes

    def push(self) -> dict[str, ReportedChange]:
        """A pass's pushing, by return."""
        return {done.return_id: done for done in self.parts.pusher().push(self.plan())}

    def pushed(self, *lines: tuple[str | None, int], **changes: Any) -> str:
        """A return that is in Jetti."""
        one = self.noted(self.world.order(*(lines or (("Acme", 1),))), **changes)
        assert self.push()[one].outcome == "pushed"
        self.forget()
        return one

    # ------------------------------------------------------------------------ what was asked

    def forget(self) -> None:
        """Requests so far."""
        self.world.sandbox.request_log.clear()
        self.sent.clear()

    @property
    def asked(self) -> list[str]:
        """GETs as `/sales.json?where[externalId]=…`, oldest first."""
        return [
            f"{a.path.removeprefix('/api')}?{unquote(a.query)}"
            for a in self.world.sandbox.request_log.all()
            if a.service == "jetti" and a.method == "GET"
        ]

    @property
    def written(self) -> list[tuple[str, dict[str, Any]]]:
        """Writes as (operation, body), oldest first."""
        return [
            (f"{sent.method} {sent.path.removeprefix('/api')}", msgspec.json.decode(sent.body))
            for sent in self.sent
        ]


def values_asked(query: str) -> int:
    """How many values of a field a query asks for."""
    return max(1, query.count("[$in]"))


def shown(rows: Sequence[Any]) -> list[int]:
    return [row.id for row in rows]
