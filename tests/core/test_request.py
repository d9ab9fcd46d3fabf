"""What a hint tells somebody to type asks for the same returns again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconciler.core.records import By
from reconciler.core.report import RunKind
from reconciler.core.request import RunRequest
from tests.core.samples import NOON


@pytest.mark.parametrize(
    ("request_", "typed"),
    [
        (RunRequest(accept_digest="3f9a2c81d0b4e657", max_writes=3), ""),
        (RunRequest(kind=RunKind.SWEEP, sweep=timedelta(days=120)), " --sweep 120d"),
        (
            RunRequest(kind=RunKind.RANGE, start=NOON, by=By.CREATED),
            " --from 2026-03-01T12:00:00Z --by created",
        ),
        (
            RunRequest(kind=RunKind.RANGE, start=NOON, end=NOON + timedelta(hours=1)),
            " --from 2026-03-01T12:00:00Z --to 2026-03-01T13:00:00Z --by updated",
        ),
        (
            RunRequest(kind=RunKind.SINGLE, return_ids=("1", "2"), order_names=("#10 42", "7")),
            " --return 1 --return 2 --order '#10 42' --order 7",
        ),
    ],
)
def test_a_pass_is_typed_again_by_what_it_reads_and_not_by_how_it_was_made(
    request_: RunRequest, typed: str
) -> None:
    assert request_.command == f"reconciler run{typed}"


def test_only_a_range_and_single_returns_are_asked_for_by_a_person() -> None:
    asked_for = {kind for kind in RunKind if RunRequest(kind=kind).asked_for}

    assert asked_for == {RunKind.RANGE, RunKind.SINGLE}


def test_only_a_dry_run_by_the_ledger_alone_sends_jetti_no_request() -> None:
    assert RunRequest().reaches_jetti
    assert RunRequest(dry_run=True, against_jetti=True).reaches_jetti
    assert not RunRequest(dry_run=True).reaches_jetti


def test_a_dry_run_is_made_real_with_all_that_was_typed_besides() -> None:
    typed = ("--accept-plan", "a plan.json", "--wait", "2m")
    request = RunRequest(kind=RunKind.SINGLE, order_names=("#1",), dry_run=True, typed=typed)

    assert request.again == ("reconciler", "run", "--order", "#1", *typed)
    assert request.command == "reconciler run --order '#1'"
