"""What holds for all tests."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.fault_table import print_cells, print_seeds
from tests.support.figures import Figures
from tests.support.golden import Golden, name_of
from tests.support.leaks import LeakSearch, searched_directory
from tests.support.world import World, a_world

# The same examples everywhere and every time, however slow the machine is.
_REPEATABLE = settings(
    derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("dev", _REPEATABLE)
settings.register_profile("ci", _REPEATABLE)
settings.register_profile("nightly", _REPEATABLE, max_examples=1000)
# Thousands of times over, once for each mutant (`proof/mutants.py`).
settings.register_profile("mutants", _REPEATABLE, max_examples=20)
# `ci` draws six times as many random histories, four minutes of two cores: more than `make check`
# has to spare for one of its parts.
settings.load_profile("dev")

_HERE = Path(__file__).parent
_RECORDED = (_HERE / "cassettes", _HERE / "golden", _HERE / "reports" / "golden")
"""What earlier runs have recorded."""

_FIGURES = pytest.StashKey[Figures]()
_GOLDEN = pytest.StashKey[Golden]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--figures",
        type=Path,
        metavar="DIR",
        help="leave what the tests counted in this directory, for proof.md",
    )
    parser.addoption(
        "--long", action="store_true", help="the long forms of the proofs, which nobody waits for"
    )
    parser.addoption(
        "--browser",
        action="store_true",
        help="a browser has to be there: without one its tests fail, instead of being skipped",
    )
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write golden files as the program words things now (`make golden`); not with workers",
    )


def pytest_configure(config: pytest.Config) -> None:
    counted = config.stash[_FIGURES] = Figures()
    updates = bool(config.getoption("update_golden"))
    if updates and config.getoption("numprocesses", None):
        raise pytest.UsageError("--update-golden writes one file, so it needs -n 0")
    config.stash[_GOLDEN] = Golden(updates=updates)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(LeakSearch(counted, _RECORDED), "leak search")


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What was collected stays until the end: the garbage collector need not look at it again and
    again, which takes an eighth of the time."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish(session: pytest.Session) -> None:
    directory: Path | None = session.config.getoption("figures")
    session.config.stash[_GOLDEN].write()
    counted = session.config.stash[_FIGURES]
    if directory is not None and (counted.counts or counted.largest or counted.names):
        directory.mkdir(parents=True, exist_ok=True)
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        counted.write(directory / f"{worker}-{os.getpid()}.json")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    print_cells(terminalreporter, every=bool(config.getoption("long")))
    print_seeds(terminalreporter)


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    """Where a test counts what it did."""
    return request.config.stash[_FIGURES]


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Whether a text reads as the section of this test says (tests/golden/messages.txt)."""
    kept = request.config.stash[_GOLDEN]
    return lambda text: kept.check(name_of(request.node), text)


@pytest.fixture
def golden_file(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Whether a text is what a golden file holds."""
    return request.config.stash[_GOLDEN].check_file


@pytest.fixture
def long(request: pytest.FixtureRequest) -> bool:
    """Whether the long form of a proof is asked for."""
    return bool(request.config.getoption("long"))


@pytest.fixture
def directory() -> Iterator[Path]:
    """Where a ledger lives."""
    with searched_directory("ledger-") as made:
        yield made


@pytest.fixture
def world(directory: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """An empty shop in process, or over sockets where the test is marked so."""
    sockets = request.node.get_closest_marker("sockets") is not None
    with a_world(directory, sockets=sockets) as made:
        yield made
