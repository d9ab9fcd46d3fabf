"""What Jetti answers to some GETs: whether it can be used, and how it understands queries."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, TypeVar

from msgspec.structs import replace

from reconciler import app, deadline
from reconciler.config import Settings
from reconciler.core.diagnosis.jetti import (
    JettiFacts,
    ReasonFacts,
    Start,
    Understood,
    missing_reasons,
)
from reconciler.core.diagnosis.proof import OpenCreate, able
from reconciler.core.diagnosis.services import ServiceFacts
from reconciler.core.model import OwnedField
from reconciler.doctor.answers import SECONDS, Answers
from reconciler.errors import ConfigError, KeyRefused, TargetUnavailable
from reconciler.http import Refused, Response, Service
from reconciler.jetti import schema
from reconciler.jetti.client import NEEDED, SALE_ITEMS, SALES
from reconciler.jetti.query import Feature, Query, may_be_cut
from reconciler.jetti.query_client import REJECTED
from reconciler.jetti.schema import Wire, WireReason, WireSaleReturn, rows
from reconciler.runtime import Runtime

W = TypeVar("W", bound=Wire)

_SALE_RETURNS = "/sale-returns.json"
_REASONS = "/adjustment-reasons.json"
_NOTHING = ("0", "00")
"""Ids of nothing, so that no row is fetched."""
_PLAIN = (Feature.ORDER, Feature.LIMIT, Feature.FROM)
_ITEMS_INCLUDED = "include%5B0%5D%5Bmodel%5D=SaleReturnItem"
_PAGES_OF_REASONS = 5


def facts(
    settings: Settings,
    runtime: Runtime,
    sale_returns: Sequence[int],
    creates: Sequence[OpenCreate],
) -> JettiFacts:
    """Everything about Jetti; `sale_returns` are ids of some that exist, `creates` the returns of
    which it is asked whether they could prove the id list. Raises Interrupted."""
    answers = Answers()
    known = ServiceFacts(name="Jetti", key_setting="JETTI_API_TOKEN", asked_at=runtime.clock.now())
    found: dict[str, Any] = {}
    try:
        with app.jetti_service(settings, app.LOOK_UP, deadline.within(runtime, SECONDS)) as service:
            queries = _Queries(service, answers)
            found |= _needed(queries)
            known = replace(
                known, asked_at=runtime.clock.now(), answered_at=answers.date, is_usable=True
            )
            if settings.mapping.reasons:
                found["reasons"] = _reasons(queries, settings.mapping.reasons)
            found["in_list"] = _lists(queries, sale_returns)
            if creates:
                found["could_prove"] = _could_prove(queries, creates, found["in_list"])
            found["include"] = _include(queries, sale_returns)
            found["start"] = _start(queries)
    except KeyRefused as error:
        known = replace(known, refused=str(error))
    except (ConfigError, TargetUnavailable) as error:
        known = replace(known, failure=str(error))
    except Refused as error:
        known = replace(known, failure=f"Jetti refuses a query that a run needs: it {error}")
    return JettiFacts(service=replace(known, rate=answers.rate), **found)


class _Queries:
    """GETs that Jetti may refuse. Raises KeyRefused, TargetUnavailable, Refused, Interrupted."""

    def __init__(self, service: Service, answers: Answers) -> None:
        self._service = service
        self._answers = answers

    def must(self, path: str, kind: type[W], query: str) -> list[W]:
        """The rows of one page."""
        return self._service.get(path, query, self._answers.noting(partial(rows, kind)))

    def may(self, path: str, kind: type[W], query: str) -> list[W] | None:
        """The same, or None where Jetti refuses the query (jetti.md#error-statuses)."""

        def decode(answer: Response) -> list[W] | None:
            return rows(kind, answer) if answer.status == 200 else None

        return self._service.get(path, query, self._answers.noting(decode), REJECTED | {200})


def _needed(queries: _Queries) -> dict[str, tuple[str, ...]]:
    """What every push asks, about nothing; in plain form where the whole is refused."""
    without, ignored = [], []
    for by in NEEDED:
        query = Query(by.field, _NOTHING[:1])
        found = queries.may(by.path, by.kind, query.encode())
        if found is None:
            found = queries.must(by.path, by.kind, query.encode(without=_PLAIN))
            without.append(by.path)
        if any(str(by.value(row)) != _NOTHING[0] for row in found):
            ignored.append(f"{by.field} of {by.path}")
    return {"without": tuple(without), "ignored": tuple(ignored)}


def _lists(queries: _Queries, sale_returns: Sequence[int]) -> Understood:
    if len(sale_returns) < len(_NOTHING):
        query = Query(OwnedField.EXTERNAL_ID, _NOTHING)
        found = queries.may(_SALE_RETURNS, Wire, query.encode(without=_PLAIN))
        return Understood.REFUSED if found is None else Understood.ACCEPTED
    asked = tuple(sale_returns[: len(_NOTHING)])
    found = queries.may(_SALE_RETURNS, Wire, Query("id", asked).encode(without=_PLAIN))
    if found is None:
        return Understood.REFUSED
    return Understood.YES if {row.id for row in found} == set(asked) else Understood.NO


def _could_prove(
    queries: _Queries, creates: Sequence[OpenCreate], in_list: Understood
) -> tuple[OpenCreate, ...]:
    """Those that certainly could; one at a time is asked for where a list is not understood."""
    if in_list not in (Understood.YES, Understood.ACCEPTED):
        creates = creates[:1]
    order_ids = tuple(dict.fromkeys(one.order_id for one in creates))
    sales = queries.may(SALES.path, SALES.kind, Query(SALES.field, order_ids).encode())
    if not sales:
        return ()
    ids = tuple(row.id for row in sales)[: len(creates)]
    items = queries.may(SALE_ITEMS.path, SALE_ITEMS.kind, Query(SALE_ITEMS.field, ids).encode())
    return able(creates, [*map(schema.sale, sales)], [*map(schema.sale_item, items or ())])


def _include(queries: _Queries, sale_returns: Sequence[int]) -> Understood:
    of = (
        Query("id", tuple(sale_returns[:1]))
        if sale_returns
        else Query(OwnedField.EXTERNAL_ID, _NOTHING[:1])
    )
    query = f"{of.encode(without=_PLAIN)}&{_ITEMS_INCLUDED}"
    found = queries.may(_SALE_RETURNS, WireSaleReturn if sale_returns else Wire, query)
    if found is None:
        return Understood.REFUSED
    items = [row.sale_return_items for row in found if isinstance(row, WireSaleReturn)]
    if not items:
        return Understood.ACCEPTED
    return Understood.YES if items[0] is not None else Understood.NO


def _start(queries: _Queries) -> Start:
    """By the first four rows, and two from 1: the second and third, or the third and fourth."""
    first, later = (
        queries.may(_SALE_RETURNS, Wire, f"order%5Battribute%5D=id&limit={limit}&from={start}")
        for limit, start in ((4, 0), (2, 1))
    )
    if first is None or later is None:
        return Start.REFUSED
    ids, asked = [row.id for row in first], [row.id for row in later]
    if len(ids) < 4 or len(asked) < 2:
        return Start.UNSEEN
    counts = {tuple(ids[1:3]): Start.ROWS, tuple(ids[2:4]): Start.PAGES}
    return counts.get(tuple(asked[:2]), Start.NOTHING)


def _reasons(queries: _Queries, mapped: dict[str, str]) -> ReasonFacts:
    codes: set[str] = set()
    last, is_whole = None, False
    for _ in range(_PAGES_OF_REASONS):
        page = queries.must(_REASONS, WireReason, Query(after=last).encode())
        fresh = [row for row in page if row.code not in codes]
        codes.update(row.code for row in fresh)
        is_whole = not may_be_cut(len(page))
        if is_whole or not fresh:
            break
        last = max(row.id for row in page)
    return ReasonFacts(missing=missing_reasons(mapped, codes), is_whole=is_whole, count=len(mapped))
