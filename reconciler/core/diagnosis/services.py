"""What `doctor` says of Loop and Jetti."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from reconciler.core import duration
from reconciler.core.diagnosis.finding import Finding, Level, Name, advice, unusable

CLOCK_TOLERANCE = timedelta(minutes=2)
"""By how much a service's clock may differ; a Date header counts whole seconds, and answers take
some."""


class ServiceFacts(Struct, frozen=True, kw_only=True):
    """What a service answered to a few GETs."""

    name: str
    key_setting: str
    asked_at: datetime
    answered_at: datetime | None = None
    """By the service's clock."""
    refused: str | None = None
    failure: str | None = None
    remarks: tuple[str, ...] = ()
    missing_reasons: tuple[str, ...] = ()
    """Codes that `mapping.reasons` names and Jetti does not have."""


def of_service(facts: ServiceFacts) -> Iterator[Finding]:
    """Whether a service can be worked with."""
    area = facts.name
    if facts.refused is not None:
        todo = f"correct {facts.key_setting}, or what that key may do in {area}"
        yield unusable(area, Name.KEY_REFUSED, facts.refused, todo, 6)
    elif facts.failure is not None:
        todo = f"see whether {area} is up and its base_url right; then try again"
        yield unusable(area, Name.SERVICE_FAILED, facts.failure, todo, 3)
    else:
        text = f"{area} accepted the key for everything that a run reads"
        yield Finding(Level.OK, area, Name.KEY_ACCEPTED, text)
        yield _of_clock(facts)
    for remark in facts.remarks:
        yield advice(area, Name.QUERY_PECULIAR, remark, "nothing; runs adapt to it")
    for code in facts.missing_reasons:
        yield unusable(
            area,
            Name.REASON_MISSING,
            f"mapping.reasons names the adjustment reason {code!r}, which Jetti does not have:"
            " lines with it cannot be pushed",
            "correct mapping.reasons, or add the reason in Jetti",
            3,
        )


def _of_clock(facts: ServiceFacts) -> Finding:
    area = facts.name
    if facts.answered_at is None:
        text = f"{area}'s answer has no Date, so its clock cannot be compared"
        return advice(area, Name.CLOCK_UNKNOWN, text, "nothing; runs allow for it")
    ahead = facts.answered_at - facts.asked_at
    if abs(ahead) <= CLOCK_TOLERANCE:
        text = f"{area}'s clock agrees with this machine's"
        return Finding(Level.OK, area, Name.CLOCK_AGREES, text)
    way = "ahead of" if ahead > timedelta(0) else "behind"
    return unusable(
        area,
        Name.CLOCK_DIFFERS,
        f"{area}'s clock is {duration.approximate(abs(ahead))} {way} this machine's: runs may stop,"
        " or read too little",
        "let this machine's clock be set by NTP",
        3,
    )


def missing_reasons(mapped: Mapping[str, str], known: Collection[str]) -> tuple[str, ...]:
    """Codes that the mapping names and Jetti does not have, sorted."""
    return tuple(sorted(set(mapped.values()) - set(known)))
