"""The text output of `list`."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core import duration
from reconciler.core.listing import Listed, Listing
from reconciler.core.text import safe
from reconciler.reports.wording import counted, listed, order, state

_MOST = 200
_SETTLED = ("synced", "skipped", "ignored")
_MOST_REASONS = 10


def render(listing: Listing) -> str:
    """The sums, then each return, the longest waiting first."""
    return "\n".join(_lines(listing))


def _lines(listing: Listing) -> Iterator[str]:
    number = len(listing.returns)
    if not number:
        yield "No return is like that."
        return
    states = listed((one.count, state(one.what)) for one in listing.by_state)
    yield f"{counted(number, 'return')}: {states}"
    yield from _reasons(listing)
    yield ""
    for one in listing.returns[:_MOST]:
        yield from _about(one, listing)
    if number > _MOST:
        yield f"… and {number - _MOST} more; --format json lists all"


def _reasons(listing: Listing) -> Iterator[str]:
    if not listing.by_reason:
        return
    yield ""
    yield "reasons"
    for one in listing.by_reason[:_MOST_REASONS]:
        yield f"  {one.count:>6}  {safe(one.what)}"
    if len(listing.by_reason) > _MOST_REASONS:
        yield f"          … and {len(listing.by_reason) - _MOST_REASONS} other reasons"


def _about(one: Listed, listing: Listing) -> Iterator[str]:
    name = f"return {safe(one.return_id, 20)}" if one.return_id else "a row without its id"
    since = _since(one, listing)
    why = f": {safe(one.reason)}" if one.reason else ""
    yield f"{order(one.order_name, one.order_id)}  {name}  {state(one.state)}{since}{why}"
    yield f"    next: {safe(one.next, 500)}"


def _since(one: Listed, listing: Listing) -> str:
    """Since when something is due; of what is settled only when it last changed is known."""
    if one.since is None:
        return ""
    ago = duration.approximate(listing.now - one.since)
    return f", changed {ago} ago" if one.state in _SETTLED else f", due for {ago}"
