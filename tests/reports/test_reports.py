"""What reports say, word by word, and that nothing hostile gets through them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.report import Failure, Report, Watermarks
from reconciler.reports import as_json, return_text, run_text, status_text
from tests.reports.samples import (
    GOLDEN,
    HOSTILE,
    SAMPLES,
    busy,
    dry,
    followed,
    hostile,
    looked,
    stopped,
    told,
    unhealthy,
)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_report_reads_as_agreed(name: str, golden_file: Callable[[Path, str], None]) -> None:
    golden_file(GOLDEN / name, SAMPLES[name]())


def test_what_is_remarked_on_a_change_stands_below_it() -> None:
    change = busy().changes[0]
    change = msgspec.structs.replace(change, remarks=("its name in Jetti is another",))
    report = msgspec.structs.replace(busy(), changes=(change,))

    lines = run_text.render(report).splitlines()
    lines = [line for line in lines if not line.startswith("    ") or line.startswith("      ")]

    at = lines.index("      note: its name in Jetti is another")
    assert change.return_id in lines[at - 1]
    assert lines.count(lines[at]) == 1


def test_every_golden_file_belongs_to_a_sample() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(SAMPLES)


@pytest.mark.covers("F102")
@pytest.mark.parametrize("name", [name for name in SAMPLES if name.endswith(".txt")])
def test_nothing_in_a_report_can_steer_a_terminal(name: str) -> None:
    for line in SAMPLES[name]().split("\n"):
        assert line.isprintable()


def test_a_count_in_a_damaged_ledger_cannot_steer_a_terminal() -> None:
    health = unhealthy()
    [run] = health.facts.runs
    run = msgspec.structs.replace(run, counts={HOSTILE: 1})
    facts = msgspec.structs.replace(health.facts, runs=(run,), states={HOSTILE: 1})

    for line in status_text.render(msgspec.structs.replace(health, facts=facts)).split("\n"):
        assert line.isprintable()


def test_no_line_of_a_hostile_report_is_endless() -> None:
    for name in [name for name in SAMPLES if name.endswith("hostile.txt")]:
        assert max(map(len, SAMPLES[name]().split("\n"))) < 6000


@pytest.mark.covers("F103")
@given(st.text(st.characters(), max_size=60))
def test_json_carries_any_text_whole_and_shows_a_terminal_none_of_it(text: str) -> None:
    text = text.encode("utf-8", "ignore").decode()
    encoded = as_json.encode(Failure(text, text))

    assert json.loads(encoded) == {"message": text, "hint": text, "command": None}
    assert all(
        line.replace("\xa0", " ").isprintable() or not _steers(line) for line in encoded.split("\n")
    )


@pytest.mark.covers("F101")
def test_half_a_character_cannot_keep_a_report_from_being_told() -> None:
    told_of = json.loads(as_json.encode(hostile()))

    assert told_of["changes"][0]["reason"] == HOSTILE


def _steers(line: str) -> bool:
    return any(character < " " or "\x7f" <= character < "\xa0" for character in line) or any(
        character in line for character in "\u061c\u200e\u200f\u202a\u202e\u2028\u2029\u2066\u2069"
    )


def test_the_json_report_keeps_its_contract() -> None:
    report = json.loads(as_json.encode(busy()))

    assert set(report) >= {"run", "counts", "requests", "changes"}
    assert set(report["run"]) >= {
        "id", "kind", "dry_run", "started_at", "finished_at", "windows", "watermark", "exit_code",
        "digest",
    }  # fmt: skip
    assert set(report["run"]["windows"][0]) >= {"from", "to", "drained"}
    assert set(report["run"]["watermark"]) == {"before", "after"}
    assert set(report["counts"]) >= {
        "seen", "new", "changed", "unchanged", "created", "updated", "cancelled", "adopted",
        "skipped", "waiting", "failed", "review", "malformed", "pending",
    }  # fmt: skip
    assert set(report["requests"]["loop"]) >= {"get"}
    assert set(report["requests"]["jetti"]) >= {"get", "write"}
    for change in report["changes"]:
        assert set(change) >= {
            "return_id", "order_name", "order_id", "change", "outcome", "reason", "sale_returns",
            "fields",
        }  # fmt: skip
    assert report["changes"][0]["sale_returns"][0] == {"id": 1, "reference": "SR-1"}
    assert set(report["changes"][0]["fields"][0]) == {"field", "before", "after"}
    assert report["run"]["started_at"] == "2026-03-01T12:00:00Z"
    assert report["run"]["kind"] == "scheduled"


def test_the_headline_comes_first() -> None:
    firsts = {name: SAMPLES[name]().split("\n")[0] for name in SAMPLES if name.endswith(".txt")}

    assert "nothing to push from Loop" in firsts["run_quiet.txt"]
    assert "would create 2" in firsts["run_dry.txt"]
    assert "The plan creates 400 sale returns" in firsts["run_stopped.txt"]
    assert "[exit 7]" in run_text.render(stopped(), 200).split("\n")[0]
    assert firsts["status_healthy.txt"] == "Healthy."


def test_each_sentence_of_a_headline_begins_with_a_capital() -> None:
    late = msgspec.structs.replace(dry(), run=msgspec.structs.replace(dry().run, exit_code=3))

    said = run_text.render(late, 200).split("\n")[0]

    assert "Would create 2" in said
    assert "Nothing was written. Some returns need a look. [exit 3]" in said


def test_a_dry_run_moves_no_watermark_and_says_so() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    marks = Watermarks(noon, noon + timedelta(hours=1))
    looked = msgspec.structs.replace(dry(), run=msgspec.structs.replace(dry().run, watermark=marks))

    assert (
        "watermark  2026-03-01 12:00:00Z; a run would move it to 2026-03-01 13:00:00Z"
        in run_text.render(looked)
    )


def test_a_dry_run_says_what_to_type_next() -> None:
    known = msgspec.structs.replace(dry().run, watermark=busy().run.watermark, would_go_live=None)
    with_a_ledger = msgspec.structs.replace(dry(), run=known)

    first_step = run_text.render(dry()).split("\n")[-1]
    assert first_step == "next       reconciler init --since 2026-02-28T12:00:00Z"
    assert run_text.render(followed(with_a_ledger)).split("\n")[-1] == "next       reconciler run"


def test_rendering_is_repeatable() -> None:
    def all_of_it(report: Report) -> tuple[str, ...]:
        return (
            run_text.render(report),
            as_json.encode(report),
            status_text.render(unhealthy(HOSTILE)),
            return_text.render(told(HOSTILE)),
            return_text.render(looked(HOSTILE)),
        )

    assert all_of_it(busy()) == all_of_it(busy())
