"""Every citation of a page leads to a heading, and every link in a page to what it names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "tests/README.md",
]
SOURCES = [
    path
    for directory in ("reconciler", "migrations", "tests", "proof", "benchmarks", "docs")
    for suffix in ("*.py", "*.toml")
    for path in sorted((ROOT / directory).rglob(suffix))
]
BY_NAME = {path.name: path for path in PAGES if path.is_relative_to(ROOT / "docs")}

# `loop.md#pagination`, and `jetti.md#errors, #error-handling` for two headings of one page.
_CITED = re.compile(r"\b([\w-]+\.md)((?:,?\s*(?:#\s+)?#[a-z0-9-]+(?![\w-]))+)")
_LINKED = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
# How the facts were addressed before they had pages of their own.
_NUMBERED = re.compile(r"apis/|design(?:\.md)? section|\b(?:quirk|surprise) \d|section \d")


@cache
def slugs(page: Path) -> frozenset[str]:
    """What the headings of a page are called in links, by GitHub's rule."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return frozenset(heading.strip().replace(" ", "-") for heading in plain)


def cited(path: Path) -> Iterator[tuple[str, str]]:
    """Page and heading of each citation in a file of code."""
    for name, headings in _CITED.findall(path.read_text(encoding="utf-8")):
        yield from ((name, heading) for heading in re.findall(r"#([a-z0-9-]+)", headings))


def test_pages_are_named_apart_so_that_a_file_name_is_an_address() -> None:
    assert len(BY_NAME) >= sum(path.is_relative_to(ROOT / "docs") for path in PAGES) - 1
    assert {"architecture.md", "loop.md", "jetti.md"} <= set(BY_NAME)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_two_headings_of_a_page_share_an_address(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)

    if page.name != "CHANGELOG.md":  # each version has its Added and Fixed
        assert len(slugs(page)) == len(re.findall(r"^#+ .+$", text, re.M))


def test_every_citation_in_code_leads_to_a_heading() -> None:
    lost = [
        f"{path.relative_to(ROOT)}: {name}#{heading}"
        for path in SOURCES
        for name, heading in cited(path)
        if name not in BY_NAME or heading not in slugs(BY_NAME[name])
    ]
    found = sum(1 for path in SOURCES for _ in cited(path))

    assert found > 200
    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_what_it_names(page: Path) -> None:
    for target, heading in _LINKED.findall(page.read_text(encoding="utf-8")):
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), f"{page.name}: {target}"
        if heading:
            assert heading in slugs(there), f"{page.name}: {target}#{heading}"


def test_nothing_is_cited_by_a_number_that_no_page_has() -> None:
    old = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in SOURCES
        if path != Path(__file__)
        for found in _NUMBERED.finditer(path.read_text(encoding="utf-8"))
    ]

    assert old == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    if page.name == "CHANGELOG.md":  # a past version may have had it
        return
    # Without those of a machine that it is installed on.
    named = set(re.findall(r"`(?!/)([\w./-]+\.(?:py|toml|cfg))`", page.read_text(encoding="utf-8")))
    places = (ROOT, ROOT / "reconciler", ROOT / "tests")
    own = {"reconciler.toml"}

    assert {name for name in named if not any((at / name).exists() for at in places)} <= own
