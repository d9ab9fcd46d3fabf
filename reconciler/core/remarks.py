"""What operators should know about a return besides its state: why it is held, what is not sent."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from reconciler.core.model import KNOWN_STATES, Entry, Purpose, Return

LATE_SCAN = "expired in Loop while its parcel moves: held"


def why_held(seen: Return, held_states: Collection[str]) -> str:
    """Why a return whose purpose is HOLD is held."""
    if seen.set_aside and seen.state in KNOWN_STATES and seen.state not in held_states:
        return f"{seen.state} in Loop, but not all of it is understood: held"
    if seen.state == "expired" and seen.state not in held_states:
        return LATE_SCAN
    return f"held in Loop ({seen.state})"


def late_scan(entry: Entry, held_states: Collection[str]) -> str | None:
    """Why no status is pushed for a return that Loop let expire while its parcel moves."""
    held = entry.wanted.purpose is Purpose.HOLD and bool(entry.sale_returns)
    if held and why_held(entry.seen, held_states) == LATE_SCAN:
        return f"{LATE_SCAN}, its status stays"
    return None


def about(entry: Entry, held_states: Collection[str]) -> tuple[str, ...]:
    """All remarks, one sentence each."""
    return tuple(_about(entry, held_states))


def _about(entry: Entry, held_states: Collection[str]) -> Iterator[str]:
    if scan := late_scan(entry, held_states):
        yield scan
    for line in entry.wanted.lines:
        if line.reasons:
            sent = f"{line.reason_code} is" if line.reason_code else "none is"
            yield (
                f"the units of line {line.order_line_id} have different reasons:"
                f" {', '.join(line.reasons)}; {sent} sent, all are in the notes"
            )
