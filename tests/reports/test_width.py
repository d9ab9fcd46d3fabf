"""Text reports are no wider than the terminal, and lose nothing by it."""

from __future__ import annotations

import shlex
import sys
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from reconciler.core.report import ChangeKind, Failure, OutcomeKind, Problem, Report
from reconciler.core.returned_goods import ReportedLine
from reconciler.core.verification.report import Verification
from reconciler.reports import change_groups, run_text, verification_text
from reconciler.reports.layout import NARROWEST, Layout
from reconciler.reports.wording import sentence
from tests.reports.samples import (
    busy,
    change,
    differing,
    dry,
    hostile,
    large,
    quiet,
    repaired,
    stopped,
    tricky,
    uncreated,
    unread,
)

WIDTHS = (40, 80, 120)
MADE: tuple[Callable[[], Report | Verification], ...] = (
    quiet, busy, dry, stopped, uncreated, unread, hostile, tricky, large, differing, repaired,
)  # fmt: skip


def cells(line: str) -> int:
    """By the tables of Unicode that Python has, and not by the library that the program uses."""
    return sum(
        0
        if unicodedata.combining(one) or unicodedata.category(one) in {"Mn", "Me"}
        else 2
        if unicodedata.east_asian_width(one) in "WF"
        else 1
        for one in line
    )


def rendered(made: Report | Verification, width: int) -> list[str]:
    render = run_text.render if isinstance(made, Report) else verification_text.render
    return render(made, width).split("\n")  # type: ignore[arg-type]


def is_command(lines: list[str], place: int) -> bool:
    """A command with a word that is longer than a line stays whole."""
    return lines[place].startswith("next ")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("make", MADE, ids=lambda make: make.__name__)
def test_no_line_is_wider_than_the_terminal(
    make: Callable[[], Report | Verification], width: int
) -> None:
    lines = rendered(make(), width)

    wide = [
        line for at, line in enumerate(lines) if cells(line) > width and not is_command(lines, at)
    ]
    assert wide == []


_VIRAMA = 9  # a class of combining marks


def _joins(one: str) -> bool:
    """Whether it makes one sign of the letters beside it: how wide that is is up to the font."""
    name = unicodedata.name(one, "")
    is_part = name.startswith(("HANGUL JUNGSEONG", "HANGUL JONGSEONG"))
    return is_part or unicodedata.combining(one) == _VIRAMA


words = st.text(
    st.characters(categories=("L", "N", "P", "Mn", "So"), exclude_characters="`").filter(
        lambda one: not _joins(one)
    ),
    max_size=30,
)
texts = st.lists(words, max_size=20).map(" ".join)


@given(st.integers(NARROWEST, 130), texts, texts, texts)
def test_whatever_text_a_report_has_it_fits(width: int, name: str, reason: str, more: str) -> None:
    one = change(
        1, ChangeKind.CREATE, OutcomeKind.WAITING, reason,
        lines=(ReportedLine(name, None, 2, more),), remarks=(more, name),
    )  # fmt: skip
    report = structs.replace(
        busy(),
        changes=(one, structs.replace(one, order_name=name, reason=more)),
        problems=(Problem("1", name, "review", None, reason),),
        run=structs.replace(busy().run, message=reason, exit_code=4, remarks=(more,)),
        next=(),
    )

    assert max(map(cells, rendered(report, width))) <= width


@given(st.integers(NARROWEST, 130), texts, st.integers(0, 8), st.integers(0, 8))
def test_no_letter_is_lost_and_only_long_words_are_broken(
    width: int, text: str, hang: int, first: int
) -> None:
    lines = Layout(width).wrapped(text, hang, first=first)

    assert "".join("".join(lines).split()) == "".join(text.split())
    if all(cells(word) <= width - max(hang, first) for word in text.split()):
        assert " ".join(" ".join(lines).split()) == " ".join(text.split())


@given(
    st.lists(st.from_regex(r"[a-z '#$-]{1,25}", fullmatch=True), min_size=1), st.integers(40, 90)
)
def test_a_command_in_several_lines_is_still_that_command(command: list[str], width: int) -> None:
    lines = Layout(width).command("next", command)

    typed = "\n".join(lines).removeprefix("next")
    assert [word for word in shlex.split(typed) if word != "\n"] == command
    assert all(line.endswith(" \\") for line in lines[:-1])
    assert len(lines) == 1 or max(map(cells, lines)) <= width


def test_a_command_is_the_last_line_as_it_is_typed() -> None:
    assert Layout(80).command("next", ("reconciler", "run")) == ["next       reconciler run"]
    assert Layout(80).command("next", ()) == []
    assert Layout(40).command("next", ("reconciler", "show", "x" * 50)) == [
        f"next       reconciler show {'x' * 50}"
    ]


def test_what_is_to_be_typed_is_not_broken_where_it_fits() -> None:
    command = "`reconciler run --order NAME`"

    assert any(command in line for line in Layout(40).wrapped(f"begin with one: {command} does", 4))
    narrow = Layout(24).wrapped(f"begin: {command}", 4)
    assert max(map(len, narrow)) <= 24
    assert " ".join(" ".join(narrow).split()) == f"begin: {command}"


def test_a_plan_of_720_returns_is_read_in_two_screens() -> None:
    lines = rendered(large(), 80)

    assert len(lines) < 110
    assert [line for line in lines if line.startswith("would create (575)")]
    assert lines.count("  and 565 more: --format html --output plan.html") == 1


@pytest.mark.parametrize(
    ("dry_run", "following", "more"),
    [
        (True, (), ": --format html --output plan.html"),
        (True, ("reconciler", "run"), ": --format html --output plan.html"),
        (
            True,
            ("reconciler", "run", "--dry-run", "--against-jetti"),
            ": `reconciler run --dry-run --against-jetti --format html --output plan.html`",
        ),
        # The run is over: typing the same again would be another run.
        (False, (), ": `reconciler list --state pending --state waiting --state failed`"),
        (
            False,
            ("reconciler", "show", "1"),
            ": `reconciler list --state pending --state waiting --state failed`",
        ),
    ],
)
def test_how_to_see_all_is_what_can_be_typed(
    dry_run: bool, following: tuple[str, ...], more: str
) -> None:
    run = structs.replace(large().run, dry_run=dry_run)
    left = [structs.replace(one, outcome=OutcomeKind.DEFERRED) for one in large().changes]
    made = structs.replace(large(), run=run, next=following, changes=tuple(left))

    left_out = next(one for one in rendered(made, 120) if one.startswith("  and "))
    assert left_out.endswith(more)


@pytest.mark.parametrize(
    ("following", "typed"),
    [
        ("run --accept-plan 0123", "run --accept-plan 0123 --dry-run"),
        ("run --sweep 9d --dry-run --against-jetti", "run --sweep 9d --dry-run --against-jetti"),
    ],
)
def test_what_a_run_has_stopped_a_dry_run_shows_whole(following: str, typed: str) -> None:
    made = [
        structs.replace(change(at, ChangeKind.CREATE, OutcomeKind.DEFERRED), stopped=True)
        for at in range(12)
    ]
    report = structs.replace(
        busy(), changes=tuple(made), next=("reconciler", *following.split(" "))
    )

    lines = rendered(report, 120)

    assert f"  and 2 more: `reconciler {typed} --format html --output plan.html`" in lines


def test_a_reason_that_several_share_is_said_of_each() -> None:
    def made(number: int, reason: str, outcome: OutcomeKind = OutcomeKind.PLANNED) -> Report:
        of = [change(at, ChangeKind.CREATE, outcome, reason) for at in range(number)]
        return structs.replace(busy(), changes=tuple(of), problems=())

    one, two = "would make one sale return", "would make 2 sale returns"
    left = "the budget is spent, so it was left for a later pass"

    assert "would create (6); each would make one sale return" in rendered(made(6, one), 120)
    assert "would create (2); each would make 2 sale returns" in rendered(made(2, two), 120)
    assert f"deferred (3), to create; each: {left}" in rendered(
        made(3, left, OutcomeKind.DEFERRED), 120
    )
    alone = rendered(made(1, one), 120)
    assert "would create (1)" in alone
    assert [line for line in alone if line.endswith(f"  {one}")]


@pytest.mark.parametrize("code", [1, 2, 4, 5, 6, 7, 8, 129, 130, 143])
@pytest.mark.parametrize("dry_run", [False, True])
def test_the_fact_that_ended_a_run_stands_first_whatever_it_was(code: int, dry_run: bool) -> None:
    message = "something went wrong"
    run = structs.replace(
        dry().run, dry_run=dry_run, exit_code=code, message=message, ended_early=True,
        failures=(Failure(message),),
    )  # fmt: skip

    lines = rendered(structs.replace(dry(), run=run), 400)

    assert ": Something went wrong" in lines[0]
    assert lines[0].endswith(f"[exit {code}]")
    assert not any(line.startswith("  Also:") for line in lines)


def test_a_name_of_a_setting_keeps_its_letters() -> None:
    assert sentence("mapping.reasons names x. y") == "mapping.reasons names x. y"
    assert sentence("jetti_api_token is empty") == "jetti_api_token is empty"
    assert sentence("plan 0123 was stopped.") == "Plan 0123 was stopped."
    assert sentence("stopped. again") == "Stopped. again"
    assert sentence("") == ""


def test_a_group_shows_the_ten_most_telling_and_counts_all() -> None:
    """Those with remarks, then those from before go-live, then the oldest."""
    made = [
        change(number, ChangeKind.CREATE, OutcomeKind.PLANNED, before_go_live=number == 30)
        for number in range(40)
    ]
    made[35] = structs.replace(made[35], remarks=("look",))

    [group] = change_groups.grouped(reversed(made))

    assert group.count == 40
    ids = [int(one.return_id) - 8800 for one in group.shown]
    assert ids == [35, 30, 0, 1, 2, 3, 4, 5, 6, 7]


def test_an_id_with_fewer_digits_is_older() -> None:
    made = [
        structs.replace(change(1, ChangeKind.CREATE, OutcomeKind.PLANNED), return_id=name)
        for name in ("1000", "999", "99")
    ]

    [group] = change_groups.grouped(made)

    assert [one.return_id for one in group.shown] == ["99", "999", "1000"]


def test_groups_come_by_urgency_and_reasons_of_one_change_are_together() -> None:
    create, update = ChangeKind.CREATE, ChangeKind.UPDATE
    made = [
        change(1, create, OutcomeKind.PUSHED),
        change(2, create, OutcomeKind.WAITING, "no order"),
        change(3, create, OutcomeKind.WAITING, "no order"),
        change(4, create, OutcomeKind.WAITING, "another"),
        change(5, create, OutcomeKind.WAITING, "a third"),
        change(6, update, OutcomeKind.FAILED, "500"),
        change(7, create, OutcomeKind.REVIEW, "two sales"),
        structs.replace(change(8, update, OutcomeKind.DEFERRED, "stopped"), stopped=True),
        change(9, create, OutcomeKind.DEFERRED, "budget"),
    ]

    found = [
        (one.outcome.value, one.kind.value, one.reason, one.count, one.stopped)
        for one in change_groups.grouped(made)
    ]

    assert found == [
        ("review", "create", None, 1, False),
        ("failed", "update", None, 1, False),
        ("deferred", "update", None, 1, True),
        ("waiting", "create", None, 2, False),
        ("waiting", "create", "no order", 2, False),
        ("deferred", "create", None, 1, False),
        ("pushed", "create", None, 1, False),
    ]


def test_of_many_reasons_the_most_frequent_make_groups() -> None:
    waiting = (ChangeKind.CREATE, OutcomeKind.WAITING)
    made = [
        change(100 * number + one, *waiting, f"reason {number}")
        for number in range(2, 60)
        for one in range(number)
    ]

    groups = change_groups.grouped(made)

    assert sum(group.count for group in groups) == len(made)
    assert [group.reason for group in groups] == [None, *(f"reason {59 - at}" for at in range(5))]


def test_what_needs_someone_comes_before_what_went_well_and_sums_before_both() -> None:
    lines = rendered(busy(), 80)
    places = [
        next(at for at, line in enumerate(lines) if line.startswith(begin))
        for begin in ("plan ", "needs a look", "in review", "failed", "created", "requests")
    ]

    assert places == sorted(places)


def test_a_report_without_other_letters_needs_no_library_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "wcwidth", None)

    assert rendered(busy(), 40)
    with pytest.raises(ImportError):
        rendered(large(), 40)


def test_a_command_in_a_hint_stays_whole_where_the_terminal_is_narrower() -> None:
    """Broken it would be two commands when it is pasted."""
    typed = "`reconciler run --from 2026-02-28T12:10:00Z --by updated --dry-run`"

    lines = Layout(40).wrapped(f"Hint: look at what would be done with {typed}", 6, whole=True)

    assert any(typed in line for line in lines)
    assert all(len(line) <= 40 for line in lines if typed not in line)


def test_a_long_command_in_a_text_is_not_broken_where_a_line_has_room_for_it() -> None:
    typed = (
        "`reconciler run --from 2026-02-28T00:00:00Z --to 2026-03-02T23:59:59Z --by updated"
        " --dry-run --against-jetti --accept-plan c2a1eda8268a109e`"
    )

    lines = Layout(150).wrapped(f"look its orders up with {typed}, which accepts nothing", 4)

    assert any(typed in line for line in lines)
    assert all(len(line) <= 150 for line in lines)
