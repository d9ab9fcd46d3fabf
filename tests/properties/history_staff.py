"""What people do in Jetti, by hand."""

from __future__ import annotations

from collections import Counter

from tests.properties.history_shop import Shop
from tests.properties.witness import RANK


class Staff(Shop):
    """Steps on Jetti's side."""

    def raises(self, one: int, exactly: bool) -> None:
        """Staff raise a return in Jetti: just what a customer returns, or a single unit."""
        row = self._pick(self._alive(), one)
        if row is None or (sale := self._sale_of(row)) is None:
            return
        items = {item["externalId"]: item for item in self.world.jetti.sale_items(sale)}
        units = Counter(line.order_line_id for line in row.lines)
        if not exactly:
            units = Counter({next(iter(units)): 1})
        for line, count in units.items():
            item = items[line]
            if item["quantity"] - item["quantityReturned"] - item["quantityCancelled"] < count:
                return
        chosen = {items[line]["id"]: count for line, count in units.items()}
        for made in self.world.jetti.raise_sale_return(sale, chosen):
            held = self.world.jetti.items_of(made)
            self.witness.raised[made] = {self.witness._line(x): x["quantity"] for x in held}
            born = self._sale_return(made)
            for name in ("status", "notes", "trackingNumber", "saleReturnSource"):
                if born[name] is not None:
                    self.witness.set_by_people("sale-returns", made, **{name: born[name]})
        self._cause(str(row.provider_order_id), "raised by staff")

    def writes_down(self, one: int, field: str) -> None:
        """Staff edit a sale return: a tracking number, notes, a further status, their own notes."""
        row = self._pick(self._live_sale_returns(), one)
        if row is None:
            return
        value = {"trackingNumber": "MINE-1", "notes": "by hand", "adminNotes": "asked"}.get(field)
        if value is None:
            value = field
            if field not in RANK or RANK.index(field) <= RANK.index(row["status"]):
                return
            if row["status"] == "received":
                return
            field = "status"
        self.world.jetti.edit_sale_return(row["id"], **{field: value})
        self.witness.set_by_people("sale-returns", row["id"], **{field: value})

    def counts_again(self, one: int, up: bool) -> None:
        """Staff correct a quantity by one."""
        row = self._pick(self._live_sale_returns(), one)
        items = self.world.jetti.items_of(row["id"]) if row is not None else []
        if row is None or not items:
            return
        item = items[0]
        sale_item = self.witness._row("SaleItem", item["saleItemId"])
        left = sale_item["quantity"] - sale_item["quantityReturned"]
        quantity = item["quantity"] + (1 if up else -1)
        if quantity < 0 or (up and left < 1):
            return
        self.world.jetti.edit_item(item["id"], quantity=quantity)
        self.witness.set_by_people("sale-return-items", item["id"], quantity=quantity)
        self._cause_sale(row, "quantity by staff")

    def ends(self, one: int, how: str) -> None:
        """Staff cancel or delete a sale return, or take its marker away."""
        row = self._pick(self._live_sale_returns(), one)
        if row is None:
            return
        match how:
            case "cancel":
                self.world.jetti.edit_sale_return(row["id"], status="cancelled")
                self.witness.set_by_people("sale-returns", row["id"], status="cancelled")
                self._cause_sale(row, "cancelled by staff")
            case "delete":
                owner = self.witness.made.get(row["id"]) or self.witness.adopted.get(row["id"])
                lines = {self.witness._line(x) for x in self.world.jetti.items_of(row["id"])}
                self.deleted.setdefault(str(owner), set()).update(lines)
                self.world.jetti.delete_sale_return(row["id"])
                self._cause_sale(row, "deleted by staff")
            case "unmark":
                self.world.jetti.edit_sale_return(row["id"], externalId=None)
                self.witness.set_by_people("sale-returns", row["id"], externalId=None)
                self._cause_sale(row, "unmarked by staff")
