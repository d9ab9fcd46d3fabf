"""The text output of `list`."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core import duration
from reconciler.core.listing import Listed, Listing
from reconciler.core.text import safe
from reconciler.reports.layout import USUAL, Layout
from reconciler.reports.wording import counted, listed, moment, order, state

_MOST = 200
_SETTLED = ("synced", "skipped", "ignored")
_MOST_REASONS = 10


def render(listing: Listing, width: int = USUAL) -> str:
    """The sums, then each return, the longest waiting first."""
    return "\n".join(_lines(listing, Layout(width)))


def _lines(listing: Listing, page: Layout) -> Iterator[str]:
    number = len(listing.returns)
    if not number:
        yield from page.wrapped("No return is like that.")
        return
    states = listed((one.count, state(one.what)) for one in listing.by_state)
    yield from page.wrapped(f"{counted(number, 'return')}: {states}", 4)
    yield from _reasons(listing, page)
    yield ""
    for one in listing.returns[:_MOST]:
        yield from _about(one, listing, page)
    if number > _MOST:
        yield from page.wrapped(f"… and {number - _MOST} more; --format json lists all", 4)


def _reasons(listing: Listing, page: Layout) -> Iterator[str]:
    if not listing.by_reason:
        return
    yield ""
    yield "reasons"
    for one in listing.by_reason[:_MOST_REASONS]:
        number = str(one.count)
        yield from page.wrapped(f"{number}  {safe(one.what)}", 10, first=max(2, 8 - len(number)))
    if len(listing.by_reason) > _MOST_REASONS:
        more = len(listing.by_reason) - _MOST_REASONS
        yield from page.indented(f"… and {more} other reasons", 10, 0)


def _about(one: Listed, listing: Listing, page: Layout) -> Iterator[str]:
    name = f"return {safe(one.return_id, 20)}" if one.return_id else "a row without its id"
    since = _since(one, listing)
    why = f": {safe(one.reason)}" if one.reason else ""
    on = order(one.order_name, one.order_id)
    yield from page.wrapped(f"{on}  {name}  {state(one.state)}{since}{why}", 4)
    yield from page.indented(f"next: {safe(one.next, 500)}", 4, 2)


def _since(one: Listed, listing: Listing) -> str:
    """Since when something is due; of what is settled only when it last changed is known."""
    if one.since is None:
        return ""
    is_settled = one.state in _SETTLED
    if one.since > listing.now:  # when a clock was wrong; `status` says more
        return f", {'changed' if is_settled else 'due since'} {moment(one.since)}"
    ago = duration.approximate(listing.now - one.since)
    return f", changed {ago} ago" if is_settled else f", due for {ago}"
