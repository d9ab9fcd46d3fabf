"""The ledger's file, and what is in it."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from msgspec.structs import replace

from reconciler import inspection
from reconciler.clock import Clock
from reconciler.config import Settings
from reconciler.core.diagnosis.ledger import LedgerFacts
from reconciler.core.diagnosis.proof import OpenCreate, open_creates
from reconciler.core.model import Entry, State
from reconciler.errors import ReconcilerError
from reconciler.ledger.location import filesystem_of, mounts, require_local
from reconciler.ledger.opening import check, is_in_use, open_reader

LOOKED_AT = 20
"""Returns of which it is found out whether they could prove the id list."""
_WAIT = (State.PENDING, State.WAITING, State.FAILED)
_ENOUGH = 2
"""Sale returns by which a query is tried."""


def facts(settings: Settings, clock: Clock) -> LedgerFacts:
    path = settings.ledger_path.absolute()
    table = mounts()
    facts = LedgerFacts(
        path=str(path),
        filesystem=_filesystem(path.parent, table),
        free=_free(path.parent),
        modes=dict(_modes(path, path.parent)),
        directory=str(path.parent),
        is_in_use=is_in_use(settings.ledger),
        ids_key=settings.jetti.cancel_ids_key,
    )
    try:
        require_local(path, table)
        check(settings.ledger, clock)
        with open_reader(settings.ledger, clock) as ledger:
            meta = ledger.meta.read()
            proven = meta.proven_ids_key
            waiting: tuple[OpenCreate, ...] = ()
            if proven != settings.jetti.cancel_ids_key and meta.creation_stopped is None:
                entries = ledger.entries.matching(_WAIT, None, "")
                waiting = tuple(islice(open_creates(entries), LOOKED_AT))
            pushed = ledger.entries.matching([State.SYNCED], None, "")
            sale_returns = tuple(islice(_sale_returns(pushed), _ENOUGH))
        health = inspection.health(settings, clock, None)
    except ReconcilerError as error:
        return replace(facts, problem=str(error), hint=error.hint)
    return replace(
        facts, proven_ids_key=proven, health=health, sale_returns=sale_returns, open_creates=waiting
    )


def _sale_returns(entries: Iterable[Entry]) -> Iterator[int]:
    return (one.id for entry in entries for one in entry.sale_returns)


def _filesystem(directory: Path, table: str) -> str | None:
    with suppress(OSError, RuntimeError):
        return filesystem_of(directory.resolve(), table)
    return None


def _free(directory: Path) -> int | None:
    with suppress(OSError):
        return shutil.disk_usage(directory).free
    return None


def _modes(*paths: Path) -> Iterator[tuple[str, int]]:
    for path in paths:
        with suppress(OSError):
            yield str(path), stat.S_IMODE(path.stat().st_mode)
