"""The least that could do the same work: bare programs with the same libraries.

They take over nothing from the program, so that a change there does not lower the floor, too.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

from benchmarks.processes import Measured, measure
from benchmarks.shop import Shop

INTERPRETER = "pass"
IMPORTS = "import sqlalchemy, httpx, click, msgspec"

_FETCH = """
import os, sys
import sqlalchemy, httpx, click, msgspec
from urllib.parse import parse_qs, urlsplit

class Line(msgspec.Struct):
    line_item_id: str
    provider_line_item_id: str
    sku: str | None = None
    title: str | None = None
    return_reason: str | None = None

class Label(msgspec.Struct):
    status: str | None = None
    carrier: str | None = None
    tracking_number: str | None = None
    line_items: list[int] | None = None
    updated_at: str | None = None

class Return(msgspec.Struct):
    id: str
    state: str
    created_at: str
    updated_at: str
    line_items: list[Line]
    labels: list[Label] | None = None
    provider_order_id: str | None = None
    order_name: str | None = None
    outcome: str | None = None
    type: str | None = None
    status_page_url: str | None = None

class Page(msgspec.Struct):
    returns: list[Return]
    nextPageUrl: str | None

class Row(msgspec.Struct):
    id: int
    externalId: str | None = None
    saleId: int | None = None
    status: str | None = None
    reference: str | None = None
    quantity: int | None = None
    companyId: int | None = None
    createdAt: str | None = None

decoder = msgspec.json.Decoder(Page)
rows_decoder = msgspec.json.Decoder(list[Row])
address = os.environ["LOOP_BASE_URL"] + "/warehouse/return/list"
read = 0
ended = []
with httpx.Client(headers={"X-Authorization": os.environ["LOOP_API_KEY"]}) as client:
    for span in sys.argv[1:]:
        start, end = span.split(",")
        for state in ("open", "closed", "cancelled", "expired", "review"):
            query = {"from": start, "to": end, "filter": "updated_at", "state": state,
                     "paginate": "true", "pageSize": "750"}
            while True:
                page = decoder.decode(client.get(address, params=query).content)
                read += len(page.returns)
                if state in ("cancelled", "expired"):
                    ended += [(one.id, one.provider_order_id, one.order_name)
                              for one in page.returns]
                if page.nextPageUrl is None:
                    break
                query["cursor"] = parse_qs(urlsplit(page.nextPageUrl).query)["cursor"][0]

def rows(client, path, field, values):
    query = {f"where[{field}][$in][{place}]": value for place, value in enumerate(values)}
    query |= {"order[attribute]": "id", "limit": "100", "from": "0"}
    answer = client.get(os.environ["JETTI_BASE_URL"] + path, params=query)
    return rows_decoder.decode(answer.content)

key = {"Authorization": "Bearer " + os.environ["JETTI_API_TOKEN"]}
with httpx.Client(headers=key) as client:
    for at in range(0, len(ended), 70):
        ids, order_ids, names = zip(*ended[at : at + 70])
        rows(client, "/sale-returns.json", "externalId", ids)
        found = rows(client, "/sales.json", "externalId", order_ids)
        there = {sale.externalId for sale in found}
        others = {name.lstrip("#") for id_, name in zip(order_ids, names) if id_ not in there}
        if others:
            spellings = [prefix + name for name in others for prefix in ("", "#")]
            found += rows(client, "/sales.json", "reference", spellings)
        sales = [sale.id for sale in found]
        for half in (sales[:35], sales[35:]):
            rows(client, "/sale-items.json", "saleId", half)
        returned = [one.id for one in rows(client, "/sale-returns.json", "saleId", sales)]
        if returned:
            rows(client, "/sale-return-items.json", "saleReturnId", returned)
print(read)
"""


def python(program: str, environ: dict[str, str], *arguments: str) -> Measured:
    """A Python of its own for that program."""
    return measure([sys.executable, "-c", program, *arguments], environ)


def fetch(shop: Shop, days: int, returns: int) -> Measured:
    """Fetch and decode the pages of the last days, in spans of a month as the program reads them,
    and whatever Jetti has of the returns that ended: one process, one connection to each service,
    nothing kept."""
    end = datetime.now(UTC).replace(tzinfo=None)
    ends = [end - timedelta(days=passed) for passed in range(0, days, 30)]
    spans = [
        f"{one - timedelta(days=30):%Y-%m-%d %H:%M:%S},{one:%Y-%m-%d %H:%M:%S}" for one in ends
    ]
    fetched = python(_FETCH, shop.environ, *spans)
    # A return at the very end of a span is in two.
    if not 0 <= int(fetched.stdout) - returns <= len(spans):
        raise SystemExit(f"the floor read {int(fetched.stdout)} returns, not {returns}")
    return fetched
