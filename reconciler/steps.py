"""What a pass does, step by step, for whoever asks for it with `-v`: a line of the log per window,
per decision about a return, and per change that was carried out.

Nothing is put into words unless it is logged, since an idle pass must not take longer for it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

from reconciler.core.instants import iso
from reconciler.core.model import Entry, Window
from reconciler.core.plan import Change, CreationRules, NothingToPush
from reconciler.core.records import By
from reconciler.core.report import OutcomeKind, ReportedChange
from reconciler.core.why import why
from reconciler.log_events import STEPS, Event

_log = logging.getLogger(STEPS)


def window_read(window: Window, by: By, returns: int, changed: int | None = None) -> None:
    """A window was read to its end: how many returns it has, and how many of them are new or
    changed, where that is asked."""
    if _log.isEnabledFor(logging.INFO):
        facts = {
            "from": iso(window.start),
            "to": iso(window.end),
            "by": by.value,
            "returns": returns,
            "changed": "not compared yet" if changed is None else changed,
        }
        _log.info(
            "read %(from)s to %(to)s by %(by)s; returns: %(returns)d, new or changed: %(changed)s",
            facts,
            extra=Event.WINDOW_READ.fields,
        )


def read_singly(ids: Collection[str]) -> None:
    """Returns were read one by one."""
    if _log.isEnabledFor(logging.INFO):
        for return_id in ids:
            _log.info(
                "return %(return_id)s: read individually",
                {"return_id": return_id},
                extra=Event.RETURN_READ.fields,
            )


def decided(entry: Entry, decision: Change | NothingToPush, rules: CreationRules) -> None:
    """A decision about a return was made."""
    if _log.isEnabledFor(logging.INFO):
        what = decision.kind if isinstance(decision, Change) else decision.state
        facts = {
            "return_id": entry.id,
            "order_name": entry.seen.order_name,
            "decision": what.value,
            "reason": why(entry, decision, rules),
        }
        _log.info(
            "return %(return_id)s on order %(order_name)s: %(decision)s, because: %(reason)s",
            facts,
            extra=Event.RETURN_DECIDED.fields,
        )


def carried_out(done: ReportedChange) -> None:
    """A change was carried out, or could not be. What a dry run plans was logged as it was
    decided."""
    if done.outcome is not OutcomeKind.PLANNED and _log.isEnabledFor(logging.INFO):
        names = ", ".join(one.reference for one in done.sale_returns)
        told = "; ".join(part for part in (names, done.reason) if part)
        facts = {
            "return_id": done.return_id,
            "order_name": done.order_name,
            "change": done.change.value,
            "outcome": done.outcome.value,
            "detail": f" ({told})" if told else "",
        }
        _log.info(
            "return %(return_id)s on order %(order_name)s: %(change)s %(outcome)s%(detail)s",
            facts,
            extra=Event.CHANGE_ENDED.fields,
        )
