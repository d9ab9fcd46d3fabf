from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest

from tests.faults.busy_shop import BusyShop, Memories, remember, set_up
from tests.faults.canary import Canary
from tests.faults.fault_cells import Cell, every_cell, one_cell_per_pair
from tests.support.fault_table import CELL
from tests.support.figures import Figures
from tests.support.leaks import searched_directory


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The short form has one cell per operation and kind of fault, the long form all of them."""
    if "cell" in metafunc.fixturenames:
        every = metafunc.config.getoption("long")
        cells = list(every_cell() if every else one_cell_per_pair())
        metafunc.parametrize("cell", cells, ids=[cell.name for cell in cells])


@pytest.fixture(scope="session")
def memories() -> Memories:
    """The first pass of the shop is made once."""
    with searched_directory("calm-") as directory:
        return remember(directory)


@pytest.fixture(scope="session")
def canary() -> Iterator[Canary]:
    with Canary().listening() as listening:
        yield listening


@pytest.fixture
def shop(memories: Memories) -> Iterator[BusyShop]:
    """Set up again."""
    with searched_directory("faults-") as directory, set_up(memories, directory) as made:
        yield made


@pytest.fixture
def told(request: pytest.FixtureRequest, figures: Figures) -> Callable[[Cell, Sequence[int]], None]:
    """Count a cell that ended as it should, for the table and for `proof.md`."""

    def tell(cell: Cell, codes: Sequence[int]) -> None:
        operation, kind = cell.operation.name, cell.form.kind
        request.node.user_properties.append((CELL, [operation, kind, list(codes)]))
        figures.add("faults", f"{operation} | {kind}")

    return tell
