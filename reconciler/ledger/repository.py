"""The ledger as the rest of the program knows it."""

from __future__ import annotations

from reconciler.ledger.history import History
from reconciler.ledger.identity import Identity
from reconciler.ledger.inspection import Inspection
from reconciler.ledger.journal import Journal
from reconciler.ledger.reading import Reading
from reconciler.ledger.recording import Recording
from reconciler.ledger.stopping import Stopping


class SqlLedger(Reading, Recording, Stopping, Journal, Identity, History, Inspection):
    """`core.ports.Ledger` on SQL, and what `status`, `show` and `init` ask besides.

    Each method is one transaction, except those that stream: they hold none while the caller works.
    """
