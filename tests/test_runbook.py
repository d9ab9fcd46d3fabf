"""The runbook has a row for each exit code, state, reason and alarm, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from reconciler.cli.exit_codes import MEANINGS
from reconciler.core import health
from reconciler.core.model import State

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^##+ (.*)\n((?:(?!##).*\n)*)", PAGE, re.MULTILINE))

OF_RUNS = ("In review", "Waiting, failed or dead", "Skipped, and what was left", "Runs")
RUNS_MAKE_THEM_IN = (
    "app.py", "approval.py", "core/diff.py", "core/guard.py", "core/left_over.py",
    "core/matching/availability.py", "core/matching/created.py", "core/matching/evidence.py",
    "core/matching/lines.py", "core/matching/match.py", "core/matching/order.py", "core/plan.py",
    "core/remarks.py", "core/retry.py", "core/run_remarks.py", "core/summary.py",
    "core/target.py", "ingest.py", "jetti/adopter.py", "jetti/creator.py", "jetti/matcher.py",
    "jetti/outage.py", "jetti/preview.py", "jetti/pusher.py", "jetti/responses.py",
    "jetti/result.py", "jetti/updater.py", "reconcile.py",
)  # fmt: skip
OF_STATUS = ("Not well: what `status` says",)
STATUS_MAKES_THEM_IN = ("core/health.py",)

OF_DECISIONS = ("Refused decisions",)
DECISIONS_MAKE_THEM_IN = ("core/decisions.py", "core/matching/claims.py", "deciding.py")

REASONS = [
    (OF_RUNS, RUNS_MAKE_THEM_IN),
    (OF_STATUS, STATUS_MAKES_THEM_IN),
    (OF_DECISIONS, DECISIONS_MAKE_THEM_IN),
]

PARTS = (
    # of an error, or of what a reason adds to say how it can be settled
    "--since is for a dry run before `reconciler init`; …",
    "leave it out: what a run would do depends on the ledger",
    "check …_API_…; after a renamed …: reconciler init --repin",
    "run it again: what was taken over stays",
    "once `…` has created the ledger, a run stops like this, too, …",
    "Give it the id of its return as externalId in Jetti, or cancel it",
    "Cancel in Jetti what nobody asked for",
    "Raise the sale return for the right ones by hand in Jetti, …",
    "Remove the marker in Jetti if it does not belong to this return",
    "…. Cancel the surplus ones. …",
    # of how a reason names what it is about
    "order line … of sale return …",
    "… with … of sale item …",
    ", and sale return …, which is marked",
    "its sale … has sale item …",
    "its sale has no items",
    "not a line of the shop",
    ", a bundle or part of one",
    "found by its marker",
    "with the order's id",
    "with its name and without an order id",
    "without an order id",
    "cancelled or wholly returned",
    "returns need a look: …",
    "with an unanswered write",
    # of the sum of a plan, and of who can prove the list of items
    "… if creation were not stopped",
    "… of them accepted before",
    "… of them in the plan that --accept-plan names",
    "… of them from before go-live",
    "and change … by the changed mapping",
    "an order with two or more lines of which only some come back",
    "return … can prove it",
    "none of these can prove it, only …",
    # of what status says about clocks and runs
    "reading is complete up to",
    "the … ended at",
    "the last run began at",
    "; the last one began at …",
    ", although the ledger was created … ago: is `reconciler run` scheduled?",
    "the ledger was created at",
    "… began at … and did not end: …",
    # of how a stop was settled
    "changed since, or no longer to be done",
    "nothing of its plan is left",
    "creates are sent again since a decision about the return that caused it",
    # of an error about a decision, and of what is listed beside it
    "answer y on a terminal, or give --yes",
    "name the return by its id",
    "look at them with `reconciler show …`",
    "repeat the command and look again",
    "look at it with `reconciler show …",
    "…; `retry` has it do so",
    "reconciler ignore … --reason TEXT",
    "reconciler resolve … --adopt SALE_RETURN",
    "known as return …'s",
    "marked as this return's",
    "\nOn the order in Jetti:…",
    "marked as return …'s",
)
"""Texts in these files that are no reason of their own: they go into one."""
LEAST = 4
"""Words of a text that must be on the page; a shorter one is hardly a sentence."""


# --------------------------------------------------------------------------------- the page


def rows(section: str) -> list[str]:
    """What is in the first column of the table of a section."""
    return re.findall(r"^\| `(.*?)` \|", SECTIONS[section], re.MULTILINE)


def listed(sections: Sequence[str]) -> list[str]:
    return [row for section in sections for row in rows(section)]


# --------------------------------------------------------------------------------- the code


def texts(path: str) -> Iterator[str]:
    """Every text that a file spells, but docstrings; … is what is filled in."""
    tree = ast.parse((ROOT / "reconciler" / path).read_text(encoding="utf-8"))
    within = {id(part) for node in ast.walk(tree) for part in _inner(node)}
    for node in ast.walk(tree):
        if id(node) not in within and (text := _text(node)):
            yield text


def _inner(node: ast.AST) -> list[ast.expr]:
    """Docstrings, and the pieces of other texts."""
    if isinstance(node, ast.Expr):
        return [node.value]
    return node.values if isinstance(node, ast.JoinedStr) else []


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = (v.value if isinstance(v, ast.Constant) else "…" for v in node.values)
        return re.sub("…+", "…", "".join(map(str, parts)))
    return None


def _pattern(row: str) -> str:
    return ".*".join(map(re.escape, row.split("…")))


def is_about(row: str, text: str) -> bool:
    """Whether a row of the page is about a reason."""
    return re.search(_pattern(row), text) is not None


def is_part(text: str) -> bool:
    return any(re.fullmatch(_pattern(part), text) for part in PARTS)


# ------------------------------------------------------------------------------------- tests


def test_it_has_each_exit_code() -> None:
    assert list(map(int, rows("Exit codes"))) == list(MEANINGS)


def test_it_has_each_state() -> None:
    assert sorted(rows("States of a return")) == sorted(State)


@pytest.mark.parametrize(("sections", "files"), REASONS)
def test_it_has_each_reason_that_the_program_gives(
    sections: Sequence[str], files: Sequence[str]
) -> None:
    """A new sentence in one of these files needs a row, unless it only goes into another."""
    known = listed(sections)
    lacking = {
        text: path
        for path in files
        for text in texts(path)
        if len(re.findall(r"[A-Za-z][\w.'-]*", text)) >= LEAST
        and not is_part(text)
        and not any(is_about(row, text) for row in known)
    }

    assert lacking == {}


@pytest.mark.parametrize(("sections", "files"), REASONS)
def test_it_has_no_reason_that_the_program_does_not_give(
    sections: Sequence[str], files: Sequence[str]
) -> None:
    given = [text for path in files for text in texts(path)]

    assert [row for row in listed(sections) if not any(is_about(row, one) for one in given)] == []


def test_no_part_of_a_reason_is_listed_that_is_none() -> None:
    given = [text for _, files in REASONS for path in files for text in texts(path)]

    assert [p for p in PARTS if not any(re.fullmatch(_pattern(p), one) for one in given)] == []


def test_files_that_give_reviews_are_among_those_that_are_looked_through() -> None:
    """Whoever sends a return to review, has it wait or moves it says why."""
    makers = {
        str(path.relative_to(ROOT / "reconciler"))
        for path in (ROOT / "reconciler").rglob("*.py")
        if re.search(r"\b(NeedsReview|NotReady|NothingToPush)\(\s*[^)]", path.read_text("utf-8"))
    }
    elsewhere = {"core/matching/result.py", "core/matching/claims.py"}

    assert makers - elsewhere <= {file for _, files in REASONS for file in files}


def test_it_has_each_alarm_and_no_other() -> None:
    tree = ast.parse((ROOT / "reconciler/core/health.py").read_text(encoding="utf-8"))
    causes = {
        _text(node.args[0]) or getattr(health, ast.unparse(node.args[0]))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Reason"
    }

    shown = rows("Alarms")
    assert len(shown) == len(set(shown)) == len(causes)
    assert all(any(is_about(row, cause) for row in shown) for cause in causes)
    assert all(any(is_about(row, cause) for cause in causes) for row in shown)


def test_each_row_says_what_it_means_and_what_to_do() -> None:
    for section in (
        "Exit codes",
        "States of a return",
        *OF_RUNS,
        *OF_STATUS,
        *OF_DECISIONS,
        "Alarms",
    ):
        for line in re.findall(r"^\| `.*", SECTIONS[section], re.MULTILINE):
            cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
            assert cells[1]
            assert cells[-1], line
