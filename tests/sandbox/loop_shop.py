"""A pretend Loop whose clock stands still, with a client of a few lines."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.loop.model import SandboxReturn
from reconciler.sandbox.loop.service import Loop
from reconciler.sandbox.messages import Request
from reconciler.sandbox.orders import example_order

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = "sandbox-loop-key"


def loop_time(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%d %H:%M:%S")


@dataclass
class LoopAnswer:
    status: int
    headers: dict[str, str]
    text: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def rows(self) -> list[dict[str, Any]]:
        assert self.status == 200, self.text
        return self.json if isinstance(self.json, list) else self.json["returns"]

    @property
    def ids(self) -> list[str]:
        return [row["id"] for row in self.rows]

    @property
    def next_link(self) -> str | None:
        return self.json["nextPageUrl"]

    @property
    def next_parameters(self) -> dict[str, str]:
        query = parse_qs(urlsplit(self.next_link or "").query)
        return {name: values[-1] for name, values in query.items()}


class LoopShop:
    """Requests as a client would send them; `store` and `switches` as the sandbox's people do."""

    def __init__(self) -> None:
        self.clock = SandboxClock(NOON, frozen=True)
        self.loop = Loop(self.clock, key=KEY)
        self.store, self.switches = self.loop.store, self.loop.switches
        self.switches.requests_per_minute = None
        self._number = 1041

    def order(self, lines: int = 1, quantity: int = 1) -> Any:
        self._number += 1
        return example_order(self._number, NOON - timedelta(days=9), (None,) * lines, quantity)

    def submit(self, minutes_ago: float = 10, lines: int = 1, **attributes: Any) -> SandboxReturn:
        at = self.clock.now() - timedelta(minutes=minutes_ago)
        return self.store.add_return(self.order(lines), None, at, **attributes)

    def get(
        self,
        path: str = "/api/2026-07/warehouse/return/list",
        query: str = "",
        key: str | None = KEY,
        method: str = "GET",
    ) -> LoopAnswer:
        headers = {"host": "127.0.0.1:7000"} | ({} if key is None else {"x-authorization": key})
        response = self.loop.handle(Request(method, path, query, headers))
        return LoopAnswer(response.status, response.headers, response.body)

    def list(self, **parameters: Any) -> LoopAnswer:
        """`from_` stands for `from`."""
        given = {name.rstrip("_"): value for name, value in parameters.items()}
        return self.get(query=urlencode(given))

    def page(self, size: int = 100, **parameters: Any) -> LoopAnswer:
        """A page over the last ten days."""
        window = {"from_": loop_time(NOON - timedelta(days=10)), "to": loop_time(NOON)}
        return self.list(**(window | {"paginate": "true", "pageSize": size} | parameters))

    def page_after(self, answer: LoopAnswer, size: int, **parameters: Any) -> LoopAnswer:
        """As a careful client goes on: the cursor alone is taken over."""
        return self.page(size, cursor=answer.next_parameters["cursor"], **parameters)

    def walk(self, size: int, **parameters: Any) -> list[str]:
        """Ids of all pages, as a careful client reads them."""
        answer = self.page(size, **parameters)
        found = answer.ids
        while answer.next_link is not None:
            answer = self.page_after(answer, size, **parameters)
            found += answer.ids
        return found

    def details(self, **parameters: Any) -> LoopAnswer:
        return self.get("/api/2026-07/warehouse/return/details", urlencode(parameters))
