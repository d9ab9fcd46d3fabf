"""Plans of entries that are all at hand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from reconciler.core.model import Entry
from reconciler.core.plan import CreationRules, Plan, Planner


def make_plan(entries: Iterable[Entry], rules: CreationRules, began_at: datetime) -> Plan:
    """The plan of these entries."""
    planner = Planner(rules, began_at)
    for entry in entries:
        planner.decide(entry)
    return planner.plan()
