"""One Jetti account whose clock stands still, with a client of a few lines."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.jetti.service import Jetti
from reconciler.sandbox.messages import Request
from reconciler.sandbox.orders import SandboxOrder, SandboxOrderLine

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """The machine code of a problem."""
        return self.json["title"]

    @property
    def ids(self) -> list[int]:
        assert self.status == 200, self.text
        return [row["id"] for row in self.json]


class Account:
    """Requests as a client would send them; `store` and `switches` as the sandbox's people do."""

    def __init__(self) -> None:
        self.clock = SandboxClock(NOW, frozen=True)
        self.jetti = Jetti(self.clock)
        self.store, self.switches = self.jetti.store, self.jetti.switches
        self.switches.rate_limit = "off"
        self.headers = {"authorization": f"Bearer {self.jetti.token}"}

    def send(self, method: str, path: str, query: str = "", body: Any = None) -> Answer:
        raw = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        response = self.jetti.handle(Request(method, path, query, self.headers, raw))
        return Answer(response.status, response.headers, response.body)

    def get(self, path: str, query: str = "") -> Answer:
        return self.send("GET", f"/api/{path}.json", query)

    def put(self, path: str, **body: Any) -> Answer:
        return self.send("PUT", f"/api/{path}.json", body=body)

    def post(self, path: str, **body: Any) -> Answer:
        return self.send("POST", f"/api/{path}.json", body=body)

    def cancel(self, sale_id: int, **body: Any) -> Answer:
        return self.post(f"sales/{sale_id}/cancel", **body)

    def sale(self, sale_id: int) -> dict[str, Any]:
        return next(row for row in self.store.sales() if row["id"] == sale_id)

    def items(self, answer: Answer) -> list[dict[str, Any]]:
        """The sale return items behind a cancel answer, read from the store."""
        return [item for row in answer.json for item in self.store.items_of(row["id"])]


def line(
    number: int, quantity: int = 1, vendor: str | None = None, **other: Any
) -> SandboxOrderLine:
    return SandboxOrderLine(
        order_line_id=f"90{number}",
        variant_id=f"80{number}",
        product_id=f"70{number}",
        sku=f"SKU-{number}",
        title=f"Thing {number}",
        quantity=quantity,
        price="12.50",
        vendor=vendor,
        **other,
    )


def order(*lines: SandboxOrderLine, number: int = 1042) -> SandboxOrder:
    return SandboxOrder(f"5000{number}", f"#{number}", NOW, lines)


@pytest.fixture
def make_order():
    return order


@pytest.fixture
def make_line():
    return line


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def sale_id(account: Account) -> int:
    """Two in-house units, three and one of Acme's, one of Bolt's: sale items 1, 2, 3 and 4."""
    lines = (line(1, 2), line(2, 3, "Acme"), line(3, 1, "Acme"), line(4, 1, "Bolt"))
    return account.store.import_sale(order(*lines))
