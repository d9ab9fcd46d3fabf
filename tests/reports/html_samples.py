"""Reports with all that a page can show."""

from __future__ import annotations

from datetime import timedelta

from msgspec import structs

from benchmarks.large_report import large_report
from reconciler.core.report import OutcomeKind, Report, ReportedLine, Requests, Sums
from reconciler.core.verification.report import (
    Difference,
    DifferenceKind,
    FieldDifference,
    NotCompared,
    Verification,
    VerifyCounts,
    VerifyFacts,
)
from tests.reports.samples import HOSTILE, HOUR, NOON, busy, hostile


def planned(changes: int = 40) -> Report:
    """A dry run over a shop, with goods, vendors and days."""
    return large_report(changes)


def carried_out() -> Report:
    """A run with everything that can become of a change."""
    report = busy()
    days = range(len(list(report.changes)))
    changes = tuple(
        structs.replace(
            change,
            lines=(
                ReportedLine("Linen shirt", f"SKU-{day}", 1 + day % 2, "Too small"),
                ReportedLine(None, f"SKU-{day}-B", 1, None),
            ),
            vendors=("Northwind Apparel", "41") if day % 2 else ("Fjord & Loom",),
            before_go_live=day == 3,
            changed_at=NOON - day * timedelta(days=1),
        )
        if change.outcome is not OutcomeKind.SKIPPED
        else change
        for day, change in zip(days, report.changes, strict=True)
    )
    following = ("reconciler", "show", "8808")
    return structs.replace(report, changes=changes, sums=Sums(3, 1, 7_200), next=following)


def attacked() -> Report:
    """A report in which whatever comes from elsewhere is hostile."""
    report = hostile()
    markup = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'`</title></style>"
    changes = tuple(
        structs.replace(
            change,
            lines=(
                ReportedLine(markup, HOSTILE, 1, markup),
                ReportedLine(HOSTILE, markup, 2, HOSTILE),
            ),
            vendors=(markup, HOSTILE),
            remarks=(markup, *change.remarks),
            changed_at=NOON,
        )
        for change in report.changes
    )
    run = structs.replace(report.run, message=None, remarks=(markup, HOSTILE))
    following = ("reconciler", "show", markup)
    return structs.replace(report, run=run, changes=changes, next=following)


def differing(repair: Report | None = None) -> Verification:
    """Two differences, one of them settled where there is a repair, and two not compared."""
    lost = Difference(
        kind=DifferenceKind.LOST_WRITE,
        return_id="8801",
        order_name="#1001",
        order_id="5550000000001",
        what="Jetti still holds what was there before",
        fields=(FieldDifference("status[SR-1]", "shipped", "requested"),),
        proposed="push it again",
        command="reconciler verify --repair",
        repaired=repair is not None,
    )
    edited = Difference(
        kind=DifferenceKind.EDITED,
        return_id="8802",
        order_name="#1002",
        what="someone set another value in Jetti",
        fields=(FieldDifference("notes[SR-2]", "Loop return 8802", "<b>call first</b>"),),
        proposed="nothing: it stays as it was set",
    )
    facts = VerifyFacts(
        start=NOON - 240 * HOUR,
        end=NOON,
        repair=repair is not None,
        started_at=NOON,
        finished_at=NOON + timedelta(seconds=40),
        exit_code=3,
        message="Loop, the ledger and Jetti do not agree: 2 differing, 1 dead or in review",
        not_read=("Returns that changed in the last two minutes are left out.",),
        remarks=("Jetti was asked at half the pace.",),
        repaired_by="reconciler verify --repair",
    )
    return Verification(
        verify=facts,
        counts=VerifyCounts(in_loop=20, in_ledger=19, compared=18, differing=2, undecided=1),
        requests=Requests(),
        differences=(lost, edited),
        in_work=(NotCompared("8805", "#1005", None, "pending", NOON - HOUR, None),),
        undecided=(NotCompared("8806", "", "5550000000006", "review", None, "two sales are left"),),
        repair=repair,
        next=("reconciler", "verify", "--repair"),
    )
