"""The page of figures says what was not counted, and never calls it 0."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from msgspec import structs

from proof import parts
from proof.page import page
from proof.parts import PARTS, Part, Ran
from tests.support.figures import Figures

_LEAVES = """
import json, pathlib, sys
counted = {
    "counts": {"scale/runs": 1}, "largest": {"scale/peak": 1.5}, "names": {"scale/seeds": ["one"]}
}
for number in "01":
    pathlib.Path(sys.argv[2], f"{number}.json").write_text(json.dumps(counted))
sys.exit(3)
"""
"""A part that leaves its figures in two files, as two workers do, and fails."""

NOTHING = {part.name: None for part in PARTS}
RAN = Ran("python -m pytest", "0123456789ab", True, datetime(2026, 3, 1, tzinfo=UTC), 60.0, 0)


def in_short(text: str) -> dict[str, str]:
    """The rows of its first figures."""
    table = text.partition("## In short")[2].partition("\n## ")[0]
    rows = table.split("|---|---|\n")[1].splitlines()
    return dict(row.strip("| ").split(" | ") for row in rows)


def test_a_part_that_was_not_run_has_no_figures() -> None:
    rows = in_short(page(NOTHING))

    told = {word.strip("* ") for value in rows.values() for word in value.split(",")}
    assert len(rows) > 15
    assert told == {"not counted"}


def test_what_was_counted_stands_beside_what_was_not() -> None:
    counts = Counter({"histories/lost": 0, "histories/returns": 1234, "histories/faults: 503": 7})
    figures = Figures(counts, names={"histories/seeds": {"20260302", "20260301"}})

    rows = in_short(page({**NOTHING, "histories": (RAN, figures)}))

    assert rows["**returns lost**"] == "**0**"
    assert rows["returns"] == "1,234"
    assert rows["faults, deaths in histories"] == "7, not counted"
    assert rows["seeds"] == "20260301, 20260302"
    assert rows["**returns stale**"] == "**not counted**"


def test_parts_that_ran_on_different_machines_say_so() -> None:
    here, there = (structs.replace(RAN, machine={"Python": one, "cores": "2"}) for one in "AB")
    later = structs.replace(there, began=datetime(2026, 3, 2, tzinfo=UTC), commit="ba9876543210")

    top = page({**NOTHING, "faults": (here, Figures()), "scale": (later, Figures())})
    top = top.partition("## In short")[0]

    assert "| Python | A; B |" in top
    assert "| cores | 2 |" in top
    assert "| commit | 0123456789ab, ba9876543210 |" in top


def test_what_a_part_came_to_comes_back_as_it_was(tmp_path: Path) -> None:
    results = tmp_path / "results"
    part = Part("scale", "Figures of a run", ("-c", _LEAVES))
    assert parts.kept(part, results) is None

    ran = parts.run(part, results)

    found = parts.kept(part, results)
    assert found is not None
    assert found[0] == ran
    assert (ran.code, ran.command, bool(ran.machine)) == (3, f"python -c {_LEAVES}", True)
    assert (found[1].counts, found[1].largest) == ({"scale/runs": 2}, {"scale/peak": 1.5})
    assert found[1].names == {"scale/seeds": {"one"}}


def test_what_did_not_pass_is_told_on_top() -> None:
    failed = Ran("python -m proof.scale", RAN.commit, False, RAN.began, 1.0, 1)

    top = page({**NOTHING, "faults": (RAN, Figures()), "scale": (failed, Figures())})
    top = top.partition("## In short")[0]

    assert "histories (not run)" in top
    assert "scale (failed)" in top
    assert "faults (" not in top
    assert f"{RAN.commit} and uncommitted changes" in top
