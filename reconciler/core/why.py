"""What was decided about a return and why, in one sentence for the log."""

from __future__ import annotations

from reconciler.core.model import Entry, Purpose, State
from reconciler.core.plan import Change, CreationRules, NothingToPush, why_not_created
from reconciler.core.report import ChangeKind

_MOST_FIELDS = 3


def why(entry: Entry, decision: Change | NothingToPush, rules: CreationRules) -> str:
    """The reason for a decision of `core.plan.decide` about this entry; names no customer."""
    if isinstance(decision, NothingToPush):
        if decision.reason is not None:
            return decision.reason
        same = "nothing has to be written: all of it was pushed"
        return same if decision.state is State.SYNCED else "nothing has to be written"
    if decision.reads_back:
        return "a write for it has no answer yet, so Jetti is asked first"
    if decision.kind is ChangeKind.ADOPT:
        return f"looked for in Jetti; where it is not there: {why_not_created(entry, rules)}"
    if decision.kind is ChangeKind.CREATE:
        asked = ", and it was asked for" if decision.before_go_live else ""
        return f"{entry.seen.state} in Loop, and no sale return of it is known{asked}"
    if entry.wanted.purpose is Purpose.CANCEL:
        return f"{entry.seen.state} in Loop after it was pushed"
    names = [field.field for field in decision.fields]
    if not names:
        return "it no longer fits what was pushed, so Jetti is asked first"
    more = f" and {len(names) - _MOST_FIELDS} more" if len(names) > _MOST_FIELDS else ""
    return f"other than what was pushed: {', '.join(names[:_MOST_FIELDS])}{more}"
