from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.ledger import opening
from reconciler.ledger.sql_ledger import SqlLedger
from tests.ledger.samples import BIRTH, StillClock


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.db"


@pytest.fixture
def url(path: Path, clock: StillClock) -> str:
    """A new, empty ledger."""
    url = f"sqlite:///{path}"
    opening.create(url, BIRTH, clock)
    return url


@pytest.fixture
def ledger(url: str, clock: StillClock) -> Iterator[SqlLedger]:
    with opening.open_ledger(url, clock) as opened:
        yield opened
