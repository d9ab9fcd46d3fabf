"""Collections of Jetti's, found by the values of one field and re-checked row by row.

A server that ignores a filter or caps a page must not mislead us (design section 8 step 1): each
row is compared with what was asked for, and a doubtful answer is asked for again one value at a
time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Generic, TypeVar

from msgspec import Struct

from reconciler.clock import Clock
from reconciler.core.sale import names
from reconciler.core.sighting import Sale, SaleItem, SeenItem, SeenSaleReturn
from reconciler.http import Answer, Service
from reconciler.jetti import query, wire

T = TypeVar("T")
W = TypeVar("W", wire.WireSale, wire.WireSaleItem, wire.WireSaleReturn, wire.WireSaleReturnItem)
Values = Sequence[str | int]

# How far Jetti's clock may lag behind ours where its answers carry no Date.
_SKEW = timedelta(minutes=5)


class FilterIgnored(Exception):
    """Jetti answered with rows that were not asked for: what is missing proves nothing."""


class _Filter(Struct, Generic[W], frozen=True):
    """One way to ask for rows of one kind."""

    path: str
    kind: type[W]
    field: str
    """As Jetti spells it."""
    value: Callable[[W], object]
    """The same field of a decoded row."""


_MARKED = _Filter(
    "/sale-returns.json", wire.WireSaleReturn, "externalId", lambda row: row.external_id
)
_BY_ID = _Filter("/sale-returns.json", wire.WireSaleReturn, "id", lambda row: row.id)
_ON_SALE = _Filter("/sale-returns.json", wire.WireSaleReturn, "saleId", lambda row: row.sale_id)
_ITEMS = _Filter(
    "/sale-return-items.json",
    wire.WireSaleReturnItem,
    "saleReturnId",
    lambda row: row.sale_return_id,
)
_SALES = _Filter("/sales.json", wire.WireSale, "externalId", lambda row: row.external_id)
_SALES_NAMED = _Filter("/sales.json", wire.WireSale, "reference", lambda row: row.reference)
_SALE_ITEMS = _Filter("/sale-items.json", wire.WireSaleItem, "saleId", lambda row: row.sale_id)


class Reader:
    """GETs only. Raises TargetUnavailable, KeyRefused, FilterIgnored, Interrupted."""

    def __init__(self, service: Service, clock: Clock) -> None:
        self._service = service
        self._clock = clock
        self._latest: datetime | None = None

    def now(self) -> datetime:
        """Jetti's idea of now, by the Date of its latest answer; never ahead of it."""
        return self._latest or self._clock.now() - _SKEW

    def marked(self, return_ids: Sequence[str]) -> list[SeenSaleReturn]:
        """Sale returns that carry one of the markers, anywhere in the account."""
        return [wire.seen_sale_return(row) for row in self._find(_MARKED, return_ids)]

    def by_id(self, ids: Sequence[int]) -> list[SeenSaleReturn]:
        """Sale returns by their own ids; those that are gone are left out."""
        return [wire.seen_sale_return(row) for row in self._find(_BY_ID, ids)]

    def on_sales(self, sale_ids: Sequence[int]) -> list[SeenSaleReturn]:
        """Every sale return of these sales."""
        return [wire.seen_sale_return(row) for row in self._find(_ON_SALE, sale_ids)]

    def items(self, sale_return_ids: Sequence[int]) -> list[SeenItem]:
        """Every item of these sale returns."""
        return [wire.seen_item(row) for row in self._find(_ITEMS, sale_return_ids)]

    def sales(self, order_ids: Sequence[str]) -> list[Sale]:
        """Sales by Shopify order id."""
        return [wire.sale(row) for row in self._find(_SALES, order_ids)]

    def sales_named(self, order_names: Iterable[str]) -> list[Sale]:
        """Sales by order name, in either spelling (apis/jetti.md 6.1)."""
        spellings = sorted({spelling for name in order_names for spelling in names(name)})
        return [wire.sale(row) for row in self._find(_SALES_NAMED, spellings)]

    def sale_items(self, sale_ids: Sequence[int]) -> list[SaleItem]:
        """Every line of these sales."""
        return [wire.sale_item(row) for row in self._find(_SALE_ITEMS, sale_ids)]

    def reasons(self) -> dict[str, int]:
        """Codes of adjustment reasons and their ids (apis/jetti.md 6.5)."""
        decode = partial(wire.rows, wire.WireReason)
        found = self._get("/adjustment-reasons.json", query.everything(), decode)
        return {reason.code: reason.id for reason in found}

    def sale_return(self, sale_return_id: int) -> SeenSaleReturn:
        """One sale return. Raises Refused when it is gone."""
        decode = partial(wire.one, wire.WireSaleReturn)
        path = f"/sale-returns/{sale_return_id}.json"
        return wire.seen_sale_return(self._get(path, "", decode))

    def item(self, item_id: int) -> SeenItem:
        """One sale return item. Raises Refused when it is gone."""
        decode = partial(wire.one, wire.WireSaleReturnItem)
        return wire.seen_item(self._get(f"/sale-return-items/{item_id}.json", "", decode))

    def _find(self, by: _Filter[W], values: Values) -> list[W]:
        return [row for group in query.groups(values) for row in self._find_group(by, group)]

    def _find_group(self, by: _Filter[W], group: Values) -> list[W]:
        try:
            return self._pages(by, group)
        except FilterIgnored:
            if len(group) == 1:
                raise
        return [row for value in group for row in self._pages(by, [value])]

    def _pages(self, by: _Filter[W], values: Values) -> list[W]:
        """All rows with one of the values; the whole answer must hold together."""
        asked = {str(value) for value in values}
        found: dict[int, W] = {}
        after_id: int | None = None
        longest = 0
        while True:
            page = self._page(by, values, after_id)
            if any(str(by.value(row)) not in asked for row in page):
                raise FilterIgnored(f"Jetti did not filter {by.path} by {by.field}")
            is_full = len(page) >= query.LIMIT
            if is_full and len(asked) > 1:
                raise FilterIgnored(f"{by.path}: too much for one page")
            fresh = [row for row in page if row.id not in found]
            found |= {row.id: row for row in fresh}
            if len(page) < longest or not query.may_be_cut(len(page)):
                return list(found.values())
            longest = len(page)
            if not fresh:
                if is_full:
                    raise FilterIgnored(f"Jetti does not page {by.path} by id")
                return list(found.values())
            after_id = max(row.id for row in page)

    def _page(self, by: _Filter[W], values: Values, after_id: int | None = None) -> list[W]:
        asked = query.matching(by.field, values, after_id=after_id)
        return self._get(by.path, asked, partial(wire.rows, by.kind))

    def _get(self, path: str, asked: str, decode: Callable[[Answer], T]) -> T:
        def dated(answer: Answer) -> T:
            self._latest = answer.date or self._latest
            return decode(answer)

        return self._service.get(path, asked, dated)
