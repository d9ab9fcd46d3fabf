"""The text output of `verify`: the verdict first, then each difference with what settles it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.core.text import safe
from reconciler.core.verification.report import (
    Difference,
    DifferenceKind,
    NotCompared,
    Verification,
    VerifyCounts,
)
from reconciler.reports import run_text
from reconciler.reports.layout import USUAL, Layout
from reconciler.reports.wording import (
    counted,
    failure,
    listed,
    moment,
    order,
    sentence,
    span,
    state,
    values,
)

_MOST = 200
TITLES = {
    DifferenceKind.NOT_IN_LEDGER: "in Loop and not in the ledger",
    DifferenceKind.NEWER_IN_LOOP: "newer in Loop than in the ledger",
    DifferenceKind.NOT_IN_LOOP: "in the ledger and not in Loop",
    DifferenceKind.LOST_WRITE: "a write of ours is not in Jetti",
    DifferenceKind.EDITED: "set by someone in Jetti since it was pushed",
    DifferenceKind.DELETED: "deleted in Jetti",
    DifferenceKind.DOUBLE: "in Jetti twice",
    DifferenceKind.NOT_RECORDED: "in Jetti, though the ledger does not know that",
    DifferenceKind.UNKNOWN_MARKER: "marked in Jetti with a return that the ledger does not know",
}


def render(found: Verification, width: int = USUAL) -> str:
    """The whole report, `width` columns wide, without a trailing newline."""
    return "\n".join(_lines(found, width))


def _lines(found: Verification, width: int) -> Iterator[str]:
    facts, counts, page = found.verify, found.counts, Layout(width)
    first = f"Verified {span(facts.start, facts.end)}: {verdict(found)}"
    yield from page.wrapped(f"{first} [exit {facts.exit_code}]", 2)
    for problem in facts.failures:
        for text in failure(problem, known=facts.message):
            yield from page.wrapped(text.strip(), 4, first=2)
    yield ""
    yield from page.labelled("read", _read(counts))
    if others := _others(counts):
        yield from page.labelled("as it is", others)
    # What a repair has settled another call would not show again.
    listed_by = "; --format json lists all" if found.repair is None else ""
    for kind, title in TITLES.items():
        of_it = [one for one in found.differences if one.kind is kind]
        yield from _section(title, of_it, page, listed_by)
    yield from _not_compared("wait for someone to decide", found.undecided, page, listed_by)
    yield from _not_compared("still in work", found.in_work, page, listed_by)
    yield ""
    for why in facts.not_read:
        yield from page.labelled("not read", safe(why, 500))
    for remark in facts.remarks:
        yield from page.labelled("note", safe(remark, 1000))
    loop, jetti = found.requests.loop, found.requests.jetti
    yield from page.labelled("requests", f"Loop {loop.get}, Jetti {jetti.get}, all of them GET")
    if found.repair is None:
        yield from page.command("next", found.next)
    else:
        yield ""
        yield run_text.render(found.repair, width)


def verdict(found: Verification) -> str:
    """Whether the three agree, in a sentence."""
    counts, message = found.counts, found.verify.message
    if message is not None:
        return f"{safe(sentence(message), 1000).rstrip('.')}."
    settled = sum(one.repaired for one in found.differences)
    if settled:
        return f"{counted(settled, 'difference')} settled as the run below says."
    if counts.in_work:
        # Some of them are compared all the same, as they were before Loop changed them.
        but = f"but for {counted(counts.in_work, 'return')} still in work"
        return f"Loop, the ledger and Jetti agree, {but}."
    return f"Loop, the ledger and Jetti agree on {counted(counts.compared, 'return')}."


def _read(counts: VerifyCounts) -> str:
    return (
        f"{counts.in_loop} in Loop, {counts.in_ledger} in the ledger,"
        f" {counts.compared} compared with Jetti"
    )


def _others(counts: VerifyCounts) -> str:
    return listed(
        (
            (counts.in_work, "still in work"),
            (counts.ignored, "ignored"),
            (counts.before_go_live, "from before go-live"),
            (counts.forgotten, "forgotten"),
            (counts.gone, "known to be gone from Loop"),
            (counts.moved_on, "with a further status in Jetti"),
            (counts.kept, "fields kept as someone set them"),
        )
    )


def _section(
    title: str, differences: Sequence[Difference], page: Layout, listed_by: str
) -> Iterator[str]:
    if not differences:
        return
    yield ""
    yield from page.wrapped(f"{title} ({len(differences)})", 2)
    for one in differences[:_MOST]:
        yield from _difference(one, page)
    if len(differences) > _MOST:
        left = len(differences) - _MOST
        yield from page.wrapped(f"and {left} more{listed_by}", 4, first=2)


def _difference(one: Difference, page: Layout) -> Iterator[str]:
    name = _name(one.order_name, one.order_id, one.return_id)
    yield from page.wrapped(f"{name}: {safe(one.what, 1000)}", 4, first=2)
    for field in one.fields:
        pushed, live = values(field.pushed, field.live)
        both = f"pushed {pushed}, in Jetti {live}"
        yield from page.below(f"{safe(field.field, 60)}: {both}")
    if one.repaired:
        yield from page.below("taken up: the run below says what came of it")
        return
    command = f": `{one.command}`" if one.command else ""
    yield from page.below(f"proposed: {safe(one.proposed, 500)}{command}")


def _not_compared(
    title: str, returns: Sequence[NotCompared], page: Layout, listed_by: str
) -> Iterator[str]:
    if not returns:
        return
    yield ""
    yield from page.wrapped(f"{title} ({len(returns)})", 2)
    for one in returns[:_MOST]:
        since = f" since {moment(one.since)}" if one.since else ""
        why = f": {safe(one.reason)}" if one.reason else ""
        name = _name(one.order_name, one.order_id, one.return_id)
        yield from page.wrapped(f"{name}  {state(one.state)}{since}{why}", 4, first=2)
    if len(returns) > _MOST:
        left = len(returns) - _MOST
        yield from page.wrapped(f"and {left} more{listed_by}", 4, first=2)


def _name(order_name: str, order_id: str | None, return_id: str) -> str:
    on = f"{order(order_name, order_id)}  " if order_name or order_id else ""
    return f"{on}return {safe(return_id, 20)}"
