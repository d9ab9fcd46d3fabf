"""What the server updates automatically after a write (jetti.md#sale-roll-ups)."""

from __future__ import annotations

from typing import Any

from reconciler.sandbox.jetti.schema import Row
from reconciler.sandbox.jetti.tables import Table, total

_RETURN_WORDS = ("notReturned", "partiallyReturned", "returned")
_CANCELLATION_WORDS = ("none", "partial", "full")

Tables = dict[str, Table]


def sale_id_of(tables: Tables, model: str, row: Row) -> Any:
    """The id of the sale that a row belongs to; None if it belongs to none."""
    if model == "Sale":
        return row["id"]
    if model == "SaleReturnItem":
        sale_return = tables["SaleReturn"].rows.get(row["saleReturnId"])
        return sale_return and sale_return["saleId"]
    if model == "PurchaseItem":
        purchase = tables["Purchase"].rows.get(row["purchaseId"])
        return purchase and purchase["saleId"]
    return row.get("saleId")


def recompute_sale(tables: Tables, sale_id: int) -> None:
    """Recompute the totals of a sale, its lines and purchases from its live sale returns."""
    live = [
        row["id"]
        for row in tables["SaleReturn"].find("saleId", sale_id)
        if row["status"] != "cancelled"
    ]
    returned = tables["SaleReturnItem"].find("saleReturnId", *live)
    _sum_lines(tables["SaleItem"], "saleId", sale_id, (returned, "saleItemId"))
    _set_statuses(tables["Sale"], sale_id, tables["SaleItem"].find("saleId", sale_id))
    for purchase in tables["Purchase"].find("saleId", sale_id):
        _sum_lines(
            tables["PurchaseItem"], "purchaseId", purchase["id"], (returned, "purchaseItemId")
        )
        # `cancelled` stays as it is: a known oddity of the live service
        # (jetti.md#cancelled-flag-of-a-purchase).
        lines = tables["PurchaseItem"].find("purchaseId", purchase["id"])
        _set_statuses(tables["Purchase"], purchase["id"], lines)


def _sum_lines(
    table: Table, parent_key: str, parent_id: int, returned: tuple[list[Row], str]
) -> None:
    items, line_key = returned
    for line in table.find(parent_key, parent_id):
        mine = [item for item in items if item[line_key] == line["id"]]
        sums = {
            "quantityReturned": total(mine, "quantity"),
            "quantityCancelled": total(mine, "quantityCancelled"),
        }
        table.change(line["id"], sums)


def _set_statuses(table: Table, row_id: int, lines: list[Row]) -> None:
    """Returned goods count in both roll-ups, units that were never shipped only in the
    cancellation's (jetti.md#sale-roll-ups)."""
    units = total(lines, "quantity")
    returned = total(lines, "quantityReturned")
    gone = returned + total(lines, "quantityCancelled")
    table.change(
        row_id,
        {
            "returnStatus": _word(_RETURN_WORDS, returned, units),
            "cancellationStatus": _word(_CANCELLATION_WORDS, gone, units),
        },
    )


def _word(words: tuple[str, str, str], part: int, whole: int) -> str:
    if part <= 0:
        return words[0]
    return words[2] if part >= whole else words[1]
