"""What options mean: times, spans, and the request they make."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
from msgspec.structs import replace

from reconciler.cli import perform
from reconciler.cli.params import Moment, Span
from reconciler.cli.run_options import request
from reconciler.cli.serve import pass_request
from reconciler.cli.session import Caller
from reconciler.core.records import By, PlanMember
from reconciler.core.report import RunKind
from reconciler.core.request import RunRequest
from reconciler.errors import ConfigError
from reconciler.runtime import Runtime

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class NoonClock:
    def now(self) -> datetime:
        return NOON


@pytest.fixture
def context() -> click.Context:
    runtime = Runtime(NoonClock(), {})  # type: ignore[arg-type]
    return click.Context(click.Command("x"), obj=Caller(runtime, perform))


@pytest.mark.covers("F10")
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-02-28", datetime(2026, 2, 28, tzinfo=UTC)),
        ("2024-02-29", datetime(2024, 2, 29, tzinfo=UTC)),
        ("2026-02-28T08:30", datetime(2026, 2, 28, 8, 30, tzinfo=UTC)),
        ("2026-02-28 08:30:15", datetime(2026, 2, 28, 8, 30, 15, tzinfo=UTC)),
        ("2026-02-28T08:30:15Z", datetime(2026, 2, 28, 8, 30, 15, tzinfo=UTC)),
        ("2026-02-28T08:30:15+02:00", datetime(2026, 2, 28, 6, 30, 15, tzinfo=UTC)),
        ("2026-02-28T08:30-0500", datetime(2026, 2, 28, 13, 30, tzinfo=UTC)),
        ("36h", NOON - timedelta(hours=36)),
        ("7d", NOON - timedelta(days=7)),
        ("0s", NOON),
    ],
)
def test_a_moment_is_in_utc(context: click.Context, written: str, meant: datetime) -> None:
    assert Moment(past=True).convert(written, None, context) == meant


def test_a_bare_date_at_the_end_means_all_of_that_day(context: click.Context) -> None:
    end = Moment(end_of_day=True).convert("2026-02-28", None, context)

    assert end == datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC)


def test_only_an_end_may_lie_ahead(context: click.Context) -> None:
    assert Moment().convert("2026-03-01T12:00:01", None, context) > NOON
    with pytest.raises(click.BadParameter, match="future"):
        Moment(past=True).convert("2026-03-01T12:00:01", None, context)


def test_a_span_of_nothing_is_refused_where_it_makes_no_sense() -> None:
    assert Span().convert("0", None, None) == timedelta(0)
    with pytest.raises(click.BadParameter):
        Span(above_zero=True).convert("0", None, None)


def test_no_options_are_the_scheduled_pass() -> None:
    assert request() == RunRequest(
        kind=RunKind.SCHEDULED, max_seconds=600.0, backlog_seconds=270.0, wait=0.0
    )


def test_a_range() -> None:
    end = NOON + timedelta(hours=1)

    assert request(start=NOON, end=end, by="created") == RunRequest(
        kind=RunKind.RANGE, start=NOON, end=end, by=By.CREATED
    )


def test_a_sweep_waits_for_a_pass() -> None:
    span = timedelta(days=120)

    asked = request(sweep=span)

    assert asked == RunRequest(
        kind=RunKind.SWEEP, sweep=span, max_seconds=600.0, backlog_seconds=270.0, wait=900.0
    )


def test_singles_are_named_once_each_in_order() -> None:
    asked = request(return_ids=("3", "1"), more=("3", "2"))

    assert (asked.kind, asked.return_ids, asked.wait) == (RunKind.SINGLE, ("3", "1", "2"), 120.0)
    assert request(order_names=("#1042",), more=(" 1043 ",)).order_names == ("#1042", "1043")


def test_singles_may_be_returns_and_orders_together() -> None:
    asked = request(return_ids=("1",), order_names=("#2",))

    assert (asked.return_ids, asked.order_names) == (("1",), ("#2",))
    with pytest.raises(click.UsageError):
        request(return_ids=("1",), order_names=("#2",), more=("3",))


def test_what_was_said_is_not_changed_by_a_default() -> None:
    asked = request(
        wait=timedelta(seconds=5), max_seconds=timedelta(minutes=1), max_writes=0, dry_run=True
    )

    assert (asked.wait, asked.max_seconds, asked.max_writes) == (5.0, 60.0, 0)


@pytest.mark.parametrize(
    "options",
    [
        {"max_seconds": timedelta(hours=8)},
        {"max_seconds": timedelta(seconds=600)},
        {"dry_run": True},
        {"start": NOON},
        {"return_ids": ("1",)},
    ],
    ids=str,
)
def test_the_backlog_has_no_limit_of_its_own_where_someone_waits_for_it(options) -> None:
    assert request(**options).backlog_seconds is None
    assert request(max_writes=5).backlog_seconds == 270.0


@pytest.mark.parametrize(("minutes", "seconds"), [(1, 54), (5, 270), (10, 540), (60, 540)])
def test_the_daemon_s_passes_leave_the_backlog_before_the_next_one(minutes, seconds) -> None:
    at_each = pass_request(timedelta(minutes=minutes))

    assert at_each == replace(request(), backlog_seconds=seconds)
    assert pass_request(None) == request()


def test_who_reaches_jetti() -> None:
    assert request().reaches_jetti
    assert request(dry_run=True, against_jetti=True).reaches_jetti
    assert not request(dry_run=True).reaches_jetti


def test_a_plan_is_accepted_by_its_digest() -> None:
    asked = request(accept_plan="0123456789abcdef")

    assert (asked.accept_digest, asked.accept_members) == ("0123456789abcdef", ())
    assert asked.wait == 120.0


def test_a_plan_is_accepted_by_the_members_of_a_dry_run(tmp_path: Path) -> None:
    changes = [
        {"return_id": "1", "change": "create", "fingerprint": "01ff", "outcome": "planned"},
        {"return_id": "2", "change": "adopt", "fingerprint": "", "outcome": "skipped"},
    ]
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({"run": {"dry_run": True, "id": None}, "changes": changes}))

    asked = request(accept_plan=str(path))

    assert asked.accept_digest is None
    assert asked.accept_members == (PlanMember("1", "create", b"\x01\xff"),)


@pytest.mark.parametrize("name", ["0123456789abcde", "0123456789ABCDEF", "missing.json", "/"])
def test_what_is_neither_digest_nor_file_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="neither a digest nor a file"):
        request(accept_plan=name)


def test_what_was_typed_besides_is_kept_for_the_run_that_follows_a_dry_run(tmp_path: Path) -> None:
    path = tmp_path / "a plan.json"
    path.write_text('{"run": {"dry_run": true}, "changes": []}')
    hour = timedelta(hours=1)

    asked = request(accept_plan=str(path), max_writes=0, max_seconds=hour, wait=2 * hour)
    sweep = request(sweep=timedelta(days=3), dry_run=True, against_jetti=True)

    assert asked.typed == (
        "--accept-plan", str(path), "--max-writes", "0", "--max-seconds", "1h", "--wait", "2h",
    )  # fmt: skip
    assert sweep.typed == ()
    assert sweep.again == ("reconciler", "run", "--sweep", "3d")
