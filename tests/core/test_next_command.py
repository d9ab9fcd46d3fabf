"""The one command that goes on after a pass."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from reconciler.core.next_command import next_command, words_of
from reconciler.core.records import SetAside
from reconciler.core.report import (
    ChangeKind,
    Counts,
    Failure,
    OutcomeKind,
    Problem,
    Report,
    ReportedChange,
    Requests,
    RunFacts,
    RunKind,
    Watermarks,
)
from reconciler.core.request import RunRequest
from reconciler.core.summary import CREATION_STOPPED
from tests.core.samples import NOON

ASKED = RunRequest(
    kind=RunKind.SINGLE, return_ids=("7",), order_names=("#10 42",), typed=("--max-writes", "3")
)
AGAIN = ("reconciler", "run", "--return", "7", "--order", "#10 42", "--max-writes", "3")


def report(*outcomes: OutcomeKind, stopped: bool = False, **facts: object) -> Report:
    given: dict[str, object] = {
        "id": None, "kind": RunKind.SCHEDULED, "dry_run": True, "started_at": NOON,
        "finished_at": NOON, "windows": (), "watermark": Watermarks(), "exit_code": 0, "digest": "",
    }  # fmt: skip
    changes = tuple(
        ReportedChange("1", "#1", None, ChangeKind.CREATE, outcome, stopped=stopped)
        for outcome in outcomes
    )
    run = RunFacts(**(given | facts))  # type: ignore[arg-type]
    return Report(run, Counts(), Requests(), changes)


def failed(*commands: str | None, hint: str | None = None) -> dict[str, object]:
    return {"failures": tuple(Failure("x", hint, command) for command in commands)}


@pytest.mark.parametrize("outcome", OutcomeKind)
def test_a_dry_run_goes_on_with_the_same_run_if_that_has_something_to_do(
    outcome: OutcomeKind,
) -> None:
    leads_on = outcome in {"planned", "waiting", "review", "deferred"}

    assert next_command(report(outcome), ASKED) == (AGAIN if leads_on else ())
    assert next_command(report(outcome, dry_run=False), ASKED) == ()
    assert next_command(report(), ASKED) == ()


def test_what_is_stopped_is_no_reason_to_make_the_run() -> None:
    assert next_command(report(OutcomeKind.DEFERRED, stopped=True), ASKED) == ()


def test_what_a_broken_off_dry_run_did_not_come_to_is_no_reason_either() -> None:
    assert next_command(report(OutcomeKind.DEFERRED, ended_early=True), ASKED) == ()
    assert next_command(report(OutcomeKind.WAITING, ended_early=True), ASKED) == AGAIN


def test_while_creation_is_stopped_only_what_would_be_written_counts() -> None:
    message = f"{CREATION_STOPPED}: why"

    assert next_command(report(OutcomeKind.WAITING, message=message), ASKED) == ()
    assert next_command(report(OutcomeKind.PLANNED, message=message), ASKED) == AGAIN


def test_what_went_wrong_comes_first_then_what_needs_a_person() -> None:
    bad = Problem("8808", "#8", "review", NOON)
    odd = SetAside("k", None, "#9; x", "id: missing", False, NOON, NOON)
    made = replace(report(OutcomeKind.PLANNED), problems=(bad,), malformed=(odd,))
    run = made.run

    broken = replace(made, run=replace(run, **failed(None, "reconciler doctor", "reconciler x")))
    hinted = replace(made, run=replace(run, **failed(None, hint="wait")))
    nameless = SetAside("k", None, None, "id: missing", False, NOON, NOON)

    assert next_command(broken, ASKED) == ("reconciler", "doctor")
    assert next_command(hinted, ASKED) == ()
    assert next_command(made, ASKED) == ("reconciler", "show", "8808")
    without = replace(made, problems=())
    assert next_command(without, ASKED) == ("reconciler", "show", "#9; x")
    assert next_command(replace(without, malformed=(nameless,)), ASKED) == AGAIN


@pytest.mark.parametrize("code", [0, 3, 7, 10])
def test_without_a_ledger_it_is_the_init(code: int) -> None:
    new = report(OutcomeKind.PLANNED, exit_code=code, would_go_live=NOON)
    adopt = "reconciler init --adopt --since DATE"
    known = replace(new, run=replace(new.run, **failed("reconciler run --accept-plan 1", adopt)))

    assert next_command(new, ASKED) == ("reconciler", "init", "--since", "2026-03-01T12:00:00Z")
    assert next_command(known, ASKED) == ("reconciler", "init", "--adopt", "--since", "DATE")


def test_what_was_broken_off_without_a_ledger_is_no_ground_for_an_init() -> None:
    assert next_command(report(exit_code=4, would_go_live=NOON), ASKED) == ()


def test_a_command_is_split_as_a_shell_does() -> None:
    assert words_of("reconciler run --order '#10 42' --accept-plan ab") == (
        "reconciler", "run", "--order", "#10 42", "--accept-plan", "ab",
    )  # fmt: skip
