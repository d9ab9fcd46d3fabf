"""What `doctor` says of both services: the key, the clock, and the pace."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from reconciler.core import duration
from reconciler.core.diagnosis.finding import Finding, Level, Name, advice, fine, unusable

CLOCK_TOLERANCE = timedelta(minutes=2)
"""By how much a service's clock may differ; a Date header counts whole seconds, and answers take
some."""


class RateFacts(Struct, frozen=True, kw_only=True):
    """What the headers of an answer say of the requests that a service still takes."""

    headers: tuple[str, ...] = ()
    """Names of those that seem to be about it."""
    remaining: int | None = None
    """None where none of them could be read."""
    limit: int | None = None


class ServiceFacts(Struct, frozen=True, kw_only=True):
    """What a service answered to a few GETs."""

    name: str
    key_setting: str
    asked_at: datetime
    answered_at: datetime | None = None
    """By the service's clock."""
    is_usable: bool = False
    """Whether it has answered everything that a run asks."""
    refused: str | None = None
    failure: str | None = None
    rate: RateFacts | None = None
    """None without an answer."""


def of_service(facts: ServiceFacts) -> Iterator[Finding]:
    """Whether a service can be worked with."""
    area = facts.name
    if facts.refused is not None:
        todo = f"correct {facts.key_setting}, or what that key may do in {area}"
        text = f"{facts.refused}: no run can use it"
        yield unusable(area, Name.KEY_REFUSED, text, todo, 6)
    if facts.failure is not None:
        rest = "it was asked no more" if facts.is_usable else "no run can use it"
        todo = f"see whether {area} is up and its base_url right; then try again"
        yield unusable(area, Name.SERVICE_FAILED, f"{facts.failure}: {rest}", todo, 3)
    if facts.is_usable:
        text = f"{area} accepted the key for everything that a run reads"
        yield fine(area, Name.KEY_ACCEPTED, text)
        yield _of_clock(facts)
    if facts.rate is not None:
        yield _of_rate(area, facts.rate)


def _of_clock(facts: ServiceFacts) -> Finding:
    area = facts.name
    if facts.answered_at is None:
        text = f"{area}'s answer has no Date, so its clock cannot be compared"
        return advice(area, Name.CLOCK_UNKNOWN, text, "nothing; runs allow for it")
    ahead = facts.answered_at - facts.asked_at
    if abs(ahead) <= CLOCK_TOLERANCE:
        return fine(area, Name.CLOCK_AGREES, f"{area}'s clock agrees with this machine's")
    way = "ahead of" if ahead > timedelta(0) else "behind"
    return unusable(
        area,
        Name.CLOCK_DIFFERS,
        f"{area}'s clock is {duration.approximate(abs(ahead))} {way} this machine's: runs may stop,"
        " or read too little",
        "let this machine's clock be set by NTP",
        3,
    )


def _of_rate(area: str, rate: RateFacts) -> Finding:
    shown = ", ".join(rate.headers)
    if rate.remaining is not None:
        of_all = f" of {rate.limit}" if rate.limit is not None else ""
        return fine(
            area,
            Name.RATE,
            f"{area} shows what it still takes ({shown}), {rate.remaining}{of_all} just now: runs"
            " slow down when little is left",
        )
    if rate.headers:
        return advice(
            area,
            Name.RATE,
            f"{area} shows {shown}, which this version cannot read: runs keep to the pace of the"
            " settings, whoever else uses the account",
            f"if runs report 429, lower the pace of {area} in the settings",
        )
    text = f"{area} does not show what it still takes: runs keep to the pace of the settings"
    return Finding(Level.OK, area, Name.RATE, text)
