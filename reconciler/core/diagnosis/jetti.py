"""What `doctor` says of Jetti alone: how much of its query language it understands."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum

from msgspec import Struct

from reconciler.core.diagnosis.finding import Finding, Name, advice, fine, unusable
from reconciler.core.diagnosis.proof import OpenCreate
from reconciler.core.diagnosis.services import ServiceFacts, of_service

AREA = "Jetti"


class Understood(StrEnum):
    """Whether a part of a query has an effect."""

    YES = "yes"
    NO = "no"
    REFUSED = "refused"
    ACCEPTED = "accepted"
    """There was nothing that could show an effect."""


class Start(StrEnum):
    """What `from` counts."""

    ROWS = "rows"
    PAGES = "pages"
    NOTHING = "nothing"
    REFUSED = "refused"
    UNSEEN = "unseen"
    """There are too few sale returns to tell."""


class ReasonFacts(Struct, frozen=True, kw_only=True):
    """Adjustment reasons beside `mapping.reasons`."""

    missing: tuple[str, ...] = ()
    """Codes that the mapping names and Jetti did not list."""
    is_whole: bool = True
    """Whether Jetti listed all that it has."""
    count: int = 0
    """Reasons of the mapping."""


class JettiFacts(Struct, frozen=True, kw_only=True):
    """What Jetti answered; None where that was not asked."""

    service: ServiceFacts
    without: tuple[str, ...] = ()
    """Paths that are answered only without `order`, `limit` and `from`."""
    ignored: tuple[str, ...] = ()
    """Filters without an effect, as `externalId of /sales.json`."""
    in_list: Understood | None = None
    include: Understood | None = None
    start: Start | None = None
    reasons: ReasonFacts | None = None
    could_prove: tuple[OpenCreate, ...] | None = None
    """Open creates that could prove `jetti.cancel_ids_key`."""


def of_jetti(facts: JettiFacts) -> Iterator[Finding]:
    """Everything about Jetti."""
    yield from of_service(facts.service)
    yield from _of_filters(facts)
    if facts.in_list is not None:
        yield _of_lists(facts.in_list)
    if facts.include is not None:
        text = f"`include` {_INCLUDE[facts.include]}; no run uses it"
        yield fine(AREA, Name.INCLUDE, text)
    if facts.start is not None:
        yield _of_start(facts.start)
    if facts.reasons is not None:
        yield from _of_reasons(facts.reasons)


_INCLUDE = {
    Understood.YES: "is understood",
    Understood.NO: "has no effect",
    Understood.REFUSED: "is refused",
    Understood.ACCEPTED: "is accepted; whether it has an effect cannot be known before this ledger"
    " has pushed a return",
}


def _of_filters(facts: JettiFacts) -> Iterator[Finding]:
    for what in facts.ignored:
        yield advice(
            AREA,
            Name.FILTER_IGNORED,
            f"Jetti ignores the filter by {what}: runs read all of it, and cannot go on where that"
            " is more than 20 pages",
            "ask Jetti's support about that filter; no setting helps",
        )
    if facts.without:
        yield advice(
            AREA,
            Name.QUERY_PECULIAR,
            f"Jetti refuses `order`, `limit` or `from` ({', '.join(facts.without)}): runs do"
            " without, and cannot go on where an answer has more than one page",
            "nothing; runs say which",
        )


def _of_lists(understood: Understood) -> Finding:
    if understood is Understood.YES:
        return fine(AREA, Name.LISTS, "`$in` is understood: up to 99 returns are asked for at once")
    if understood is Understood.ACCEPTED:
        text = (
            "`$in` is accepted; whether it is understood cannot be known before this ledger has"
            " pushed two returns. Runs look up singly what it may have missed"
        )
        return fine(AREA, Name.LISTS, text)
    how = "is refused" if understood is Understood.REFUSED else "does not find what is there"
    text = f"`$in` {how}: runs ask for one value at a time, which takes many times the requests"
    return advice(AREA, Name.LISTS, text, "nothing; expect passes to take longer")


def _of_start(start: Start) -> Finding:
    if start is Start.UNSEEN:
        text = "what `from` counts cannot be known: there are fewer than four sale returns"
        return fine(AREA, Name.PAGES, f"{text}. Runs find it out where they need it")
    if start in (Start.ROWS, Start.PAGES):
        return fine(AREA, Name.PAGES, f"`from` counts {start.value}; runs page by id before that")
    how = "is refused" if start is Start.REFUSED else "has no effect"
    text = f"`from` {how}: runs page by id, and stop where `$gt` has no effect either"
    return advice(AREA, Name.PAGES, text, "nothing; runs say if they need it")


def _of_reasons(facts: ReasonFacts) -> Iterator[Finding]:
    for code in facts.missing:
        if facts.is_whole:
            yield unusable(
                AREA,
                Name.REASON_MISSING,
                f"mapping.reasons names the adjustment reason {code!r}, which Jetti does not have:"
                " lines with it cannot be pushed",
                "correct mapping.reasons, or add the reason in Jetti",
                3,
            )
        else:
            yield advice(
                AREA,
                Name.REASON_MISSING,
                f"mapping.reasons names the adjustment reason {code!r}, which is not among those"
                " that Jetti listed first; lines with it cannot be pushed if it does not exist",
                "see whether Jetti has it",
            )
    if not facts.missing:
        text = f"Jetti has every adjustment reason that mapping.reasons names ({facts.count})"
        yield fine(AREA, Name.REASONS, text)


def missing_reasons(mapped: Mapping[str, str], known: Collection[str]) -> tuple[str, ...]:
    """Codes that the mapping names and Jetti does not have, sorted."""
    return tuple(sorted(set(mapped.values()) - set(known)))
