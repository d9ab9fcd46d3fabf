"""Jetti's data, and the changes that staff and the scenario make to it without requests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.jetti.imports import clone_sale, import_order
from reconciler.sandbox.jetti.returns import ReturnRequest, create_sale_returns
from reconciler.sandbox.jetti.schema import RESOURCES, Row
from reconciler.sandbox.jetti.switches import JettiSwitches
from reconciler.sandbox.jetti.tables import Table
from reconciler.sandbox.jetti.values import as_stored
from reconciler.sandbox.jetti.world import World
from reconciler.sandbox.orders import SandboxOrder

# Codes and names are made up; a real account defines its own (jetti.md#adjustment-reason-fields).
_REASONS = {
    "changed_mind": "Changed mind",
    "too_small": "Too small",
    "too_large": "Too large",
    "damaged": "Arrived damaged",
    "wrong_item": "Wrong item sent",
    "other": "Other",
}


class JettiStore:
    """All data of one account. Lists are copies; attributes have Jetti's own names (camelCase)."""

    def __init__(self, clock: SandboxClock, switches: JettiSwitches) -> None:
        tables = {model: Table(resource, clock) for model, resource in RESOURCES.items()}
        self.world = World(clock, switches, tables)
        self.world.table("Warehouse").insert({"name": "Main warehouse"})
        for code, name in _REASONS.items():
            self.world.table("AdjustmentReason").insert({"code": code, "name": name})

    # ------------------------------------------------------------------------------- changing

    def import_sale(self, order: SandboxOrder, **attributes: Any) -> int:
        """Import an order from the shop as a new sale, with one purchase per vendor.

        `attributes` override the sale's own (`reference`, `externalId`, `channelId`, …). Returns
        the sale's id. The same order twice makes two sales.
        """
        return import_order(self.world, order, as_stored(RESOURCES["Sale"], attributes))

    def clone_sale(self, sale_id: int, **attributes: Any) -> int:
        """Create a sale with the same customer and lines whose `saleId` is the parent
        (jetti.md#cloned-sales). Returns its id."""
        return clone_sale(self.world, sale_id, as_stored(RESOURCES["Sale"], attributes))

    def raise_sale_return(
        self, sale_id: int, quantities: dict[int, int], **attributes: Any
    ) -> list[int]:
        """Create sale returns by hand: sale item id to units, split per vendor as by cancel.json.
        Returns their ids."""
        strangers = quantities.keys() - {line["id"] for line in self.sale_items(sale_id)}
        if strangers:
            raise ValueError(f"sale {sale_id} has no sale items {sorted(strangers)}")
        items = {item_id: {"quantity": units} for item_id, units in quantities.items()}
        wanted = ReturnRequest(sale_id, items, as_stored(RESOURCES["SaleReturn"], attributes))
        return [row["id"] for row in create_sale_returns(self.world, wanted)]

    def edit_sale_return(self, sale_return_id: int, **attributes: Any) -> None:
        """Staff change a sale return."""
        self._edit("SaleReturn", sale_return_id, attributes)

    def edit_item(self, item_id: int, **attributes: Any) -> None:
        """Staff change a sale return item, such as its quantity."""
        self._edit("SaleReturnItem", item_id, attributes)

    def delete_sale_return(self, sale_return_id: int) -> None:
        """Delete a sale return and its items; what was returned through it no longer counts."""
        self.world.delete("SaleReturn", sale_return_id)

    def delete_sale(self, sale_id: int) -> None:
        """Delete a sale and everything that belongs to it."""
        self.world.delete("Sale", sale_id)

    # -------------------------------------------------------------------------------- reading

    def sales(self) -> list[Row]:
        """Every sale, including clones."""
        return _copies(self.world.table("Sale").rows.values())

    def sale_items(self, sale_id: int) -> list[Row]:
        """The lines of a sale."""
        return _copies(self.world.table("SaleItem").find("saleId", sale_id))

    def purchases(self, sale_id: int) -> list[Row]:
        """The vendors' parts of a sale."""
        return _copies(self.world.table("Purchase").find("saleId", sale_id))

    def sale_returns(self, sale_id: int | None = None) -> list[Row]:
        """The sale returns of one sale, or all."""
        table = self.world.table("SaleReturn")
        rows = table.rows.values() if sale_id is None else table.find("saleId", sale_id)
        return _copies(rows)

    def items_of(self, sale_return_id: int) -> list[Row]:
        """The items of a sale return."""
        return _copies(self.world.table("SaleReturnItem").find("saleReturnId", sale_return_id))

    def notifications(self) -> list[Row]:
        """The e-mails sent to vendors: `dropshipProviderId`, `saleReturnId`, `reference`, `at`."""
        return _copies(self.world.notifications)

    def to_json(self) -> dict[str, Any]:
        """The whole state by plural snake_case name, ready to be encoded."""
        state: dict[str, Any] = {
            table.resource.path.replace("-", "_"): _copies(table.rows.values())
            for table in self.world.tables.values()
        }
        return {**state, "notifications": self.notifications()}

    def _edit(self, model: str, row_id: int, attributes: Row) -> None:
        stored = as_stored(RESOURCES[model], attributes)
        row = self.world.table(model).update(row_id, stored)
        self.world.recompute(model, row)


def _copies(rows: Iterable[Row]) -> list[Row]:
    return [dict(row) for row in rows]
