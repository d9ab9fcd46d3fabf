"""The ledger as the rest of the program knows it."""

from __future__ import annotations

from reconciler.clock import Clock
from reconciler.ledger.database import Database
from reconciler.ledger.decisions import SqlDecisions
from reconciler.ledger.entries import SqlEntries
from reconciler.ledger.forgotten import SqlForgotten
from reconciler.ledger.journal import SqlJournal
from reconciler.ledger.malformed import SqlMalformedRows
from reconciler.ledger.meta import SqlMetaRow
from reconciler.ledger.periods import SqlPeriods
from reconciler.ledger.plans import SqlPlans
from reconciler.ledger.runs import SqlRuns
from reconciler.ledger.spellings import SqlSpellings
from reconciler.ledger.told import SqlTold
from reconciler.ledger.windows import SqlWindows


class SqlLedger:
    """`core.ports.Ledger` on SQL, and what `status`, `show` and `init` ask besides.

    The parts share one connection. What is said there of transactions and of LedgerError holds for
    every method of theirs.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self.entries = SqlEntries(database, clock)
        self.windows = SqlWindows(database)
        self.malformed = SqlMalformedRows(database)
        self.journal = SqlJournal(database, clock)
        self.plans = SqlPlans(database)
        self.runs = SqlRuns(database)
        self.meta = SqlMetaRow(database)
        self.spellings = SqlSpellings(database)
        self.forgotten = SqlForgotten(database)
        self.told = SqlTold(database)
        self.decisions = SqlDecisions(database)
        self.periods = SqlPeriods(database)
