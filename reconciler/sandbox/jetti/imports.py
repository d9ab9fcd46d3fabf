"""How an order of the shop becomes a sale: lines, customer, one purchase per vendor.

People are invented and easy to find (`canary`, example.test), so that tests can prove that no
name, address or e-mail address leaks.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from reconciler.sandbox.jetti.schema import Row
from reconciler.sandbox.jetti.tables import timestamp, total
from reconciler.sandbox.jetti.world import World
from reconciler.sandbox.orders import SandboxOrder, SandboxOrderLine

CHANNEL_ID = 1
WAREHOUSE_ID = 1
PRICE_LIST_ID = 1


def import_order(world: World, order: SandboxOrder, attributes: Row) -> int:
    """Sale, sale items, purchases and their items. Returns the sale's id."""
    reference = order.name.lstrip("#") if world.switches.reference_form == "bare" else order.name
    number = len(world.table("Customer").rows) + 1
    sale = world.table("Sale").insert(
        {
            **_canary_address(number),
            "customerId": _canary_customer(world, number),
            "externalId": order.order_id,
            "reference": reference,
            "dateOrdered": timestamp(order.created_at),
            "channelId": CHANNEL_ID,
            "priceListId": PRICE_LIST_ID,
            "warehouseId": WAREHOUSE_ID,
            "status": "finalized",
            "paymentStatus": "paid",
            **attributes,
        }
    )
    lines = _import_lines(world, sale["id"], order.lines)
    _complete_sale(world, sale["id"], lines)
    _make_purchases(world, sale["id"], lines)
    return int(sale["id"])


def clone_sale(world: World, sale_id: int, attributes: Row) -> int:
    """An exchange order: own reference, `saleId` = parent, same customer and lines
    (jetti.md#cloned-sales)."""
    parent = world.table("Sale").rows[sale_id]
    kept = {name: value for name, value in parent.items() if name not in _OWN_OF_A_SALE}
    clone = world.table("Sale").insert(
        {
            **kept,
            "saleId": sale_id,
            "cloneReason": "exchange",
            "externalId": None,
            "reference": f"{parent['reference']}-E",
            **attributes,
        }
    )
    lines = []
    for line in world.table("SaleItem").find("saleId", sale_id):
        copied = {name: value for name, value in line.items() if name not in _OWN_OF_A_LINE}
        values = {**copied, "saleId": clone["id"], "cloneSaleItemId": line["id"]}
        lines.append(world.table("SaleItem").insert(values))
    _make_purchases(world, clone["id"], lines)
    return int(clone["id"])


_OWN_OF_A_SALE = {
    *("id", "createdAt", "updatedAt", "returnStatus", "cancellationStatus", "inventoryStatus"),
    *("lastSaleReturnReference", "lastPurchaseReference", "lastFulfillmentReference"),
}
_OWN_OF_A_LINE = {
    *("id", "createdAt", "updatedAt", "externalId"),
    *("quantityReturned", "quantityCancelled", "inventoryProcessed", "bundleSaleItemId"),
}


def _canary_customer(world: World, number: int) -> int:
    customer = {
        "email": f"canary-{number}@example.test",
        "firstName": "Canary",
        "lastName": f"Person-{number}",
        "name": f"Canary Person-{number}",
        "phone": f"+1-555-01{number % 100:02d}",
    }
    return int(world.table("Customer").insert(customer)["id"])


def _canary_address(number: int) -> Row:
    address = {
        "FirstName": "Canary",
        "LastName": f"Person-{number}",
        "AddressLineOne": f"{number} Canary Lane",
        "City": "Canarytown",
        "Zip": "00000",
        "Country": "US",
    }
    return {
        f"{kind}{part}": value
        for kind in ("shipping", "billing")
        for part, value in address.items()
    }


def _import_lines(world: World, sale_id: int, lines: tuple[SandboxOrderLine, ...]) -> list[Row]:
    parts = [part for line in lines for part in _parts(line)]
    rows = [world.table("SaleItem").insert(_line(world, sale_id, part)) for part in parts]
    by_external_id = {row["externalId"]: row for row in rows}
    for line, row in zip(parts, rows, strict=True):
        if line.bundle_of is None:
            continue
        bundle = by_external_id[line.bundle_of]
        per_bundle = line.quantity // max(1, bundle["quantity"])
        values = {"bundleSaleItemId": bundle["id"], "bundleQuantity": per_bundle}
        world.table("SaleItem").update(row["id"], values)
    return rows


def _parts(line: SandboxOrderLine) -> list[SandboxOrderLine]:
    """The sale items that an order line becomes."""
    parts = [replace(line, vendor=vendor, quantity=units) for vendor, units in line.parts]
    return parts or [line]


def _line(world: World, sale_id: int, line: SandboxOrderLine) -> Row:
    price = float(line.price)
    return {
        "saleId": sale_id,
        "externalId": line.order_line_id,
        "externalVariantId": line.variant_id,
        "name": line.title,
        "quantity": line.quantity,
        "price": price,
        "subtotal": round(price * line.quantity, 2),
        "dropshipProviderId": line.vendor and _provider_id(world, line.vendor),
        "warehouseId": WAREHOUSE_ID,
        "inventoryProcessed": line.quantity if line.shipped else 0,
        "isBundle": line.bundle,
    }


def _provider_id(world: World, name: str) -> int:
    table = world.table("DropshipProvider")
    found = table.find("name", name)
    return int((found[0] if found else table.insert({"name": name}))["id"])


def _complete_sale(world: World, sale_id: int, lines: list[Row]) -> None:
    units, shipped = total(lines, "quantity"), total(lines, "inventoryProcessed")
    status = "notFulfilled"
    if shipped:
        status = "fulfilled" if shipped == units else "partiallyFulfilled"
    amount = round(sum(line["subtotal"] for line in lines), 2)
    totals: dict[str, Any] = {"quantity": units, "subtotal": amount, "total": amount}
    world.table("Sale").change(sale_id, {**totals, "inventoryStatus": status})


def _make_purchases(world: World, sale_id: int, lines: list[Row]) -> None:
    """Each vendor gets their part of the order as one purchase (jetti.md#resources)."""
    vendors: dict[int, list[Row]] = {}
    for line in lines:
        if line["dropshipProviderId"] is not None:
            vendors.setdefault(line["dropshipProviderId"], []).append(line)
    for number, (provider_id, part) in enumerate(vendors.items(), start=1):
        _make_purchase(world, world.table("Sale").rows[sale_id], provider_id, (number, part))
    world.table("Sale").change(sale_id, {"lastPurchaseReference": len(vendors)})


def _make_purchase(
    world: World, sale: Row, provider_id: int, numbered: tuple[int, list[Row]]
) -> None:
    number, lines = numbered
    purchase = world.table("Purchase").insert(
        {
            "saleId": sale["id"],
            "dropshipProviderId": provider_id,
            "reference": f"{sale['reference']}-{number}",
            "isDropship": True,
            "purchaseType": "automated_dropship",
            "quantity": total(lines, "quantity"),
            # Live purchases show this value although the schema lacks it
            # (jetti.md#purchase-statuses-outside-the-schema).
            "inventoryStatus": "shipped" if total(lines, "inventoryProcessed") else "notReceived",
        }
    )
    for line in lines:
        shared = ("name", "quantity", "price", "subtotal", "inventoryProcessed", "isBundle")
        values = {name: line[name] for name in shared}
        world.table("PurchaseItem").insert(
            {**values, "purchaseId": purchase["id"], "saleItemId": line["id"]}
        )
