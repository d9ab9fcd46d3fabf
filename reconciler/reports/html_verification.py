"""What the page about a verification shows, as values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from reconciler.core import duration
from reconciler.core.text import safe
from reconciler.core.verification.report import Difference, NotCompared, Verification
from reconciler.reports import html_bars, html_fields, html_run, verification_text
from reconciler.reports.html_bars import Bars
from reconciler.reports.html_fields import Changed
from reconciler.reports.html_run import MOST_ROWS, Facts, RunPage, Tile
from reconciler.reports.wording import command_line, counted, moment, order, sentence, span, state

_MOST = 500

_TONES = {0: "well", 3: "look", 4: "look", 5: "look", 75: "look"}
_BADGES = {"well": "All three agree", "look": "Needs a look", "stop": "Stopped"}


class Differing(Struct, frozen=True):
    """One difference."""

    order: str
    return_id: str
    kind: str
    what: str
    fields: tuple[Changed, ...]
    """As pushed, and as it is in Jetti."""
    proposed: str
    command: str
    repaired: bool


class Aside(Struct, frozen=True):
    """A return that was not compared."""

    order: str
    return_id: str
    state: str
    since: str
    reason: str


class VerificationPage(Struct, frozen=True):
    """Everything that the page shows of a verification."""

    name: str
    at: str
    verdict: str
    tone: str
    badge: str
    exit_code: int
    failures: tuple[tuple[str, str], ...]
    next: str
    tiles: tuple[Tile, ...]
    bars: tuple[Bars, ...]
    rows: Iterable[Differing]
    """Can be iterated once."""
    listed: int
    more_rows: int
    undecided: tuple[Aside, ...]
    more_undecided: int
    in_work: tuple[Aside, ...]
    more_in_work: int
    listed_by: str
    """What lists all; empty of a repair, which another call would not show again."""
    compared: Facts
    requests: Facts
    timing: Facts
    not_read: tuple[str, ...]
    remarks: tuple[str, ...]
    repair: RunPage | None


def page(found: Verification) -> VerificationPage:
    """The result of a verification as the page shows it."""
    facts = found.verify
    tone = _TONES.get(facts.exit_code, "stop")
    shown = found.differences[:MOST_ROWS]
    verdict = verification_text.verdict(found)
    return VerificationPage(
        name=f"Verification, {span(facts.start, facts.end)}",
        at=moment(facts.finished_at),
        verdict=sentence(verdict),
        tone=tone,
        badge=_BADGES[tone],
        exit_code=facts.exit_code,
        failures=tuple(_failures(found)),
        next="" if found.repair is not None else command_line(found.next) or "",
        tiles=tuple(_tiles(found)),
        bars=tuple(_bars(found)),
        rows=map(_differing, shown),
        listed=len(shown),
        more_rows=len(found.differences) - len(shown),
        undecided=tuple(map(_aside, found.undecided[:_MOST])),
        more_undecided=_more(found.undecided),
        in_work=tuple(map(_aside, found.in_work[:_MOST])),
        more_in_work=_more(found.in_work),
        listed_by="--format csv" if found.repair is None else "",
        compared=tuple(_compared(found)),
        requests=tuple(_requests(found)),
        timing=(
            ("Returns created", span(facts.start, facts.end)),
            ("Began", moment(facts.started_at)),
            ("Ended", moment(facts.finished_at)),
            ("Took", duration.approximate(facts.finished_at - facts.started_at)),
        ),
        not_read=tuple(safe(sentence, 500) for sentence in facts.not_read),
        remarks=tuple(safe(remark, 1000) for remark in facts.remarks),
        repair=html_run.page(found.repair) if found.repair is not None else None,
    )


def _failures(found: Verification) -> Iterator[tuple[str, str]]:
    for one in found.verify.failures:
        message = "" if one.message == found.verify.message else safe(one.message, 1000)
        hint = safe(one.hint, 1000) if one.hint else ""
        if message or hint:
            yield message, hint


def _differing(one: Difference) -> Differing:
    lines = html_fields.order_lines(one.fields)
    return Differing(
        order=order(one.order_name, one.order_id) if one.order_name or one.order_id else "",
        return_id=safe(one.return_id, 20),
        kind=verification_text.TITLES[one.kind],
        what=safe(one.what, 1000),
        fields=tuple(
            html_fields.changed(field.field, field.pushed, field.live, lines)
            for field in one.fields
        ),
        proposed=safe(one.proposed, 500),
        command=safe(one.command or "", 500),
        repaired=one.repaired,
    )


def _aside(one: NotCompared) -> Aside:
    return Aside(
        order=order(one.order_name, one.order_id) if one.order_name or one.order_id else "",
        return_id=safe(one.return_id, 20),
        state=state(one.state),
        since=moment(one.since),
        reason=safe(one.reason or ""),
    )


def _tiles(found: Verification) -> Iterator[Tile]:
    counts = found.counts
    yield Tile(f"{counts.compared:,}", "compared with Jetti")
    for number, what in (
        (len({one.return_id for one in found.differences if not one.repaired}), "differing"),
        (sum(one.repaired for one in found.differences), "differences taken up"),
        (counts.undecided, "dead or in review"),
        (counts.malformed, "not understood"),
        (counts.in_work, "still in work"),
    ):
        if number:
            yield Tile(f"{number:,}", what)


def _bars(found: Verification) -> Iterator[Bars]:
    of_returns = {(one.kind, one.return_id) for one in found.differences}
    kinds = Counter(verification_text.TITLES[kind] for kind, _ in of_returns)
    if (drawn := html_bars.bars("By difference", "Difference", kinds)) is not None:
        yield drawn


def _compared(found: Verification) -> Iterator[tuple[str, str]]:
    counts = found.counts
    yield "In Loop", f"{counts.in_loop:,}"
    yield "In the ledger", f"{counts.in_ledger:,}"
    yield "Compared with Jetti", f"{counts.compared:,}"
    for what, number in (
        ("Not understood", counts.malformed),
        ("Ignored", counts.ignored),
        ("From before go-live", counts.before_go_live),
        ("Forgotten", counts.forgotten),
        ("Known to be gone from Loop", counts.gone),
        ("Sale returns with a further status in Jetti", counts.moved_on),
        ("Fields kept as someone set them", counts.kept),
    ):
        if number:
            yield what, f"{number:,}"


def _requests(found: Verification) -> Iterator[tuple[str, str]]:
    yield "To Loop", counted(found.requests.loop.get, "read")
    yield "To Jetti", counted(found.requests.jetti.get, "read")


def _more(returns: Sequence[NotCompared]) -> int:
    return max(0, len(returns) - _MOST)
