"""`status`, `show`, `list`, `history` and `doctor` are no wider than the terminal, and lose nothing
by it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.core.alarms import Concern, News
from reconciler.reports import (
    alarm_text,
    doctor_text,
    history_text,
    listing_text,
    return_text,
    status_text,
)
from reconciler.reports.layout import NARROWEST, Layout
from tests.reports.samples import HOSTILE, aside, healthy, looked, told, unhealthy
from tests.reports.screen_samples import HOUR, diagnosis, listing, past
from tests.reports.test_width import WIDTHS, cells, texts

EAST = "返品の理由：サイズが小さすぎる。" * 12 + " 그리고 " + "교환" * 60
LONG = "x" * 300 + " `reconciler run --return 8801` " + "y" * 90


def news(text: str | None = None) -> News:
    one = Concern("k", "", text or "return 8801", text or "in review", "reconciler show 8801")
    return News(worse=(one,), standing=(one,) * 20, well=(), silent=2)


Render = Callable[[str | None, int], str]
SCREENS: dict[str, Render] = {
    "status": lambda text, width: status_text.render(unhealthy(*filter(None, [text])), width),
    "status, well": lambda _, width: status_text.render(healthy(), width),
    "show": lambda text, width: return_text.render(told(text), width),
    "show, against Jetti": lambda text, width: return_text.render(looked(text), width),
    "show, not understood": lambda _, width: return_text.render(aside(), width),
    "list": lambda text, width: listing_text.render(listing(text), width),
    "history": lambda text, width: history_text.render(past(text), width),
    "doctor": lambda text, width: doctor_text.render(diagnosis(text), width),
    "status --changed": lambda text, width: alarm_text.render(news(text), width),
}


def too_wide(lines: list[str], width: int) -> list[str]:
    """But for a command with a word that no line has room for: it is to be copied whole."""
    wide = [line for line in lines if cells(line) > width]
    return [line for line in wide if max(map(cells, line.split())) <= width - 13]


@pytest.mark.parametrize("width", [NARROWEST, *WIDTHS])
@pytest.mark.parametrize("text", [None, EAST, LONG, HOSTILE], ids=["usual", "east", "long", "bad"])
@pytest.mark.parametrize("screen", SCREENS)
def test_no_line_is_wider_than_the_terminal(screen: str, text: str | None, width: int) -> None:
    lines = SCREENS[screen](text, width).split("\n")

    assert too_wide(lines, width) == []
    if text is None and width > NARROWEST:
        assert max(map(cells, lines)) <= width


@given(screen=st.sampled_from(sorted(SCREENS)), width=st.integers(40, 130), text=texts)
def test_whatever_text_a_screen_has_it_fits(screen: str, width: int, text: str) -> None:
    lines = SCREENS[screen](text or None, width).split("\n")

    assert too_wide(lines, width) == []


@pytest.mark.parametrize("text", [None, EAST, LONG], ids=["usual", "east", "long"])
@pytest.mark.parametrize("screen", [screen for screen in SCREENS if screen != "history"])
def test_a_narrow_terminal_is_shown_all_that_a_wide_one_is(screen: str, text: str | None) -> None:
    narrow, wide = SCREENS[screen](text, 40), SCREENS[screen](text, 5000)

    assert letters(narrow) == letters(wide)


def letters(text: str) -> str:
    """What is said, wherever it is broken."""
    return re.sub(r" \\\n|\s", "", text)


def test_the_columns_of_history_become_names_where_there_is_no_room_for_them() -> None:
    """Each value is still there, and no time is broken."""
    narrow, table = (history_text.render(past(), width) for width in (40, 100))

    for shown in (narrow, table):
        assert shown.count("2026-03-01 12:00:00Z") == 5
        assert shown.count("66s") == 3
        assert "its plan was accepted by mara as reconciler" in " ".join(shown.split())
        assert "26 new, 12 created, 19 sale returns made; then 1 review" in " ".join(shown.split())
    assert narrow.count("exit 7") == 2
    assert re.split(" {2,}", table.split("\n")[0].strip()) == [
        "run", "kind", "began", "took", "exit", "what it did"
    ]  # fmt: skip
    assert "exit 7" not in table
    places = {line.index("2026-03-01 12") for line in table.split("\n") if " 12:00:00Z" in line}
    assert places == {table.split("\n")[0].index("began")}


@pytest.mark.parametrize("width", WIDTHS)
def test_what_history_names_can_be_copied(width: int) -> None:
    command = past().runs[1].command
    assert command

    _, _, rest = history_text.render(past(), width).partition("go on with:\n")

    typed = re.match(r"(?:.*\\\n)*.*", rest)
    assert typed
    assert shlex.join(word for word in shlex.split(typed[0]) if word != "\n") == command


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "command",
    [
        "reconciler ledger backup --keep 14 --to '/srv/a directory/with a long name/and another'",
        "reconciler resolve 8801 --adopt SALE_RETURN…",
        """reconciler show '#it'"'"'s'""",
        "reconciler run",
    ],
)
def test_a_command_line_stays_as_it_was_typed(command: str, width: int) -> None:
    """With its own quotes: what is a placeholder gets none."""
    lines = Layout(width).typed(command, by=2)

    joined = "\n".join(lines).replace(" \\\n", "\n")
    assert shlex.split(joined) == shlex.split(command)
    assert " ".join(line.strip() for line in joined.split("\n")) == command
    assert all(line.startswith("  ") for line in lines)


@given(st.text(max_size=80), st.integers(NARROWEST, 100))
def test_no_text_in_the_place_of_a_command_is_lost(text: str, width: int) -> None:
    """A damaged ledger may hold anything there."""
    from reconciler.core.text import safe

    plain = safe(text)

    assert letters("\n".join(Layout(width).typed(plain, by=2))) == letters(plain)


def test_a_message_to_people_is_broken_by_what_shows_it() -> None:
    lines = alarm_text.render(news("word " * 30)).split("\n")

    assert f"  ! {('word ' * 30).strip()}" in [line.rstrip() for line in lines]


def test_a_time_ahead_of_the_clock_has_no_age() -> None:
    """Once a clock was wrong: `0s ago` would be neither true nor of help."""
    found = listing()
    ahead = tuple(replace(one, since=found.now + HOUR) for one in found.returns)

    text = listing_text.render(replace(found, returns=ahead), 200)

    assert "in review, due since 2026-03-01 13:00:00Z: " in text
    assert "skipped, changed 2026-03-01 13:00:00Z\n" in text
    assert "0s" not in text
