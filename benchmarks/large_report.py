"""A report of any size, as a dry run over a real shop makes it; the same each time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from reconciler.core.field_changes import FieldChange, FieldChanges
from reconciler.core.report import (
    ChangeKind,
    Changes,
    Counts,
    JettiRequests,
    LoopRequests,
    OutcomeKind,
    ReadWindow,
    Report,
    ReportedChange,
    Requests,
    RunFacts,
    RunKind,
    Sums,
    Watermarks,
)
from reconciler.core.returned_goods import ReportedLine, ReportedLines

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
_CREATES_IN_TEN = 8
_VENDORS = ("Northwind Apparel", "Fjord & Loom", "Atelier Brun", "Kestrel Knits", "Sole Society")
_PRODUCTS = ("Linen shirt", "Merino crew neck", "Canvas sneaker", "Rain shell", "Wide leg trousers")
_REASONS = ("Too small", "Too large", "Changed my mind", "Arrived damaged", "Not as pictured")
_CARRIERS = (
    ("USPS", "https://tools.usps.com/go/TrackConfirmAction?tLabels="),
    ("UPS", "https://www.ups.com/track?tracknum="),
    ("DHLExpress", ""),
)
_STATUSES = (("requested", "pre_transit"), ("shipped", "transit"), ("shipped", "delivered"))


def large_report(changes: int) -> Report:
    """With this number of changes: creates, and updates in which a parcel has moved."""
    begins = NOON - timedelta(days=60)
    step = timedelta(days=60) / changes
    planned = tuple(_change(number, begins + number * step) for number in range(changes))
    digest = "95ac61bda6a715a0"
    return Report(
        run=RunFacts(
            id=None,
            kind=RunKind.RANGE,
            dry_run=True,
            started_at=NOON,
            finished_at=NOON + timedelta(seconds=12),
            windows=(ReadWindow(begins, NOON - timedelta(minutes=2)),),
            watermark=Watermarks(NOON - timedelta(hours=1), NOON - timedelta(hours=1)),
            exit_code=0,
            digest=digest,
        ),
        counts=Counts(seen=changes, new=changes, pending=changes),
        requests=Requests(LoopRequests(31), JettiRequests(changes // 7, 0)),
        changes=Changes(planned, ()),
        sums=Sums(len(_VENDORS), changes // 10, changes * 3),
        next=("reconciler", "run", "--from", "60d", "--accept-plan", digest),
    )


def _change(number: int, changed_at: datetime) -> ReportedChange:
    return_id = str(31_000_000 + number)
    is_create = number % 10 < _CREATES_IN_TEN
    fields = _created(return_id, number) if is_create else _updated(return_id, number)
    return ReportedChange(
        return_id=return_id,
        order_name=f"#{9_980 + number}",
        order_id=str(5_800_000_000_000 + number),
        change=ChangeKind.CREATE if is_create else ChangeKind.UPDATE,
        outcome=OutcomeKind.PLANNED,
        fields=FieldChanges(fields),
        fingerprint=f"{number:064x}",
        lines=ReportedLines(
            ReportedLine(
                product=_PRODUCTS[place % len(_PRODUCTS)],
                sku=f"SKU-{place % 997:03}-{'SML'[place % 3]}",
                quantity=1 + place % 5 // 4,
                reason=_REASONS[place * place % len(_REASONS)],
            )
            for place in range(number, number + 1 + number % 4 // 3)
        ),
        vendors=(_VENDORS[number * number % len(_VENDORS)],),
        before_go_live=number % 10 == 0,
        changed_at=changed_at,
    )


def _created(return_id: str, number: int) -> list[FieldChange]:
    carrier, link = _CARRIERS[number % len(_CARRIERS)]
    status, parcel = _STATUSES[number % len(_STATUSES)]
    tracking = f"9400{int(return_id) * 10_000:012}"
    after = {
        f"quantity[{14_800_000_000_000 + 17 * number}]": 1,
        "externalId": return_id,
        "saleReturnSource": "external",
        "saleReturnType": "customer",
        "trackingCompany": carrier,
        "trackingNumber": tracking,
        "trackingUrl": f"{link}{tracking}" if link else None,
        "notes": f"Loop return {return_id}",
        "trackingStatus": parcel,
        "status": status,
    }
    return [FieldChange(name, None, value) for name, value in after.items() if value is not None]


def _updated(return_id: str, number: int) -> list[FieldChange]:
    reference = f"{9_980 + number}-01"
    return [
        FieldChange(f"trackingStatus[{reference}]", "pre_transit", "transit"),
        FieldChange(f"status[{reference}]", "requested", "shipped"),
    ]
