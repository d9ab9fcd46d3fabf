"""The targets towards Jetti, and what only looks, put together around one HTTP service."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from msgspec import Struct

from reconciler.clock import Clock
from reconciler.core.plan import CreationRules
from reconciler.core.ports import Journal, Ledger
from reconciler.http import Service
from reconciler.jetti.adopter import Adopter
from reconciler.jetti.client import JettiClient
from reconciler.jetti.creator import Creator
from reconciler.jetti.delivery import Delivery
from reconciler.jetti.lookup import Lookup
from reconciler.jetti.matcher import Matcher
from reconciler.jetti.preview import LookupPreview
from reconciler.jetti.pusher import Pusher
from reconciler.jetti.reasons import AdjustmentReasons
from reconciler.jetti.resolver import Resolver
from reconciler.jetti.updater import Updater
from reconciler.jetti.viewer import Viewer
from reconciler.jetti.written import WrittenFields


class JettiRules(Protocol):
    """The settings of Jetti that matter here."""

    @property
    def settle(self) -> timedelta: ...
    @property
    def cancel_ids_key(self) -> str: ...


class JettiTargets(Struct, frozen=True):
    """What a plan can be carried out towards; all share one matcher."""

    matcher: Matcher
    ledger: Ledger
    creator: Creator
    updater: Updater
    journal: Journal
    clock: Clock
    written: WrittenFields
    reasons: AdjustmentReasons

    def viewer(self) -> Viewer:
        """Only looks, for `show`."""
        return Viewer(self.matcher, self.preview(), self.ledger, self.reasons, self.clock)

    def pusher(self) -> Pusher:
        """Writes to Jetti."""
        return Pusher(
            self.matcher, self.creator, self.updater, self.journal, self.clock, self.written
        )

    def preview(self) -> LookupPreview:
        """Only looks things up, for a dry run."""
        return LookupPreview(self.matcher, self.updater, self.creator)

    def resolver(self) -> Resolver:
        """Only looks, for someone who decides."""
        return Resolver(self.matcher, self.preview(), self.ledger)

    def adopter(self) -> Adopter:
        """Only adopts, for `init --adopt`."""
        return Adopter(self.matcher, self.updater, self.journal)


def build(
    settings: JettiRules, service: Service, ledger: Ledger, rules: CreationRules, clock: Clock
) -> JettiTargets:
    """Targets that share one service; sends no request yet."""
    client, journal, ids_key = JettiClient(service, clock), ledger.journal, settings.cancel_ids_key
    delivery = Delivery(service, journal, clock, settings.settle, ids_key)
    written = WrittenFields()
    reasons = AdjustmentReasons(client)
    return JettiTargets(
        matcher=Matcher(Lookup(client, clock), ledger, rules, clock, ids_key),
        ledger=ledger,
        creator=Creator(delivery, client, journal, ledger.meta, ids_key, written),
        updater=Updater(delivery, client, journal, reasons, clock, written),
        journal=journal,
        clock=clock,
        written=written,
        reasons=reasons,
    )
