"""Which spans of time to read, and when a clock or a listing is not to be believed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from reconciler.core.instants import to_the_minute
from reconciler.core.model import Window
from reconciler.errors import ImplausibleListing, SafetyStop, SourceError

# A clock that far behind the watermark is wrong, or the ledger is not this machine's.
_SANE = timedelta(hours=24)

# By so much clocks may be set back before it is worth a word.
_SLIP = timedelta(hours=1)

# Below that many known returns an empty overlap can be chance.
_ENOUGH = 5


def readable_until(now: datetime, server_now: datetime, lag: timedelta) -> datetime:
    """The end of the newest window: behind both clocks by the lag, to the second.

    Behind, because rows show a little after their time; of both, because neither clock is to be
    trusted alone.
    """
    # safeguard: window-lag
    # safeguard: slower-of-both-clocks
    return (min(now, server_now) - lag).replace(microsecond=0)


def cut(start: datetime, end: datetime, longest: timedelta) -> tuple[Window, ...]:
    """The span in windows, oldest first; none when it is empty.

    Loop refuses spans over 120 days (loop.md#window-length, #window-bounds); neighbours share their
    edge, because whether ends are included is not documented.
    """
    windows = []
    while start < end:
        until = min(start + longest, end)
        windows.append(Window(start, until))
        start = until
    return tuple(windows)


def check_clock(now: datetime, watermark: datetime) -> None:
    """Raises SafetyStop when now lies more than a day before what was already read."""
    # safeguard: clock-behind-the-watermark
    if now < watermark - _SANE:
        raise SafetyStop(
            f"this machine's clock says {to_the_minute(now)}, but reading was already complete "
            f"up to {to_the_minute(watermark)}",
            hint="set the clock, then run again",
        )


def check_progress(now: datetime, server_now: datetime, watermark: datetime) -> None:
    """Raises SourceError when nothing new can be read because a clock was set back.

    Such a pass would read nothing, find nothing and seem to be well.
    """
    earlier = min(now, server_now)
    if earlier < watermark - _SLIP:
        whose = "this machine" if now <= server_now else "Loop"
        raise SourceError(
            f"{whose} says that it is {to_the_minute(earlier)}, but reading was already complete "
            f"up to {to_the_minute(watermark)}; nothing newer is read until then",
            hint="set the clock, then run again",
        )


def check_plausible(known: Collection[str], read: Collection[str], window: Window) -> None:
    """Raises ImplausibleListing when none of at least five known returns reappears.

    `known` are returns the ledger has seen with a time inside the window.
    """
    # safeguard: plausible-listing
    if len(known) >= _ENOUGH and not set(known) & set(read):
        raise ImplausibleListing(
            f"Loop lists none of {len(known)} returns that were updated between "
            f"{to_the_minute(window.start)} and {to_the_minute(window.end)}; "
            "the listing is not believed and the watermark stays",
            hint="check in Loop whether the key still belongs to this shop, then run again",
        )
