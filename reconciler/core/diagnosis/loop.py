"""What `doctor` says of Loop alone: its version, and how it pages."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from msgspec import Struct

from reconciler.core.diagnosis.finding import Finding, Name, advice, fine, unusable
from reconciler.core.diagnosis.services import ServiceFacts, of_service

AREA = "Loop"
KNOWN_VERSIONS = ("2026-07", "2026-10")
"""In which the list and the details are as this program reads them (loop.md#api-versions)."""
_VERSION = re.compile(r"/api/([^/]+)$")
_DATED = re.compile(r"\d{4}-\d{2}", re.ASCII)


class PageFacts(Struct, frozen=True, kw_only=True):
    """The link from a page to the next one."""

    problem: str | None = None
    """Why it cannot be followed."""
    cursor: frozenset[str] = frozenset()
    """Names of what its cursor holds; none where it cannot be decoded."""
    left_out: tuple[str, ...] = ()
    """Parameters of the request that are not in it."""


class LoopFacts(Struct, frozen=True, kw_only=True):
    """What Loop answered."""

    service: ServiceFacts
    base_url: str
    page: PageFacts | None = None
    """None where no second page was seen."""
    has_paged: bool = False
    """Whether a page was asked for that might have had a next one."""


def of_loop(facts: LoopFacts) -> Iterator[Finding]:
    """Everything about Loop."""
    yield from of_service(facts.service)
    yield _of_version(facts.base_url)
    if facts.page is not None:
        yield _of_page(facts.page)
    elif facts.has_paged:
        text = (
            "how Loop pages cannot be known: no two returns that are open have changed in the last"
            " 30 days"
        )
        yield fine(AREA, Name.PAGES, text)


def _of_version(base_url: str) -> Finding:
    found = _VERSION.search(base_url)
    version = found[1] if found else None
    todo = f"set loop.base_url to end in /api/{KNOWN_VERSIONS[0]}"
    if version in KNOWN_VERSIONS:
        return fine(AREA, Name.LOOP_VERSION, f"loop.base_url names Loop's version {version}")
    if version is None:
        text = "loop.base_url names no version: Loop takes the oldest that it still supports"
    elif version == "v1":
        text = "loop.base_url names v1, the old name of 2026-07, which goes away with that version"
    elif version in ("latest", "unstable"):
        text = f"loop.base_url names {version}, which becomes another version without notice"
    elif _DATED.fullmatch(version):
        text = f"loop.base_url names version {version}, with which this program was never tried"
    else:
        text = f"loop.base_url names {version!r}, which is no version that is known"
    return advice(AREA, Name.LOOP_VERSION, text, todo)


def _of_page(page: PageFacts) -> Finding:
    if page.problem is not None:
        return unusable(
            AREA,
            Name.PAGES,
            f"{page.problem}: runs that need more than one page end with 4",
            "report it to Loop's support; meanwhile a larger loop.page_size needs fewer pages",
            3,
        )
    links = f"; its link leaves out {', '.join(page.left_out)}" if page.left_out else ""
    text = f"the next page's cursor {_style(page.cursor)}{links}: runs send every parameter again"
    if not page.cursor:
        return advice(AREA, Name.PAGES, text, "nothing; runs read around each edge by both times")
    return fine(AREA, Name.PAGES, text)


def _style(cursor: Collection[str]) -> str:
    columns = [name for name in ("updated_at", "created_at") if name in cursor]
    if not columns:
        return "cannot be decoded"
    tie = " and an id" if "id" in cursor else " alone, so that each page's edge is read twice"
    return f"holds {' and '.join(columns)}{tie}"
