"""What tests of `verify` share: a shop that was pushed to the end, and what goes wrong with it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from tests.support.world import Ran, World

OWNED = (
    *("externalId", "saleReturnSource", "saleReturnType", "status", "trackingCompany"),
    *("trackingNumber", "trackingUrl", "trackingStatus", "notes"),
)
OWNED_OF_ITEM = ("quantity", "externalId", "adjustmentReasonId")
RANK = ("draft", "requested", "finalized", "shipped", "received")


@dataclass
class Verified:
    """What one verification found."""

    ran: Ran

    @property
    def code(self) -> int:
        return self.ran.code

    @property
    def report(self) -> dict[str, Any]:
        return dict(json.loads(self.ran.stdout))

    @property
    def counts(self) -> dict[str, int]:
        return dict(self.report["counts"])

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """Each difference as (kind, return id)."""
        return sorted((one["kind"], one["return_id"]) for one in self.report["differences"])

    def fields(self, kind: str) -> set[tuple[str, str]]:
        """Each field of the differences of that kind, as (return id, field)."""
        return {
            (one["return_id"], field["field"])
            for one in self.report["differences"]
            if one["kind"] == kind
            for field in one["fields"]
        }

    def one(self, kind: str) -> dict[str, Any]:
        [found] = [one for one in self.report["differences"] if one["kind"] == kind]
        return dict(found)


def verify(world: World, *options: str, **environ: str) -> Verified:
    return Verified(world.call("verify", *options, "--format", "json", **environ))


def busy(world: World) -> list[str]:
    """A shop that was pushed to the end: new, scanned, delivered, of two vendors, cancelled."""
    world.go_live()
    made = [
        world.returned(("Acme", 2)),
        world.returned(("Acme", 1), ("Bolt", 2), (None, 1)),
        world.returned((None, 3)),
        world.returned(("Bolt", 1)),
        world.returned(("Acme", 1)),
        world.submit(world.order(("Acme", 4), ("Bolt", 2)), 2, 1),
    ]
    for one in made[:5]:
        world.loop.label(one)
    world.pass_time()
    assert world.run().code == 0
    for one in made[:3]:
        world.loop.move_label(one, "in_transit")
    world.loop.set_state(made[4], "cancelled")
    world.pass_time()
    assert world.run().code == 0
    # What changed until now is behind the overlap of the next pass.
    world.pass_time(hours=1)
    assert world.run().code == 0
    return made


def lose_from_ledger(world: World, return_id: str) -> None:
    """As if no pass had ever read it."""
    with closing(sqlite3.connect(world.directory / "ledger.db")) as ledger, ledger:
        for table in ("sale_returns", "intents", "attempts", "entries"):
            ledger.execute(f"DELETE FROM {table} WHERE return_id = ?", (return_id,))


def ledger_bytes(world: World) -> bytes:
    return (world.directory / "ledger.db").read_bytes()


def snapshot(world: World) -> dict[tuple[str, int], dict[str, Any]]:
    """What Jetti holds, row by row."""
    rows = {("return", row["id"]): row for row in world.jetti.sale_returns()}
    items = [item for _, number in rows for item in world.jetti.items_of(number)]
    return rows | {("item", item["id"]): item for item in items}


def lose_writes(world: World, ids: list[str]) -> None:
    """Jetti shows again what was there before the scan."""
    for one in ids:
        for there in world.in_jetti(one):
            world.jetti.edit_sale_return(
                there["id"], status="requested", trackingStatus="pre_transit"
            )
