"""Reports to render. `python tests/reports/samples.py` writes the golden files again; read
the difference before committing it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import structs

from reconciler.core import health, live_order, return_detail
from reconciler.core.decisions import Decided
from reconciler.core.field_changes import NO_FIELDS, FieldChange, FieldChanges
from reconciler.core.live_order import LiveValue, Owner, SaleReturnNow, ValueOf
from reconciler.core.model import (
    CountedWord,
    Entry,
    Fields,
    Intent,
    IntentOutcome,
    Item,
    Line,
    Operation,
    OwnedField,
    Parcel,
    Purpose,
    Return,
    SaleReturn,
    State,
    Wanted,
    WantedLine,
    WantedParcel,
    Write,
)
from reconciler.core.next_command import next_command
from reconciler.core.records import Attempt, PastWrite, Run, SetAside
from reconciler.core.report import (
    BacklogLeft,
    ChangeKind,
    Counts,
    Failure,
    JettiRequests,
    LoopRequests,
    OutcomeKind,
    Problem,
    ReadWindow,
    Report,
    ReportedChange,
    Requests,
    RunFacts,
    RunKind,
    SaleReturnName,
    Sums,
    Watermarks,
)
from reconciler.core.request import RunRequest
from reconciler.core.returned_goods import ReportedLine, ReportedLines
from reconciler.core.routine_backup import RoutineBackup
from reconciler.core.summary import CREATION_STOPPED
from reconciler.core.verification.report import (
    Difference,
    DifferenceKind,
    FieldDifference,
    NotCompared,
    Verification,
    VerifyCounts,
    VerifyFacts,
    concluded,
)
from reconciler.core.verification.report import repaired as after_repair
from reconciler.reports import (
    as_csv,
    as_json,
    as_markdown,
    doctor_text,
    history_text,
    listing_text,
    period_text,
    return_text,
    run_text,
    status_text,
    verification_text,
)
from tests.reports.period_samples import empty, period, troubled
from tests.reports.screen_samples import diagnosis, listing, past

GOLDEN = Path(__file__).with_name("golden")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

HOSTILE = (
    "\x1b[2J\x1b]8;;http://evil.example\x07click\x1b]8;;\x07\x9b31m\r\n\u202e\u2028\ufeff"
    "=HYPERLINK(1)\ud800e" + "\u0301" * 30 + "😀" + "x" * 5000
)


def change(
    number: int, kind: ChangeKind, outcome: OutcomeKind, reason: str | None = None, **more: object
) -> ReportedChange:
    return ReportedChange(
        return_id=str(8800 + number),
        order_name=f"#10{number:02}",
        order_id=f"55500000000{number:02}",
        change=kind,
        outcome=outcome,
        reason=reason,
        fingerprint="ab" * 32,
        **more,  # type: ignore[arg-type]
    )


CREATED = FieldChanges(
    (
        FieldChange("quantity[11500000000001]", None, 2),
        FieldChange("quantity[11500000000002]", None, 1),
        FieldChange("externalId", None, "8801"),
        FieldChange("status", None, "shipped"),
        FieldChange("trackingCompany", None, "UPS"),
        FieldChange("trackingNumber", None, "1Z999"),
        FieldChange("trackingStatus", None, "transit"),
    )
)
ONE_LINE = FieldChanges(list(CREATED)[:1])
MADE = FieldChanges(
    (
        *(FieldChange(one.field, None, one.after) for one in list(CREATED)[:2]),
        *(
            FieldChange(f"{name}[{reference}]", None, after)
            for reference, number in (("SR-1", "1Z999"), ("SR-2", "9400"))
            for name, after in (
                ("externalId", "8801"),
                ("status", "shipped"),
                ("trackingCompany", "UPS"),
                ("trackingNumber", number),
                ("trackingStatus", "transit"),
            )
        ),
    )
)
"""Of a create that was carried out: two sale returns, two parcels."""
HALF = FieldChanges([FieldChange("quantity[11500000000001]", None, 2)])
"""Of a push that was cut short."""
UPDATED = FieldChanges(
    (
        FieldChange("status[SR-3]", "requested", "shipped"),
        FieldChange("trackingUrl[SR-3]", None, "https://www.ups.com/track?tracknum=1Z999"),
        FieldChange("quantity[11500000000003]", 2, 0),
    )
)


def facts(exit_code: int = 0, **more: object) -> RunFacts:
    given: dict[str, object] = {
        "id": 128,
        "kind": RunKind.SCHEDULED,
        "dry_run": False,
        "started_at": NOON,
        "finished_at": NOON + timedelta(seconds=12),
        "windows": (ReadWindow(NOON - HOUR, NOON - timedelta(minutes=2)),),
        "watermark": Watermarks(NOON - HOUR / 2, NOON - timedelta(minutes=2)),
        "exit_code": exit_code,
        "digest": "0123456789abcdef",
    }
    return RunFacts(**(given | more))  # type: ignore[arg-type]


def followed(report: Report, **request: object) -> Report:
    """The report with the command that a pass would name."""
    asked = RunRequest(dry_run=report.run.dry_run, **request)  # type: ignore[arg-type]
    return structs.replace(report, next=next_command(report, asked))


GOODS = ReportedLines(
    (
        ReportedLine("Linen shirt", "SKU-1", 2, "Too small"),
        ReportedLine("Linen trousers", None, 1, None),
    )
)


def quiet() -> Report:
    return Report(
        run=facts(),
        counts=Counts(seen=57, unchanged=57),
        requests=Requests(LoopRequests(6), JettiRequests(0, 0)),
    )


def busy() -> Report:
    names = (SaleReturnName(1, "SR-1"), SaleReturnName(2, "SR-2"))
    made = Report(
        run=facts(3, remarks=("the budget of 3 writes is spent",)),
        counts=Counts(
            seen=9, new=5, changed=2, unchanged=1, created=1, updated=1, cancelled=1, adopted=2,
            sale_returns_made=3, sale_returns_cancelled=2,
            skipped=2, waiting=1, failed=1, review=1, malformed=1, pending=2,
        ),
        backlog=BacklogLeft(NOON, 2, 9, is_measured=False),
        requests=Requests(LoopRequests(7), JettiRequests(8, 5)),
        changes=(
            change(
                1, ChangeKind.CREATE, OutcomeKind.PUSHED, sale_returns=names, fields=MADE,
                sale_returns_made=2, lines=GOODS, vendors=("41", "42"),
            ),
            change(
                3, ChangeKind.UPDATE, OutcomeKind.PUSHED, fields=UPDATED, remarks=("it is held",),
                sale_returns_made=1,
            ),
            change(4, ChangeKind.CANCEL, OutcomeKind.PUSHED, sale_returns_cancelled=2),
            change(5, ChangeKind.ADOPT, OutcomeKind.PUSHED, sale_returns=names[:1]),
            change(6, ChangeKind.CREATE, OutcomeKind.WAITING, "the order is not in Jetti yet"),
            change(7, ChangeKind.UPDATE, OutcomeKind.FAILED, "Jetti answered 500"),
            change(8, ChangeKind.CREATE, OutcomeKind.REVIEW, "two sales are left"),
            change(9, ChangeKind.CREATE, OutcomeKind.DEFERRED, "the budget is spent"),
            change(12, ChangeKind.CREATE, OutcomeKind.FAILED, "Jetti answered 422", fields=HALF),
            change(
                13, ChangeKind.ADOPT, OutcomeKind.PUSHED, sale_returns=names[:1], fields=UPDATED,
                planned=ChangeKind.CREATE,
                remarks=("taken over, not created, because already in Jetti: SR-1",),
            ),
            change(10, ChangeKind.ADOPT, OutcomeKind.SKIPPED, "before go-live"),
            change(11, ChangeKind.ADOPT, OutcomeKind.SKIPPED, "before go-live"),
        ),
        problems=(
            Problem("8808", "#1008", "review", NOON - 50 * HOUR, "two sales are left"),
            Problem("8807", "#1007", "failed", None),
            Problem("8812", "", "waiting", NOON - HOUR, None, "5550000000012"),
        ),
        malformed=(WHOLE, PART, SetAside("ab" * 32, None, None, NO_ID, False, NOON, NOON)),
        unknown_words=(
            CountedWord("label status", "lost", 2),
            CountedWord("outcome", "repair", 1),
            CountedWord("state", "processing", 1),
            CountedWord("type", "trade-in", 31),
        ),
        sums=Sums(2, 0, 14),
    )  # fmt: skip
    return followed(made)


NO_ID = "id: missing"
WHOLE = SetAside(
    "8810", "8810", "#1010", "state: expected text, found number", False, NOON - HOUR, NOON
)
PART = SetAside(
    "8801", "8801", "#1001",
    "line_items[2].provider_line_item_id: expected number or text, found null",
    True, NOON - HOUR, NOON,
)  # fmt: skip


def dry() -> Report:
    made = Report(
        run=facts(
            10, id=None, dry_run=True, watermark=Watermarks(), would_go_live=NOON - 24 * HOUR,
            remarks=("there is no ledger yet, so every return counts as new",),
        ),
        counts=Counts(seen=3, new=3, pending=3),
        requests=Requests(LoopRequests(6), JettiRequests(0, 0)),
        changes=(
            change(
                1, ChangeKind.CREATE, OutcomeKind.PLANNED, fields=CREATED, lines=GOODS,
                sale_returns_made=1,
            ),
            change(2, ChangeKind.CREATE, OutcomeKind.PLANNED, fields=ONE_LINE, sale_returns_made=1),
            change(5, ChangeKind.ADOPT, OutcomeKind.PLANNED, before_go_live=True),
        ),
        sums=Sums(0, 1, 7),
    )  # fmt: skip
    return followed(made)


def stopped() -> Report:
    hint = "look at it, then: reconciler run --accept-plan 0123456789abcdef"
    message = "the plan creates 400 sale returns; 25 are allowed without a look"
    made = Report(
        run=facts(
            7,
            message=message,
            failures=(Failure(message, hint, "reconciler run --accept-plan 0123456789abcdef"),),
        ),
        counts=Counts(seen=400, new=400, pending=400),
        requests=Requests(LoopRequests(6), JettiRequests(2, 0)),
        changes=(
            change(1, ChangeKind.CREATE, OutcomeKind.PUSHED),
            *(
                change(number, kind, OutcomeKind.DEFERRED, "stopped", stopped=True, fields=fields)
                for number, kind, fields in (
                    (2, ChangeKind.CREATE, CREATED),
                    (3, ChangeKind.UPDATE, UPDATED),
                )
            ),
        ),
    )
    return followed(made)


def uncreated() -> Report:
    """Of a ledger in which creation is stopped."""
    why = "return 8802: Jetti returned items that were not asked for: sale return SR-9 (9)"
    message = f"{CREATION_STOPPED}: {why}"
    reason = f"creation is stopped: {why}"
    made = Report(
        run=facts(7, message=message, remarks=(message, "Jetti ignores the filter saleId")),
        counts=Counts(seen=3, new=1, changed=1, unchanged=1, updated=1, review=1, pending=1),
        requests=Requests(LoopRequests(6), JettiRequests(3, 1)),
        changes=(
            change(1, ChangeKind.CREATE, OutcomeKind.DEFERRED, reason),
            change(3, ChangeKind.UPDATE, OutcomeKind.PUSHED, fields=UPDATED),
        ),
        problems=(Problem("8802", "#1002", "review", NOON - HOUR, why),),
    )
    return followed(made)


def uncreatable() -> Report:
    """The dry run of it."""
    made = uncreated()
    changes = (
        made.changes[0],
        change(3, ChangeKind.UPDATE, OutcomeKind.PLANNED, fields=UPDATED),
    )
    run = structs.replace(made.run, id=None, dry_run=True)
    return followed(structs.replace(made, run=run, changes=changes))


def unread() -> Report:
    return Report(
        run=facts(
            4,
            kind=RunKind.RANGE,
            windows=(
                ReadWindow(NOON - 900 * HOUR, NOON - 400 * HOUR),
                ReadWindow(NOON - 400 * HOUR, NOON, drained=False),
            ),
            watermark=Watermarks(NOON, NOON),
            message="Loop answered 502 four times",
            failures=(Failure("Loop answered 502 four times"),),
        ),
        counts=Counts(seen=12, unchanged=12),
        requests=Requests(LoopRequests(31), JettiRequests(0, 0)),
    )


def hostile() -> Report:
    nasty = ReportedChange(
        return_id=HOSTILE,
        order_name=HOSTILE,
        order_id=HOSTILE,
        change=ChangeKind.UPDATE,
        outcome=OutcomeKind.FAILED,
        reason=HOSTILE,
        sale_returns=(SaleReturnName(1, HOSTILE),),
        fields=FieldChanges([FieldChange(HOSTILE, HOSTILE, HOSTILE)]),
        remarks=(HOSTILE,),
        lines=(ReportedLine(HOSTILE, HOSTILE, 1, HOSTILE),),
        vendors=(HOSTILE,),
    )
    made = Report(
        run=facts(3, failures=(Failure(HOSTILE, HOSTILE),), remarks=(HOSTILE,)),
        counts=Counts(seen=1, changed=1, failed=1),
        requests=Requests(),
        changes=(nasty, ReportedChange(
            return_id="1", order_name=HOSTILE, order_id=None, change=ChangeKind.ADOPT,
            outcome=OutcomeKind.SKIPPED, reason=HOSTILE,
        )),
        problems=(Problem(HOSTILE, HOSTILE, HOSTILE, NOON, HOSTILE),),
        malformed=(SetAside(HOSTILE, HOSTILE, HOSTILE, HOSTILE, True, NOON, NOON),),
    )  # fmt: skip
    return followed(made)


TRICKY = (
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\xa0-1", "＝1+1", "＠x", "－1",
    "a;=1", "a,+1", 'x"\n=1', "'=1", "0012", "1E5", "2026-03-04", "٣", "|a|b|", "a\\|b", "a\\",
    "`code` ``", "*b* _i_ ~~s~~", "#123 GH-123 org/repo#1 !5", "@someone", "a@b.example",
    "<b>b</b><script>alert(1)</script>", "a<br>b", "[l](https://evil.example) ![i](x)", "[r]: x",
    "https://evil.example/?a=1&b=2 www.evil.example", ":smile: :+1: :100:", "&lt;&#64;",
    "$x$ ==m== ^s^", "# head", "> quote", "- item", "1. item", "---", "返品 タオル",
    "\u202eabc\u2069", "\ud800", "e" + "\u0301" * 9, "one\ntwo\r\nthree", "x" * 400,
    " ", "-", "null",
)  # fmt: skip
"""What spreadsheets, Markdown, terminals and people are misled by."""


def tricky() -> Report:
    """Each of them as an order's name, a reason, a product, a value and a remark."""
    made = Report(
        run=facts(3, message=TRICKY[24], remarks=TRICKY, failures=(Failure("x", None, "x '`|'"),)),
        counts=Counts(seen=len(TRICKY)),
        requests=Requests(),
        changes=tuple(
            ReportedChange(
                return_id=str(8801 + place),
                order_name=text,
                order_id=f"{5550000000001 + place}",
                change=ChangeKind.CREATE,
                outcome=OutcomeKind.WAITING,
                reason=text,
                sale_returns=(SaleReturnName(1, text), SaleReturnName(2, text)),
                fields=FieldChanges(
                    [FieldChange("notes", text, place), FieldChange(text, 1, None)]
                ),
                remarks=(text, text),
                lines=ReportedLines([ReportedLine(text, text, 2, text)] * 2),
                vendors=("41", text),
            )
            for place, text in enumerate(TRICKY)
        ),
        problems=(Problem(TRICKY[0], "#1", "review", NOON, TRICKY[1]),),
        malformed=(SetAside(TRICKY[2], None, TRICKY[3], TRICKY[4], True, NOON, NOON),),
        unknown_words=tuple(CountedWord("outcome", text, 1) for text in TRICKY),
    )
    return structs.replace(made, next=("reconciler", "show", "--", *TRICKY[20:25]))


PRODUCTS = (
    ("Linen shirt", "Too small"), ("Wool scarf, hand-woven", "Not as pictured"),
    ("返品できるやわらかいバスタオル", "サイズが小さい"), ("한복 저고리", "색상이 다름"),
    ("Crème brûlée dish", None), ("e\u0301tui", "Changed my mind"),
)  # fmt: skip


def large() -> Report:
    """A first plan of 720 returns, some of them with remarks or from before go-live."""
    changes = []
    for place in range(720):
        product, reason = PRODUCTS[place % len(PRODUCTS)]
        kind = (*[ChangeKind.CREATE] * 10, ChangeKind.UPDATE, ChangeKind.ADOPT)[place % 12]
        outcome, why = OutcomeKind.PLANNED, None
        if place % 30 == 7:
            outcome, why = OutcomeKind.WAITING, "the order is not in Jetti yet"
        if place in (100, 203):
            outcome, why = OutcomeKind.REVIEW, f"two sales are left for return {31_000_000 + place}"
        is_looked_for = kind is ChangeKind.ADOPT
        changes.append(
            ReportedChange(
                return_id=str(31_000_719 - place),
                order_name=f"#{1700 - place}",
                order_id=str(4_800_000_000_000 + place),
                change=kind,
                outcome=outcome,
                reason=why,
                fields=(
                    NO_FIELDS
                    if is_looked_for or outcome is not OutcomeKind.PLANNED
                    else CREATED
                    if kind is ChangeKind.CREATE
                    else UPDATED
                ),
                lines=()
                if is_looked_for
                else (ReportedLine(product, None, 1 + place % 3, reason),),
                vendors=(str(place % 41),),
                remarks=("its parcel moves again",) if place == 350 else (),
                before_go_live=place > 684,
            )
        )
    made = Report(
        run=facts(3, id=None, dry_run=True, remarks=(
            "whether Jetti already has any of these was not checked; --against-jetti does that",
        )),
        counts=Counts(seen=802, new=720, changed=4, unchanged=78, pending=718, review=2),
        requests=Requests(LoopRequests(6), JettiRequests(0, 0)),
        changes=tuple(changes),
        problems=tuple(
            Problem(str(31_000_719 - place), f"#{1700 - place}", "review", NOON - 50 * HOUR,
                    f"two sales are left for return {31_000_000 + place}")
            for place in (100, 203)
        ),
        sums=Sums(41, 35, 1634),
    )  # fmt: skip
    return followed(made)


def differing(text: str | None = None) -> Verification:
    """Of each kind of difference one, and returns that were not compared."""
    differences = tuple(
        Difference(
            kind=kind,
            return_id=text or str(8801 + place),
            order_name=text or f"#10{place:02}",
            order_id=text,
            what=text or "Loop shows it, and the ledger does not know it",
            sale_returns=(SaleReturnName(1, text or "SR-1"),),
            fields=(FieldDifference(text or "status[SR-1]", text or "shipped", text),),
            proposed=text or "record it and push it",
            command=f"reconciler run --return {8801 + place}",
        )
        for place, kind in enumerate(DifferenceKind)
    )
    waits = NotCompared("8820", text or "#1020", text, "review", NOON - HOUR, text or "two sales")
    found = Verification(
        verify=VerifyFacts(
            start=NOON - 48 * HOUR,
            end=NOON,
            repair=False,
            started_at=NOON,
            finished_at=NOON + HOUR,
            exit_code=0,
            failures=(Failure(text or "Jetti answered 500", text),),
            not_read=(text or "sale returns of before January",),
            remarks=(text or "Jetti ignores the filter saleId",),
            repaired_by="reconciler verify --from 2026-02-27T12:00:00Z --repair",
        ),
        counts=VerifyCounts(in_loop=9, in_ledger=8, compared=7, differing=9, undecided=1),
        requests=Requests(LoopRequests(5), JettiRequests(3)),
        differences=differences,
        in_work=(NotCompared("8821", "", "5550000000021", "pending", None, None),),
        undecided=(waits,),
    )
    return concluded(found, [5])


def repaired() -> Verification:
    recorded = {one.return_id for one in differing().differences}
    return after_repair(differing(), {"8804"}, recorded, busy())


def healthy() -> health.Health:
    told = health.Facts(
        now=NOON,
        go_live=NOON - 500 * HOUR,
        watermark=NOON - timedelta(minutes=7),
        states={"synced": 120, "skipped": 9, "waiting": 2},
        last_complete_pass=NOON - timedelta(minutes=5),
        last_complete_sweep=NOON - 9 * HOUR,
        backup=RoutineBackup(
            made_at=NOON - 10 * HOUR, path="/srv/ledger.db.20260301T020000Z.backup", keep=14
        ),
        backlog=BacklogLeft(NOON, 98500, 295_000, is_measured=True),
        runs=(
            Run(129, "scheduled", NOON - timedelta(minutes=1)),
            Run(
                128, "scheduled", NOON - timedelta(minutes=6), NOON - timedelta(minutes=5), 0,
                {
                    "seen": 3, "new": 1, "created": 1, "waiting": 2, "left": 98500,
                    "seconds_left": 295_000, "is_measured": 1, "work_left": 260_000,
                    "work_done": 250,
                },
            ),
        ),
    )  # fmt: skip
    return health.assess(told, timedelta(hours=24), timedelta(minutes=45))


def unhealthy(text: str = "two sales are left") -> health.Health:
    told = health.Facts(
        now=NOON,
        go_live=NOON - 500 * HOUR,
        watermark=NOON - 30 * HOUR,
        creation_stopped=text,
        states={"synced": 120, "review": 1, "dead": 2, "failed": 1, "pending": 7},
        overdue=3,
        malformed=12,
        unknown_words=(CountedWord("label status", text, 4),),
        last_complete_pass=NOON - 30 * HOUR,
        last_complete_sweep=NOON - 50 * HOUR,
        backup=RoutineBackup(
            made_at=NOON - 34 * HOUR,
            path=f"/srv/{text}",
            failed_at=NOON - 10 * HOUR,
            problem=text,
            keep=14,
            into=f"/srv/{text}",
        ),
        oldest_problem=Problem("8808", "#1008", "review", NOON - 50 * HOUR, text),
        stopped=health.Stopped("0123456789abcdef", NOON - 3 * HOUR, {"create": 30, "cancel": 1}),
        runs=(Run(130, "sweep", NOON - HOUR, NOON, 7, {}, text, f"reconciler {text}"),),
        set_aside=(
            SetAside("8810", "8810", text, f"lines[0]: {text}", True, NOON - HOUR, NOON),
            SetAside("ab" * 32, None, None, NO_ID, False, NOON - HOUR, NOON),
        ),
    )
    return health.assess(told, timedelta(hours=24), timedelta(minutes=45))


ITEM: Fields = {OwnedField.QUANTITY: 1, OwnedField.EXTERNAL_ID: "1"}


def entry(text: str | None = None, state: State = State.UNKNOWN) -> Entry:
    return Entry(
        seen=Return(
            id="8801",
            state="open",
            created_at=NOON - 9 * HOUR,
            updated_at=NOON - HOUR,
            order_id="5550000000001",
            order_name=text or "#1001",
            lines=(
                Line("1", "101", text or "SKU-1", text or "Linen shirt", text or "Too small"),
                Line("2", "102"),
            ),
            parcels=(Parcel(text or "UPS", text or "1Z999", text or "in_transit", ("1",)),),
            outcomes=("exchange", "refund"),
        ),
        wanted=Wanted(
            purpose=Purpose.EXIST,
            status="requested",
            lines=(WantedLine("101", 1, "1", text or "size"), WantedLine("102", 1, "2")),
            parcels=(
                WantedParcel(text or "UPS", text or "1Z999", None, "transit", "shipped", ("101",)),
            ),
        ),
        fingerprint=b"\x01" * 32,
        state=state,
        reason=text or "no answer to the create",
        changed_at=NOON - HOUR,
        due_since=NOON - HOUR,
        attempts=2,
        next_try_at=NOON + HOUR,
        pushed_fingerprint=b"\x01" * 32,
        sale_returns=(
            SaleReturn(
                id=1,
                reference=text or "1001-01",
                sale_id=10,
                purchase_id=None,
                fields={
                    OwnedField.EXTERNAL_ID: "8801",
                    OwnedField.SALE_RETURN_SOURCE: "external",
                    OwnedField.SALE_RETURN_TYPE: "customer",
                    OwnedField.STATUS: "received",
                    OwnedField.TRACKING_COMPANY: text or "UPS",
                    OwnedField.TRACKING_NUMBER: text or "1Z999",
                    OwnedField.TRACKING_URL: None,
                    OwnedField.TRACKING_STATUS: "transit",
                    OwnedField.NOTES: "Loop return 8801",
                },
                items=(Item(3, 4, "101", ITEM, text or "size"),),
            ),
        ),
        intents=(
            Intent(
                id=5,
                return_id="8801",
                fingerprint=b"\x01" * 32,
                write=Write(Operation.CREATE, 10, (4, 5)),
                before=(),
                sent_at=NOON - HOUR,
                settle_at=NOON + HOUR,
            ),
        ),
    )


MADE_THEN = PastWrite(
    NOON - 3 * HOUR,
    Operation.UPDATE_SALE_RETURN,
    1,
    (),
    {OwnedField.STATUS: "received"},
    NOON - 2 * HOUR,
    IntentOutcome.APPLIED,
)


def told(text: str | None = None) -> return_detail.ReturnDetails:
    sent = PastWrite(
        NOON - HOUR, Operation.CREATE, 10, (4, 5), {"notes": text or "x"}, NOON + HOUR, text
    )
    attempt = Attempt(NOON - HOUR, Operation.CREATE, 10, text or "lost", 504, text or "timeout")
    return return_detail.ReturnDetails(
        (
            return_detail.describe(
                entry(text), (MADE_THEN, sent), (attempt,), remarks=(text or "it is held",)
            ),
        )
    )


def aside() -> return_detail.ReturnDetails:
    """A return whose newer version makes no sense, one in part, and one of which nothing does."""
    lacks = (FieldChange("quantity[11500000000003]", None, 1),)
    known = entry(state=State.SYNCED)
    newer = SetAside("8801", "8801", "#1001", WHOLE.problem, False, NOON - HOUR, NOON)
    return return_detail.ReturnDetails(
        (
            return_detail.describe(known, (), (), not_understood=newer),
            return_detail.describe(
                entry(state=State.PENDING),
                (),
                (),
                lacks=lacks,
                not_understood=PART,
                known=return_detail.Known(is_history_whole=False),
            ),
        ),
        (WHOLE,),
    )


def live(text: str | None = None) -> live_order.LiveOrder:
    """An edited sale return, one raised by hand, another return's, and one that was deleted."""
    ours = (
        LiveValue(field="externalId", whose=ValueOf.OURS, differs=False, live="8801",
                  last_pushed="8801", wanted="8801"),
        LiveValue(field="status", whose=ValueOf.SOMEONE, differs=True, live=text or "received",
                  last_pushed="requested", wanted="shipped"),
        LiveValue(field="trackingNumber", whose=ValueOf.OURS_UNANSWERED, differs=False,
                  live=text or "1Z999", last_pushed=None, wanted=text or "1Z999"),
        LiveValue(field="notes", whose=ValueOf.SOMEONE, differs=True,
                  live="a text of 34 characters", last_pushed="Loop return 8801",
                  wanted="Loop return 8801", is_withheld=True),
        LiveValue(field="trackingUrl", whose=ValueOf.NOT_SHOWN, differs=False, wanted=None),
    )  # fmt: skip
    quantity = LiveValue(field="quantity", whose=ValueOf.UNKNOWN, differs=False, live=1, wanted=1)
    holds = f"it holds 2 of order line {text or '101'}, of which this return wants 1"
    return live_order.LiveOrder(
        sales=(
            live_order.SaleNow(10, text or "1001", "5550000000001", False, True),
            live_order.SaleNow(11, text or "1001", None, True, False),
        ),
        lines=(live_order.LineNow(10, 4, text or "101", 3, 1, 0, 2, 1),),
        sale_returns=(
            SaleReturnNow(
                id=1, reference=text or "1001-01", sale_id=10, owner=Owner.OURS,
                why=text or "by its marker, and by the ledger", return_id="8801",
                status=text or "received", created_at=NOON - HOUR, values=ours,
                items=(live_order.LiveUnits(3, 4, text or "101", 1, (quantity,)),),
            ),
            SaleReturnNow(
                id=2, reference=text or "1001-02", sale_id=10, owner=Owner.UNMARKED,
                why="it carries no return's id", status="requested", created_at=NOON - HOUR,
                items=(live_order.LiveUnits(5, 4, text or "101", 2),), differences=(holds,),
            ),
            SaleReturnNow(
                id=3, reference=text or "1001-03", sale_id=10, owner=Owner.ANOTHER,
                why="by its marker", return_id=text or "8802", status="requested",
                items=(live_order.LiveUnits(6, 9, "", 1),),
            ),
            SaleReturnNow(
                id=4, reference=text or "1001-04", sale_id=10, owner=Owner.OURS,
                why="by the ledger; Jetti does not have it any more", return_id="8801",
                is_deleted=True, differences=("it was deleted in Jetti",),
            ),
        ),
        foreseen=live_order.Foreseen(
            "planned", text or "would make one sale return",
            (FieldChange(text or "quantity[102]", None, 1),), "create",
        ),
        remarks=(text or "Jetti's reference of this order is 1001",),
    )  # fmt: skip


def looked(text: str | None = None) -> return_detail.ReturnDetails:
    """Two returns of an order beside what Jetti holds, of which one could not be looked up, while
    a run was going on."""
    by = text or "anna"
    decided = Decided(NOON - HOUR, "create", by, text or "the other is of another return", (2,))
    known = return_detail.Known(
        watermark=NOON - HOUR / 2,
        decisions=(decided,),
        unknown_words=(text or "label status 'lost' is unknown: no status is sent for it",),
        live=live(text),
    )
    lost = return_detail.Known(live=live_order.failed(text or "Jetti answered 400"))
    review = entry(text, State.REVIEW)
    return return_detail.ReturnDetails(
        returns=(
            return_detail.describe(review, (MADE_THEN,), (), known=known),
            return_detail.describe(entry(text, State.DEAD), (), (), known=lost),
        ),
        not_understood=(WHOLE,),
        rows=(return_detail.describe_row(WHOLE),),
        asked_for=text or "#1001",
        is_beside_a_run=True,
        jetti_asked_at=NOON,
        failures=(Failure(text or "Jetti answered 400", text or "look at its status page"),),
        exit_code=5,
    )


SAMPLES: dict[str, Callable[[], str]] = {
    "run_quiet.txt": lambda: run_text.render(quiet()),
    "run_busy.txt": lambda: run_text.render(busy()),
    "run_dry.txt": lambda: run_text.render(dry()),
    "run_stopped.txt": lambda: run_text.render(stopped()),
    "run_uncreated.txt": lambda: run_text.render(uncreated()),
    "run_uncreatable.txt": lambda: run_text.render(uncreatable()),
    "run_unread.txt": lambda: run_text.render(unread()),
    "run_hostile.txt": lambda: run_text.render(hostile()),
    "run_hostile_40.txt": lambda: run_text.render(hostile(), 40),
    "run_large_40.txt": lambda: run_text.render(large(), 40),
    "run_large.txt": lambda: run_text.render(large()),
    "run_large_120.txt": lambda: run_text.render(large(), 120),
    "run_tricky.txt": lambda: run_text.render(tricky()),
    "run_busy.json": lambda: as_json.encode(busy()),
    "run_dry.json": lambda: as_json.encode(dry()),
    "run_busy.csv": lambda: as_csv.render(busy()),
    "run_busy.md": lambda: as_markdown.render(busy()),
    "run_tricky.json": lambda: as_json.encode(tricky()),
    "run_tricky.csv": lambda: as_csv.render(tricky()),
    "run_tricky.md": lambda: as_markdown.render(tricky()),
    "verify.txt": lambda: verification_text.render(differing()),
    "verify_repaired.txt": lambda: verification_text.render(repaired()),
    "verify_repaired.json": lambda: as_json.encode(repaired()),
    "verify_repaired.csv": lambda: as_csv.render(repaired()),
    "verify_repaired.md": lambda: as_markdown.render(repaired()),
    "period.txt": lambda: period_text.render(period()),
    "period.json": lambda: as_json.encode(period()),
    "period.csv": lambda: as_csv.render(period()),
    "period.md": lambda: as_markdown.render(period()),
    "period_by_day.txt": lambda: period_text.render(period("day")),
    "period_empty.txt": lambda: period_text.render(empty()),
    "period_hostile.txt": lambda: period_text.render(troubled(HOSTILE)),
    "status_healthy.txt": lambda: status_text.render(healthy()),
    "status_unhealthy.txt": lambda: status_text.render(unhealthy()),
    "status_unhealthy.json": lambda: as_json.encode_status(unhealthy()),
    "status_hostile.txt": lambda: status_text.render(unhealthy(HOSTILE)),
    "show.txt": lambda: return_text.render(told()),
    "show_not_understood.txt": lambda: return_text.render(aside()),
    "show.json": lambda: as_json.encode(told()),
    "show_hostile.txt": lambda: return_text.render(told(HOSTILE)),
    "show_against_jetti.txt": lambda: return_text.render(looked()),
    "show_against_jetti.json": lambda: as_json.encode(looked()),
    "history.txt": lambda: history_text.render(past()),
    "history_40.txt": lambda: history_text.render(past(), 40),
    "list.txt": lambda: listing_text.render(listing()),
    "doctor.txt": lambda: doctor_text.render(diagnosis()),
    "show_against_jetti_hostile.txt": lambda: return_text.render(looked(HOSTILE)),
}
