"""What pushing reads from Jetti: rows of collections by one field, and single objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from reconciler.clock import Clock
from reconciler.core.matching.snapshot import LiveItem, LiveSaleReturn, Sale, SaleItem
from reconciler.core.order_name import variants
from reconciler.http import Service
from reconciler.jetti import schema
from reconciler.jetti.collection import Collections, Filter
from reconciler.jetti.dialect import Dialect
from reconciler.jetti.query_client import QueryClient

_SKEW = timedelta(minutes=5)
"""How far Jetti's clock may lag behind ours where its answers carry no Date."""

MARKED = Filter(
    "/sale-returns.json", schema.WireSaleReturn, "externalId", lambda row: row.external_id
)
_BY_ID = Filter("/sale-returns.json", schema.WireSaleReturn, "id", lambda row: row.id)
_ON_SALE = Filter("/sale-returns.json", schema.WireSaleReturn, "saleId", lambda row: row.sale_id)
ITEMS = Filter(
    "/sale-return-items.json",
    schema.WireSaleReturnItem,
    "saleReturnId",
    lambda row: row.sale_return_id,
)
SALES = Filter("/sales.json", schema.WireSale, "externalId", lambda row: row.external_id)
_SALES_NAMED = Filter("/sales.json", schema.WireSale, "reference", lambda row: row.reference)
SALE_ITEMS = Filter("/sale-items.json", schema.WireSaleItem, "saleId", lambda row: row.sale_id)

NEEDED: tuple[Filter[Any], ...] = (MARKED, ITEMS, SALES, SALE_ITEMS)
"""What every push asks by."""


class JettiClient:
    """GETs only. Every method that sends one raises TargetUnavailable, KeyRefused, FilterIgnored,
    Refused, Interrupted."""

    def __init__(self, service: Service, clock: Clock) -> None:
        self._service = service
        self._clock = clock
        self._dialect = Dialect()
        self._queries = QueryClient(service, self._dialect)
        self._collections = Collections(self._queries, self._dialect)

    def now(self) -> datetime:
        """By Jetti's clock: the Date of its latest answer, or some time before that clock."""
        return self._queries.latest or self._clock.now() - _SKEW

    def answered_at(self) -> datetime | None:
        """When it last answered, by Jetti's clock; None where no answer had a Date."""
        return self._queries.latest

    @property
    def shows_unrequested_rows(self) -> bool:
        """Whether Jetti answers with rows that nobody asked for, because it ignores a filter."""
        return self._dialect.shows_unrequested_rows

    def remarks(self) -> tuple[str, ...]:
        """How this Jetti answers otherwise than expected, for the report."""
        return tuple(self._dialect.remarks())

    def requests(self) -> int:
        """Requests that left for Jetti so far, answered or not."""
        return self._service.requests.get + self._service.requests.write

    def writes(self) -> int:
        """Writes that left for Jetti so far, answered or not."""
        return self._service.requests.write

    def marked(self, return_ids: Sequence[str]) -> list[LiveSaleReturn]:
        """Sale returns anywhere in the account that carry one of these return ids as marker."""
        return [schema.live_sale_return(row) for row in self._collections.find(MARKED, return_ids)]

    def by_id(self, ids: Sequence[int]) -> list[LiveSaleReturn]:
        """Sale returns by their own ids; those that are gone are left out."""
        return [schema.live_sale_return(row) for row in self._collections.find(_BY_ID, ids)]

    def on_sales(self, sale_ids: Sequence[int]) -> list[LiveSaleReturn]:
        """Every sale return of these sales."""
        return [schema.live_sale_return(row) for row in self._collections.find(_ON_SALE, sale_ids)]

    def items(self, sale_return_ids: Sequence[int]) -> list[LiveItem]:
        """Every item of these sale returns."""
        return [schema.live_item(row) for row in self._collections.find(ITEMS, sale_return_ids)]

    def sales(self, order_ids: Sequence[str]) -> list[Sale]:
        """Sales by Shopify order id."""
        return [schema.sale(row) for row in self._collections.find(SALES, order_ids)]

    def sales_named(self, order_names: Iterable[str]) -> list[Sale]:
        """Sales by order name, in either spelling (jetti.md#order-name-of-a-sale)."""
        spellings = sorted({spelling for name in order_names for spelling in variants(name)})
        return [schema.sale(row) for row in self._collections.find(_SALES_NAMED, spellings)]

    def sale_items(self, sale_ids: Sequence[int]) -> list[SaleItem]:
        """Every line of these sales."""
        return [schema.sale_item(row) for row in self._collections.find(SALE_ITEMS, sale_ids)]

    def reasons(self) -> dict[str, int]:
        """Ids of adjustment reasons by their code (jetti.md#adjustment-reasons)."""
        found = self._collections.everything("/adjustment-reasons.json", schema.WireReason)
        return {reason.code: reason.id for reason in found}

    def sale_return(self, sale_return_id: int) -> LiveSaleReturn:
        """One sale return. Raises Refused when it is gone."""
        decode = partial(schema.one, schema.WireSaleReturn)
        path = f"/sale-returns/{sale_return_id}.json"
        return schema.live_sale_return(self._queries.get(path, "", decode))

    def item(self, item_id: int) -> LiveItem:
        """One sale return item. Raises Refused when it is gone."""
        decode = partial(schema.one, schema.WireSaleReturnItem)
        return schema.live_item(self._queries.get(f"/sale-return-items/{item_id}.json", "", decode))
