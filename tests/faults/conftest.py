from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from busy_shop import BusyShop, Memories, remember, set_up
from canary import Canary
from fault_cells import Cell, every_cell, one_cell_per_pair
from fault_table import CELL
from figures import Figures

_MEMORY = Path("/dev/shm")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The short form has one cell per operation and kind of fault, the long form all of them."""
    if "cell" in metafunc.fixturenames:
        every = metafunc.config.getoption("long")
        cells = list(every_cell() if every else one_cell_per_pair())
        metafunc.parametrize("cell", cells, ids=[cell.name for cell in cells])


@pytest.fixture(scope="session")
def memories() -> Memories:
    """The first pass of the shop is made once."""
    with tempfile.TemporaryDirectory() as directory:
        return remember(Path(directory))


@pytest.fixture(scope="session")
def canary() -> Iterator[Canary]:
    with Canary().listening() as listening:
        yield listening


@pytest.fixture
def shop(memories: Memories, tmp_path: Path) -> Iterator[BusyShop]:
    """Set up anew, its ledger in memory if possible, because every commit is synced to disk."""
    in_memory = _MEMORY if _MEMORY.is_dir() else tmp_path
    with (
        tempfile.TemporaryDirectory(dir=in_memory, prefix="faults-") as directory,
        set_up(memories, Path(directory)) as made,
    ):
        yield made


@pytest.fixture
def told(request: pytest.FixtureRequest, figures: Figures) -> Callable[[Cell, Sequence[int]], None]:
    """Count a cell that ended as it should, for the table and for `proof.md`."""

    def tell(cell: Cell, codes: Sequence[int]) -> None:
        operation, kind = cell.operation.name, cell.form.kind
        request.node.user_properties.append((CELL, [operation, kind, list(codes)]))
        figures.add("faults", f"{operation} | {kind}")

    return tell
