"""Which spans of time to read, and when not to trust a clock or a listing."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from msgspec import Struct

from reconciler.core.instants import to_the_minute
from reconciler.core.model import Window
from reconciler.errors import ImplausibleListing, SafetyStop, SourceError

# A clock further behind the watermark is wrong, or the ledger belongs to another machine.
_MAX_BEHIND = timedelta(hours=24)

# A clock may be set back by up to this much before it is an error.
_MAX_SET_BACK = timedelta(hours=1)

# With fewer known returns, an empty overlap may be coincidence.
_MIN_KNOWN = 5


class WindowPolicy(Struct, frozen=True):
    """How what is to be read from Loop is cut into windows."""

    lag: timedelta
    """The newest window ends this long ago, because rows become visible a little late."""
    overlap: timedelta
    """The first window starts this long before the watermark."""
    longest: timedelta
    """Longer spans are cut."""


def readable_until(now: datetime, server_now: datetime, lag: timedelta) -> datetime:
    """The end of the newest window: the slower clock minus the lag, in whole seconds.

    The lag, because rows appear a little after their time; the slower of both, because neither
    clock can be trusted alone.
    """
    # safeguard: window-lag
    # safeguard: slower-of-both-clocks
    return (min(now, server_now) - lag).replace(microsecond=0)


def cut(start: datetime, end: datetime, longest: timedelta) -> tuple[Window, ...]:
    """Split a span into windows of at most `longest`, oldest first; none if it is empty.

    Loop refuses spans over 120 days (loop.md#window-length, #window-bounds). Neighbours share an
    edge, because it is not documented whether the ends are included.
    """
    windows = []
    while start < end:
        until = min(start + longest, end)
        windows.append(Window(start, until))
        start = until
    return tuple(windows)


def check_clock(now: datetime, watermark: datetime) -> None:
    """Raise SafetyStop if now is more than a day before what was already read."""
    # safeguard: clock-behind-the-watermark
    if now < watermark - _MAX_BEHIND:
        raise SafetyStop(
            f"this machine's clock says {to_the_minute(now)}, but reading was already complete "
            f"up to {to_the_minute(watermark)}",
            hint="if this clock is wrong, set it, then run again; if it is right, it was ahead "
            "when that was read: wait until then, or restore the ledger from a backup of before",
        )


def check_progress(now: datetime, server_now: datetime, watermark: datetime) -> None:
    """Raise SourceError if nothing new can be read because a clock was set back.

    Such a pass would read nothing, find nothing and look healthy.
    """
    earlier = min(now, server_now)
    if earlier < watermark - _MAX_SET_BACK:
        whose = "this machine" if now <= server_now else "Loop"
        raise SourceError(
            f"{whose} says that it is {to_the_minute(earlier)}, but reading was already complete "
            f"up to {to_the_minute(watermark)}; nothing newer is read until then",
            hint=_our_clock(server_now) if now <= server_now else _loops_clock(now),
        )


def _our_clock(server_now: datetime) -> str:
    """What to do where this machine's clock seems to be behind."""
    return (
        f"Loop says {to_the_minute(server_now)}. If this machine's clock is wrong, set it, then "
        "run again; if it is right, it was ahead when that was read, and passes resume on their "
        "own once it is later than that"
    )


def _loops_clock(now: datetime) -> str:
    """What to do where Loop's clock seems to be behind."""
    return (
        f"this machine says {to_the_minute(now)}. If that is right, Loop's clock is behind, "
        "nothing has to be done here, and passes resume on their own once it has caught up; if it "
        "is wrong, set this machine's clock, then run again"
    )


def check_plausible(known: Collection[str], read: Collection[str], window: Window) -> None:
    """Raise ImplausibleListing if none of at least five known returns reappears.

    `known` are the returns that the ledger knows with a time inside the window.
    """
    # safeguard: plausible-listing
    if len(known) >= _MIN_KNOWN and not set(known) & set(read):
        raise ImplausibleListing(
            f"Loop lists none of {len(known)} returns that were updated between "
            f"{to_the_minute(window.start)} and {to_the_minute(window.end)}; "
            "the listing is implausible, so the watermark stays",
            hint="check in Loop whether the key still belongs to this shop, then run again",
        )
