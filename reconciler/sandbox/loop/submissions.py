"""New returns in the pretend Loop: ids, lines from an order, remedies, exchanges."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from reconciler.sandbox.loop.model import SandboxExchange, SandboxLine, SandboxReturn
from reconciler.sandbox.orders import SandboxOrder, SandboxOrderLine

# `upsell` is an exchange for something more expensive (loop.md#return-outcome, #money-fields).
REMEDIES = {"refund": "refund", "credit": "credit", "exchange": "exchange", "upsell": "exchange"}


class Ids:
    """Loop's own ids, each kind in a separate range so that a mix-up shows."""

    def __init__(self) -> None:
        self._return, self._line, self._exchange = 31_000_000, 120_000_000, 11_000_000

    def next_return(self) -> str:
        self._return += 1
        return str(self._return)

    def next_line(self) -> str:
        self._line += 1
        return str(self._line)

    def next_exchange(self) -> str:
        self._exchange += 1
        return str(self._exchange)

    def skip(self, row: SandboxReturn) -> None:
        """Never assign the ids of a row that came from elsewhere."""
        self._return = max(self._return, int(row.id))
        for line in row.lines:
            self._line = max(self._line, int(line.id))
        for exchange in row.exchanges:
            self._exchange = max(self._exchange, int(exchange.id))


def cents(price: str) -> int:
    """`"25.00"` is 2500."""
    whole, _, fraction = price.partition(".")
    return int(whole) * 100 + int(fraction.ljust(2, "0")[:2] or "0")


def tracking_number(return_id: str, parcel: int) -> str:
    """A number that depends only on return and parcel, so that worlds can be compared."""
    return f"9400{int(return_id):010d}{parcel:02d}"


def line_of(ids: Ids, line: SandboxOrderLine) -> SandboxLine:
    """One returned unit of an order line, for a refund."""
    price = cents(line.price)
    return SandboxLine(
        id=ids.next_line(),
        order_line_id=line.order_line_id,
        product_id=line.product_id,
        variant_id=line.variant_id,
        sku=line.sku,
        title=line.title,
        price=price,
        tax=price * 55 // 1000,
    )


def new_return(
    ids: Ids, order: SandboxOrder, quantities: dict[str, int] | None, at: datetime
) -> SandboxReturn:
    """An open return for a refund, without a label. Parts of bundles come back as the bundle."""
    sold = {line.order_line_id: line for line in order.lines if line.bundle_of is None}
    if quantities is None:
        quantities = {line_id: line.quantity for line_id, line in sold.items()}
    lines = tuple(
        line_of(ids, sold[line_id]) for line_id, units in quantities.items() for _ in range(units)
    )
    number = int("".join(filter(str.isdigit, order.name)) or "0")
    return SandboxReturn(
        id=ids.next_return(),
        state="open",
        created_at=at,
        updated_at=at,
        order_id=str(60_000_000 + number),
        order_name=order.name,
        provider_order_id=order.order_id,
        lines=lines,
        customer=f"canary.shopper.{number}@example.test",
        destination_id=7001,
    )


def with_outcome(ids: Ids, row: SandboxReturn, outcome: str | None) -> SandboxReturn:
    """Each line gets one of the outcome's remedies in turn, and exchanges are added.

    An unknown outcome leaves the lines as they are.
    """
    parts = [REMEDIES[part] for part in (outcome or "").split("+") if part in REMEDIES]
    if not parts:
        return replace(row, outcome=outcome)
    lines = tuple(
        replace(line, remedy=parts[place % len(parts)]) for place, line in enumerate(row.lines)
    )
    surcharge = 1500 if outcome == "upsell" else 0
    exchanges = tuple(
        _exchange(ids, line, surcharge) for line in lines if line.remedy == "exchange"
    )
    return replace(row, outcome=outcome, lines=lines, exchanges=exchanges)


def _exchange(ids: Ids, line: SandboxLine, surcharge: int) -> SandboxExchange:
    return SandboxExchange(
        id=ids.next_exchange(),
        product_id=line.product_id or "0",
        variant_id=line.variant_id,
        sku=line.sku or "",
        title=line.title or "",
        price=line.price + surcharge,
    )
