"""`POST /sales/{id}/cancel.json` and its purchase twin: how a client creates sale returns
(jetti.md#creating-a-sale-return).

There is no idempotency key, an empty id list means everything, and an unknown key is ignored: the
whole-sale trap is reproduced here on purpose.
"""

from __future__ import annotations

from typing import Any

from reconciler.sandbox.jetti.problems import instance_problem
from reconciler.sandbox.jetti.returns import ReturnRequest, create_sale_returns
from reconciler.sandbox.jetti.schema import RESOURCES, Row
from reconciler.sandbox.jetti.world import World
from reconciler.sandbox.jetti.writes import read_attributes

# Decided by splitting and by the reference counter; ignored in a body.
_DECIDED = ("saleId", "purchaseId", "reference")


def cancel_sale(world: World, sale: Row, body: Row) -> list[Row]:
    """One sale return for in-house goods and one per vendor's purchase, for the given lines."""
    lines = world.table("SaleItem").find("saleId", sale["id"])
    asked = _asked(lines, body.get(world.switches.cancel_ids_key))
    lines = _without_repeated(world, sale, [line for line in lines if line["id"] in asked])
    items = {line["id"]: _units(line, fill=not body.get("skipQuantities")) for line in lines}
    attributes: Row = {}
    if world.switches.cancel_attributes == "applied":
        attributes = _attributes(world, body)
    return create_sale_returns(world, ReturnRequest(sale["id"], items, attributes))


def cancel_purchase(world: World, purchase: Row, body: Row) -> list[Row]:
    """The vendor's side: ids are purchase item ids, `setQuantities` fills quantities in
    (jetti.md#cancelling-a-purchase, #quantities-after-creation)."""
    parts = world.table("PurchaseItem").find("purchaseId", purchase["id"])
    asked = _asked(parts, body.get("ids"))
    chosen = {part["saleItemId"] for part in parts if part["id"] in asked}
    lines = world.table("SaleItem").find("saleId", purchase["saleId"])
    items = {
        line["id"]: _units(line, fill=bool(body.get("setQuantities")))
        for line in lines
        if line["id"] in chosen
    }
    attributes = _attributes(world, body)
    return create_sale_returns(world, ReturnRequest(purchase["saleId"], items, attributes))


def _asked(rows: list[Row], ids: Any) -> set[int]:
    """No list, or an empty one, is everything; ids of another sale find nothing
    (jetti.md#id-array-of-the-cancel-call, #whole-sale-risk)."""
    known = {row["id"] for row in rows}
    if not isinstance(ids, list) or not ids:
        return known
    return {row_id for row_id in known if row_id in ids or str(row_id) in ids}


def _units(line: Row, *, fill: bool) -> Row:
    """The open quantity: coming back where it was shipped, cancelled where it was not
    (jetti.md#shipped-and-unshipped-lines, #shipped-and-cancelled-quantities)."""
    if not fill:
        return {}
    left = max(0, line["quantity"] - line["quantityReturned"] - line["quantityCancelled"])
    return {"quantity" if line["inventoryProcessed"] else "quantityCancelled": left}


def _attributes(world: World, body: Row) -> Row:
    sent = {name: value for name, value in body.items() if name not in _DECIDED}
    return read_attributes(world, RESOURCES["SaleReturn"], sent, "cancel")


def _without_repeated(world: World, sale: Row, lines: list[Row]) -> list[Row]:
    """The lines, with those on a live sale return treated by the switch for repeated calls
    (jetti.md#repeated-cancel-calls)."""
    if world.switches.cancel_repeated == "another":
        return lines
    live = [
        row["id"]
        for row in world.table("SaleReturn").find("saleId", sale["id"])
        if row["status"] != "cancelled"
    ]
    taken = {
        item["saleItemId"]
        for item in world.table("SaleReturnItem").find("saleReturnId", *live)
        if not item["quantity"]
    }
    fresh = [line for line in lines if line["id"] not in taken and not _used_up(line)]
    if world.switches.cancel_repeated == "error" and len(fresh) < len(lines):
        raise instance_problem(RESOURCES["Sale"], sale["id"], "cancel", "already_cancelled")
    return fresh


def _used_up(line: Row) -> bool:
    return bool(line["quantityReturned"] + line["quantityCancelled"] >= line["quantity"])
