"""Puts Jetti's parts together around one service."""

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
from reconciler.jetti.creation import Creation
from reconciler.jetti.delivery import Delivery
from reconciler.jetti.lookup import Lookup
from reconciler.jetti.matcher import Matcher
from reconciler.jetti.preview import LookupPreview
from reconciler.jetti.push import Pusher
from reconciler.jetti.reasons import Reasons
from reconciler.jetti.update import Update


class JettiRules(Protocol):
    """The settings of Jetti's that matter here."""

    @property
    def settle(self) -> timedelta: ...
    @property
    def cancel_ids_key(self) -> str: ...


class JettiParts(Struct, frozen=True):
    """The three ways to carry out a plan."""

    matcher: Matcher
    creation: Creation
    update: Update
    journal: Journal
    clock: Clock

    def pusher(self) -> Pusher:
        """For real."""
        return Pusher(self.matcher, self.creation, self.update, self.journal, self.clock)

    def preview(self) -> LookupPreview:
        """Looking only, for a dry run."""
        return LookupPreview(self.matcher, self.update)

    def adopter(self) -> Adopter:
        """Taking over only, for `init --adopt`."""
        return Adopter(self.matcher, self.update, self.journal)


def build(
    settings: JettiRules, service: Service, ledger: Ledger, rules: CreationRules, clock: Clock
) -> JettiParts:
    """All parts around one service; opens nothing."""
    reader = JettiClient(service, clock)
    delivery = Delivery(service, ledger.journal, clock, settings.settle, settings.cancel_ids_key)
    return JettiParts(
        matcher=Matcher(Lookup(reader, clock), ledger, rules, clock, settings.cancel_ids_key),
        creation=Creation(delivery, reader, ledger.journal, ledger.meta, settings.cancel_ids_key),
        update=Update(delivery, reader, ledger.journal, Reasons(reader), clock),
        journal=ledger.journal,
        clock=clock,
    )
