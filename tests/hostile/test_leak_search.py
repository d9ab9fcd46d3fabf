"""The search at the end of a test run finds what is planted, with and without workers."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.leaks import LOOP_KEY, SECRETS, found_in, searched_directory
from tests.support.world import Ran

_CONFTEST = """
from tests.support.figures import Figures
from tests.support.leaks import LeakSearch

def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(LeakSearch(Figures(), ()))
"""
_LEAKING = {
    "a file": "def test_it(tmp_path): (tmp_path / 'log').write_text('key canary-' 'loop-key-7d1f')",
    "a name": "def test_it(tmp_path): (tmp_path / ('canary-' 'loop-key-7d1f')).touch()",
    "stdout": "def test_it(): print('Canary' ' Person-7')",
    "a failure": "def test_it(): assert 'sandbox-' 'loop-key' == ''",
}


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """Where a leak may be planted: the search of this run does not look there."""
    with tempfile.TemporaryDirectory(prefix="planted-") as made:
        yield Path(made)


def _run(place: Path, test: str, *options: str) -> tuple[int, str]:
    (place / "conftest.py").write_text(_CONFTEST)
    (place / "pytest.ini").write_text("[pytest]\n")
    (place / "test_planted.py").write_text(test)
    base = ["--basetemp", str(place / "base"), "-p", "no:recording", "-p", "no:hypothesispytest"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *base, *options, "test_planted.py"],
        cwd=place,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("where", _LEAKING)
def test_a_planted_leak_fails_the_run(elsewhere: Path, where: str) -> None:
    code, said = _run(elsewhere, _LEAKING[where])

    assert code == 1
    assert "were left behind" in said


def test_a_planted_leak_fails_the_run_of_several_workers(elsewhere: Path) -> None:
    code, said = _run(elsewhere, _LEAKING["a file"], "-n", "2")

    assert (code, "a canary key" in said) == (1, True)


def test_a_run_without_leaks_is_left_alone(elsewhere: Path) -> None:
    assert _run(elsewhere, "def test_it(): pass")[0] == 0


def test_a_directory_that_goes_is_searched_before() -> None:
    with pytest.raises(AssertionError), searched_directory("planted-") as made:
        (made / "log").write_text(LOOP_KEY)


def test_what_the_program_prints_is_searched() -> None:
    for said in ((LOOP_KEY, ""), ("", LOOP_KEY)):
        with pytest.raises(AssertionError):
            Ran(0, *said)


def test_what_is_found_is_named_and_not_repeated() -> None:
    found = found_in(f"x {LOOP_KEY} y")

    assert found == ["a canary key"]
    assert set(found) <= set(SECRETS)


@pytest.mark.parametrize(
    ("planted", "name"),
    list(
        zip(
            [
                "sandbox-loop-key",
                "sandbox-jetti-token",
                "canary-jetti-token-93be",
                "canary.shopper.17@example.test",
                "canary-17@example.test",
                "Canary Person-17",
                "17 Canary Lane",
                "+1-555-0117",
                "canary comment",
                "https://x.loopreturns.com/#/return/canary-0017",
                "https://labels.example.test/canary/94.pdf",
                "890031000017",
            ],
            SECRETS,
            strict=True,
        )
    ),
    ids=list(SECRETS),
)
def test_each_thing_that_is_planted_is_found(planted: str, name: str) -> None:
    assert found_in(b"\0" * 5000 + planted.encode() + b"\xff") == [name]
