"""Carries out what someone decides about returns. Nothing is written to Jetti."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator

from msgspec import Struct

from reconciler.app import LOOK_UP, jetti_service
from reconciler.config import Settings
from reconciler.core.decisions import (
    RESOLVING,
    Decision,
    Outlook,
    Ruling,
    Situation,
    outlook,
    outlook_of_row,
    ruling,
)
from reconciler.core.model import Entry, State
from reconciler.core.plan import CreationRules
from reconciler.core.records import MALFORMED, SetAside
from reconciler.core.states import spoken
from reconciler.errors import ConfigError, SafetyStop
from reconciler.jetti import targets
from reconciler.jetti.resolver import Resolution
from reconciler.ledger import opening
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.runtime import Runtime


class Request(Struct, frozen=True):
    """What was typed: a decision, and about which returns."""

    decision: Decision
    names: tuple[str, ...] = ()
    """Return ids, orders and keys of malformed rows; none with `states`."""
    states: tuple[str, ...] = ()
    """All in these states, as far as it can be decided about them; values of `State`, `malformed`.
    """
    sale_returns: tuple[str, ...] = ()
    """To adopt, by id or reference."""
    reason: str | None = None
    version: str | None = None
    """The version of the return that it was decided about."""
    by: str | None = None
    """The user of the system."""
    wait: float = 0.0
    """Seconds to wait for the lock."""


class Prospect(Struct, frozen=True):
    """What the decision would do to one return, and what it rests on in Jetti."""

    outlook: Outlook
    resolution: Resolution | None = None


Consent = Callable[[tuple[Prospect, ...]], bool]


def decide(
    settings: Settings, request: Request, runtime: Runtime, consent: Consent
) -> tuple[Prospect, ...]:
    """Show what the decision would do, and do it to all of them or none once someone consents.

    `consent` is asked with no lock held, so that no run waits for an answer; what has changed
    meanwhile is not decided about. Returns what was done. Raises ConfigError where it cannot be
    decided, SafetyStop without consent and where a return has moved on, TargetUnavailable,
    KeyRefused, LedgerMissing, LedgerLocked, LedgerError.
    """
    # A copy: looking at Jetti may pin the account, and whoever says no has changed nothing.
    with opening.open_scratch(settings.ledger, runtime.clock) as copy:
        shown = _Deciding(settings, request, runtime, copy).prospects()
    if not _possible(shown):
        return shown
    # safeguard: nothing-is-decided-without-consent
    if not consent(shown):
        raise SafetyStop(
            "nothing was decided: nobody said yes", "answer y on a terminal, or give --yes"
        )
    with opening.open_ledger(
        settings.ledger, runtime.clock, wait=request.wait, busy_seconds=runtime.busy_seconds
    ) as ledger:
        deciding = _Deciding(settings, request, runtime, ledger)
        found = deciding.prospects()
        # safeguard: decided-about-what-was-shown
        if found != shown:
            raise SafetyStop(
                "what was shown has changed meanwhile, so nothing was decided",
                "repeat the command and look again",
            )
        ledger.decisions.record(
            deciding.rulings(found), runtime.clock.now(), by=request.by, reason=request.reason
        )
    return found


def _possible(found: tuple[Prospect, ...]) -> list[Prospect]:
    return [one for one in found if one.outlook.refusal is None]


class _Deciding:
    """One request on one ledger."""

    def __init__(
        self, settings: Settings, request: Request, runtime: Runtime, ledger: SqlLedger
    ) -> None:
        self._settings = settings
        self._request = request
        self._runtime = runtime
        self._ledger = ledger
        self._stopped = ledger.plans.stopped()
        self._members = {one.return_id for one in self._stopped.members} if self._stopped else set()
        self._stopped_by = ledger.meta.read().creation_stopped_by
        self._entries: dict[str, Entry] = {}

    def prospects(self) -> tuple[Prospect, ...]:
        """What it would do. Raises ConfigError, SafetyStop (another version), and what reading
        Jetti raises."""
        request = self._request
        outlooks = list(self._in_states() if request.states else self._named())
        if not request.states:
            _require_possible(outlooks, request)
        if request.decision not in RESOLVING:
            return tuple(Prospect(one) for one in outlooks)
        [one] = outlooks
        resolution = self._resolution(self._entries[one.return_id])
        if resolution.refusal is not None:
            there = "".join(f"\n  {line}" for line in resolution.there)
            raise ConfigError(
                f"return {one.return_id} cannot be resolved like that: {resolution.refusal}"
                + (f"\nOn the order in Jetti:{there}" if there else ""),
                f"look at it with `reconciler show {one.return_id} --against-jetti`",
            )
        return (Prospect(one, resolution),)

    def rulings(self, found: tuple[Prospect, ...]) -> list[Ruling]:
        """The decisions to record, of those about which it can be decided."""
        request = self._request
        return [
            ruling(
                self._entries.get(one.outlook.return_id),
                one.outlook,
                request.decision,
                request.reason,
                is_named=not request.states,
                claim=one.resolution.claim if one.resolution else None,
            )
            for one in _possible(found)
        ]

    def _named(self) -> Iterator[Outlook]:
        done: set[str] = set()
        for name in self._request.names:
            entries = self._ledger.entries.find(name)
            rows = {row.return_id or row.key: row for row in self._ledger.malformed.find(name)}
            if not entries and not rows:
                raise ConfigError(
                    f"{name}: the ledger knows no return and no order of that name",
                    "see `reconciler list`",
                )
            for entry in entries:
                if entry.id not in done:
                    done.add(entry.id)
                    # Whatever comes first: its order may be named, too.
                    by_id = entry.id in self._request.names
                    yield self._outlook(entry, rows.pop(entry.id, None), by_id=by_id)
                rows.pop(entry.id, None)
            for key, row in rows.items():
                if key not in done:
                    done.add(key)
                    yield outlook_of_row(row, self._request.decision)

    def _in_states(self) -> Iterator[Outlook]:
        rows = {row.return_id: row for row in self._ledger.malformed.oldest()}
        states = [State(one) for one in self._request.states if one != MALFORMED]
        known = set()
        for entry in self._ledger.entries.matching(states, None, "") if states else ():
            known.add(entry.id)
            yield self._outlook(entry, rows.get(entry.id), by_id=False)
        if MALFORMED in self._request.states:
            for row in self._ledger.malformed.oldest():
                if not row.is_partial and row.return_id not in known:
                    yield outlook_of_row(row, self._request.decision)

    def _outlook(self, entry: Entry, row: SetAside | None, *, by_id: bool) -> Outlook:
        self._entries[entry.id] = entry
        situation = Situation(
            row=row,
            stopped_with=self._stopped.digest
            if self._stopped is not None and entry.id in self._members
            else None,
            stopped_creation=entry.id == self._stopped_by,
            is_named=not self._request.states,
            by_id=by_id,
        )
        return outlook(entry, self._request.decision, situation)

    def _resolution(self, entry: Entry) -> Resolution:
        settings, ledger, runtime = self._settings, self._ledger, self._runtime
        now = runtime.clock.now()
        unsettled = [one.settle_at for one in entry.intents if one.settle_at > now]
        # safeguard: unsettled-writes-are-not-resolved
        if unsettled:
            return Resolution((), refusal="its last write may still take effect; wait some minutes")
        rules = CreationRules(settings.policy, ledger.meta.read().go_live, asked_for=False)
        with jetti_service(settings, LOOK_UP, runtime) as jetti:
            parts = targets.build(settings.jetti, jetti, ledger, rules, runtime.clock)
            return parts.resolver().foresee(
                entry, self._request.decision, self._request.sale_returns
            )


def _require_possible(found: list[Outlook], request: Request) -> None:
    if request.decision in RESOLVING and len(found) != 1:
        ids = ", ".join(one.return_id for one in found)
        raise ConfigError(
            f"{request.names[0]} has several returns, and one is resolved at a time: {ids}",
            "name the return by its id",
        )
    if all(one.is_so_already for one in found):
        return  # whoever repeats a command, perhaps one that was cut short, did nothing wrong
    for one in found:
        # All of a named order that can be decided about, unless none can.
        if one.refusal is not None and (len(found) == 1 or one.return_id in request.names):
            raise ConfigError(
                f"return {one.return_id} is {spoken(one.state)}: {one.refusal};"
                " nothing was decided",
                f"look at it with `reconciler show {one.return_id}`",
            )
    if all(one.refusal is not None for one in found):
        named = shlex.quote(found[0].order_name or found[0].return_id)
        raise ConfigError(
            "nothing was decided: "
            + "; ".join(f"return {one.return_id}: {one.refusal}" for one in found),
            f"look at them with `reconciler show {named}`",
        )
    if request.version is None:
        return
    if len(found) != 1:
        raise ConfigError(
            f"--version is of one return, and {len(found)} are named", "name the return by its id"
        )
    # safeguard: decided-about-that-version
    if found[0].version != request.version:
        raise SafetyStop(
            f"return {found[0].return_id} has moved on: its version is {found[0].version}, not"
            f" {request.version}; nothing was decided",
            f"look at it with `reconciler show {found[0].return_id}`",
        )
