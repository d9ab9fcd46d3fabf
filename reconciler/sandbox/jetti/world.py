"""The tables of one account, and the rules that span several of them."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.jetti.problems import Problem
from reconciler.sandbox.jetti.rollups import recompute_sale, sale_id_of
from reconciler.sandbox.jetti.schema import RELATIONS, Relation, Row
from reconciler.sandbox.jetti.switches import JettiSwitches
from reconciler.sandbox.jetti.tables import Table, timestamp

# Deleting the key deletes these parts.
_ORDER = ("Sale", "SaleItem", "Purchase", "PurchaseItem", "SaleReturn", "SaleReturnItem")


class World:
    """All tables by model name."""

    def __init__(
        self, clock: SandboxClock, switches: JettiSwitches, tables: dict[str, Table]
    ) -> None:
        self.clock = clock
        self.switches = switches
        self.tables = tables
        self.notifications: list[Row] = []

    def table(self, model: str) -> Table:
        """By PascalCase model name."""
        return self.tables[model]

    def visible(self, model: str, rows: Iterable[Row]) -> Iterable[Row]:
        """What a GET shows of these rows now."""
        return self.table(model).visible(rows, self.switches.read_lag_seconds)

    def recompute(self, model: str, row: Row) -> None:
        """After a write: the roll-ups of the sale that the row belongs to
        (jetti.md#sale-roll-ups)."""
        sale_id = sale_id_of(self.tables, model, row)
        if sale_id in self.table("Sale").rows:
            recompute_sale(self.tables, sale_id)

    def notify_vendor(self, provider_id: int, sale_return: Row) -> None:
        """A new return sends the vendor an e-mail (jetti.md#notifications-of-a-sale-return)."""
        self.notifications.append(
            {
                "dropshipProviderId": provider_id,
                "saleReturnId": sale_return["id"],
                "reference": sale_return["reference"],
                "at": timestamp(self.clock.now()),
            }
        )

    def delete(self, model: str, row_id: int) -> None:
        """Remove a row and what cannot exist without it.

        Refused, as by a database, if that would remove parts of an order.
        """
        if model not in _ORDER and self._is_needed(model, row_id):
            raise Problem("api.errors.unknown")
        row = self.table(model).rows[row_id]
        self._delete_children(model, row_id)
        self.table(model).delete(row_id)
        self.recompute(model, row)

    def _is_needed(self, model: str, row_id: int) -> bool:
        return any(
            self.table(relation.model).find(relation.foreign_key, row_id)
            for relation in RELATIONS[model].values()
            if relation.many and not self._is_optional(relation)
        )

    def _is_optional(self, relation: Relation) -> bool:
        return self.table(relation.model).resource.fields[relation.foreign_key].nullable

    def _delete_children(self, model: str, row_id: int) -> None:
        for relation in RELATIONS[model].values():
            if not relation.many:
                continue
            table = self.table(relation.model)
            # A purchase may have no sale, but the purchase of a deleted sale goes with it.
            optional = self._is_optional(relation) and model != "Sale"
            for child in table.find(relation.foreign_key, row_id):
                if optional:
                    table.update(child["id"], {relation.foreign_key: None})
                else:
                    self._delete_children(relation.model, child["id"])
                    table.delete(child["id"])
