"""Creates sale returns: one for the in-house goods, one per vendor's purchase
(jetti.md#split-of-a-return, #answer-of-the-cancel-call)."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from reconciler.sandbox.jetti.problems import Problem
from reconciler.sandbox.jetti.schema import Row
from reconciler.sandbox.jetti.world import World

# What the lines of one sale return share: the purchase, the vendor (if there is no purchase yet),
# and a number that separates what a switch wants separate.
Group = tuple[int | None, int | None, int]


class ReturnRequest(Struct, frozen=True):
    """What to return of a sale."""

    sale_id: int
    items: dict[int, Row]
    """By sale item id: the attributes of its sale return item, such as `{"quantity": 1}`."""
    attributes: dict[str, Any] = {}
    """Attributes of every sale return that is created."""


def create_sale_returns(world: World, wanted: ReturnRequest) -> list[Row]:
    """Create all sale returns or none, in-house first, then by purchase. Returns the new rows."""
    groups = _split(world, wanted)
    refuse_duplicate_external_id(world, wanted.attributes.get("externalId"), len(groups))
    created = [_create(world, wanted, group, lines) for group, lines in _sorted(groups)]
    if created:
        world.recompute("SaleReturn", created[0])
    return created


def refuse_duplicate_external_id(
    world: World, external_id: str | None, uses: int = 1, *, own_id: int | None = None
) -> None:
    """Raise a 409 `Problem` if the switch makes `sale-return.externalId` unique
    (jetti.md#external-id-rules)."""
    if not world.switches.unique_external_ids or external_id is None:
        return
    others = [
        row
        for row in world.table("SaleReturn").find("externalId", external_id)
        if row["id"] != own_id
    ]
    if others or uses > 1:
        raise Problem("api.sale_returns.save.unique_constraint", 409)


def _sorted(groups: dict[Group, list[Row]]) -> list[tuple[Group, list[Row]]]:
    return sorted(groups.items(), key=lambda found: _position(found[0]))


def _position(group: Group) -> tuple[int, ...]:
    """Sort key: in-house first, then in the order of the purchases."""
    return tuple(part or 0 for part in group)


def _split(world: World, wanted: ReturnRequest) -> dict[Group, list[Row]]:
    groups: dict[Group, list[Row]] = {}
    for line in world.table("SaleItem").find("saleId", wanted.sale_id):
        if line["id"] not in wanted.items:
            continue
        groups.setdefault(_group_of(world, line), []).append(line)
    if world.switches.split == "single" and groups:
        return {min(groups, key=_position): [line for part in groups.values() for line in part]}
    return groups


def _group_of(world: World, line: Row) -> Group:
    purchase_item = purchase_item_of(world, line)
    purchase_id = purchase_item["purchaseId"] if purchase_item else None
    apart = line["id"] if world.switches.split == "per_line" else 0
    return purchase_id, line["dropshipProviderId"], apart


def purchase_item_of(world: World, line: Row) -> Row | None:
    """The purchase item of a sale's line, if any."""
    found = world.table("PurchaseItem").find("saleItemId", line["id"])
    return found[0] if found else None


def _create(world: World, wanted: ReturnRequest, group: Group, lines: list[Row]) -> Row:
    purchase_id, provider_id, _ = group
    sale_return = world.table("SaleReturn").insert(
        {
            "status": _first_status(world, wanted.sale_id, provider_id),
            **wanted.attributes,
            "saleId": wanted.sale_id,
            "purchaseId": purchase_id,
            "reference": _next_reference(world, wanted.sale_id),
        }
    )
    for line in lines:
        _create_item(world, sale_return, line, wanted.items[line["id"]])
    if provider_id is not None:
        world.notify_vendor(provider_id, sale_return)
    return sale_return


def _create_item(world: World, sale_return: Row, line: Row, attributes: Row) -> None:
    purchase_item = purchase_item_of(world, line)
    sale = world.table("Sale").rows[sale_return["saleId"]]
    world.table("SaleReturnItem").insert(
        {
            "saleReturnId": sale_return["id"],
            "saleItemId": line["id"],
            "purchaseItemId": purchase_item and purchase_item["id"],
            # Always set, even on a vendor's lines (jetti.md#warehouse-of-a-sale-return-item).
            "warehouseId": line["warehouseId"] or sale["warehouseId"],
            "price": line["price"],
            **attributes,
        }
    )


def _next_reference(world: World, sale_id: int) -> str:
    """`1042-01`, `1042-02`, … from a counter that never goes back
    (jetti.md#sale-return-references)."""
    sales = world.table("Sale")
    sale = sales.rows[sale_id]
    number = (sale["lastSaleReturnReference"] or 0) + 1
    sales.update(sale_id, {"lastSaleReturnReference": number})
    return f"{sale['reference']}-{number:02d}"


def _first_status(world: World, sale_id: int, provider_id: int | None) -> str:
    """The status right after creation depends on account settings
    (jetti.md#status-after-creation)."""
    if provider_id is None:
        if world.switches.status_in_house != "by_settings":
            return world.switches.status_in_house
        warehouse_id = world.table("Sale").rows[sale_id]["warehouseId"]
        return str(world.table("Warehouse").rows[warehouse_id]["defaultReturnStatus"])
    if world.switches.status_dropship != "by_settings":
        return world.switches.status_dropship
    provider = world.table("DropshipProvider").rows[provider_id]
    status = str(provider["saleReturnCustomerStatus"])
    return "requested" if status == "default" else status
