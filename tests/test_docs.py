"""README, crontab, units, help and changelog name what exists, and all of it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import click
import msgspec
import pytest

from docs import settings_table
from reconciler.cli.exit_codes import MEANINGS
from reconciler.cli.program import program
from reconciler.config import environment, load, schema
from reconciler.core import duration
from reconciler.core.budget import PASS_INTERVAL
from reconciler.core.field_changes import FieldChange
from reconciler.core.model import CountedWord
from reconciler.core.records import SetAside
from reconciler.core.report import (
    BacklogLeft,
    ChangeKind,
    Counts,
    Failure,
    JettiRequests,
    LoopRequests,
    OutcomeKind,
    Problem,
    ReadWindow,
    Report,
    ReportedChange,
    RunFacts,
    RunKind,
    SaleReturnName,
    Sums,
    Watermarks,
)
from reconciler.core.returned_goods import ReportedLine
from reconciler.errors import ConfigError

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
UNITS = sorted((ROOT / "deploy" / "systemd").iterdir())
TEXTS = {
    name: (ROOT / name).read_text(encoding="utf-8")
    for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "cron.example")
} | {unit.name: unit.read_text(encoding="utf-8") for unit in UNITS}
SOURCES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (ROOT / "reconciler").rglob("*.py")
}


def leaves(group: click.Group) -> Iterator[click.Command]:
    """Every command, those of groups too."""
    for command in group.commands.values():
        if isinstance(command, click.Group):
            yield from leaves(command)
        else:
            yield command


COMMANDS = set(program.commands)
OPTIONS = {
    option
    for command in [program, *leaves(program)]
    for parameter in command.params
    if isinstance(parameter, click.Option)
    for option in parameter.opts
    if option.startswith("--")
} | {"--help"}
FOREIGN_OPTIONS = {"--system", "--home-dir", "--shell", "--now"}  # of useradd, systemctl


def section(title: str) -> str:
    """A section of README."""
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(title: str) -> Iterator[list[str]]:
    """The rows of a section's table, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    for line in lines[2:]:
        yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))]


# ------------------------------------------------------------------------------------- commands


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_readme_knows_every_command(name: str) -> None:
    assert re.search(rf"`{name}\b", section("Commands"))


@pytest.mark.parametrize("option", sorted(OPTIONS))
def test_readme_knows_every_option(option: str) -> None:
    assert re.search(rf"{option}\b(?!-)", section("Commands"))


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_no_text_names_an_option_that_does_not_exist(name: str) -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", TEXTS[name]))

    assert named <= OPTIONS | FOREIGN_OPTIONS


@pytest.mark.parametrize("name", sorted(TEXTS | SOURCES))
def test_no_text_names_a_command_that_does_not_exist(name: str) -> None:
    text = (TEXTS | SOURCES)[name]
    named = re.findall(r"(?:`|bin/)reconciler(?: -\S+(?: (?:json|text))?)* ([a-z]\w+)", text)

    assert set(named) <= COMMANDS


OF_SYSTEMCTL = {
    "reconciler/doctor/schedule.py": {"--property", "--user"},
    "reconciler/core/diagnosis/schedule.py": {"--now"},
}
"""Options of another program, by the module that calls it."""


def test_options_in_messages_exist() -> None:
    for name, source in SOURCES.items():
        if "/sandbox/" not in name:
            named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", source))
            assert named <= OPTIONS | OF_SYSTEMCTL.get(name, set()), name


def test_every_example_of_every_help_can_be_parsed() -> None:
    for command in [*program.commands.values(), *leaves(program)]:
        name = command.name
        examples = re.findall(r"^ +reconciler (.+?)(?:   .*)?$", command.help or "", re.MULTILINE)
        assert examples, name
        for example in examples:
            words = [word.strip("'") for word in re.findall(r"'[^']*'|\S+", example)]
            parse(words)


def parse(words: list[str]) -> None:
    from datetime import UTC, datetime

    from reconciler.cli import perform
    from reconciler.cli.session import Caller
    from reconciler.runtime import Runtime

    class Noon:
        def now(self) -> datetime:
            return datetime(2026, 7, 1, 12, tzinfo=UTC)

    context = program.make_context(
        "reconciler", list(words), obj=Caller(Runtime(Noon(), {}), perform)  # type: ignore[arg-type]
    )  # fmt: skip
    at = next(index for index, word in enumerate(words) if word in COMMANDS)
    command, rest = program.commands[words[at]], words[at + 1 :]
    if isinstance(command, click.Group):
        command, *rest = command.commands[rest[0]], *rest[1:]
    command.make_context(words[at], rest, parent=context)


# ------------------------------------------------------------------------------------- settings


def written_keys() -> list[str]:
    """Every key as README may write it."""
    plain = [schema.dotted(key) for key in schema.KEYS if key[0] != "mapping"]
    words = ("mapping.status.STATE.WORD", "mapping.tracking.WORD", "mapping.reasons.REASON")
    return [*plain, *words]


def test_readmes_settings_are_written_from_the_declarations() -> None:
    assert settings_table.written(README) == README, "`make docs` writes them again"


@pytest.mark.parametrize("key", written_keys())
def test_readme_knows_every_setting(key: str) -> None:
    assert any(f"`{key}`" in row[0] for row in rows("Settings"))


def test_readme_names_no_setting_that_does_not_exist() -> None:
    named = {key for row in rows("Settings") for key in re.findall(r"`([^`]+)`", row[0])}

    assert named == set(written_keys())
    for name in re.findall(r"`((?:loop|jetti|policy|mapping|guard)\.[A-Za-z_.]+)`", README):
        assert name in written_keys()


def test_readme_tells_the_defaults() -> None:
    settings = load(None, {"RECONCILER_LEDGER": "sqlite:////x.db"})
    documented: dict[str, str] = {}
    for row in rows("Settings"):
        names = re.findall(r"`([^`]+)`", row[0])
        defaults = [value.strip(" `") for value in row[1].split(", ")]
        if len(names) == len(defaults):
            documented |= dict(zip(names, defaults, strict=True))

    checked = 0
    for name, default in documented.items():
        actual: object = settings
        for part in name.split("."):
            actual = getattr(actual, part, None)
        if isinstance(actual, timedelta):
            assert duration.parse(default) == actual, name
        elif isinstance(actual, int | float):
            assert float(default) == actual, name
        elif isinstance(actual, str) and name != "ledger":
            assert default == actual, name
        else:
            continue
        checked += 1
    assert checked == 15


def _edges(takes: str) -> tuple[list[str], list[str]]:
    """Of what README says that a setting takes: what just is, and what just is not."""
    match re.split(r" from | to |, up to |: ", takes):
        case ["a whole number", low, high]:
            return [low, high], [str(int(low) - 1), str(int(high) + 1), f"{low}.5"]
        case ["a number", low, high]:
            return [low, high], [f"-{low}.001", f"{high}.001"]
        case ["a number above 0", high]:
            return ["0.001", high], ["0", f"{high}.001"]
        case ["a duration", "more than 0", high]:
            return ["0.001s", high], ["0", f"{high[:-1]}.001{high[-1]}"]
        case ["a duration", low, high]:
            return [low, high], [f"-{low}", f"{high[:-1]}.001{high[-1]}"]
        case ["one of", words]:
            return words.split(", "), ["", "draft", words]
        case ["a list of", words]:
            return ["", words, *words.split(", ")], ["draft", f"{words}, draft"]
    return [], []


LIMITS = [
    (key, row[2])
    for row in rows("Settings")
    for key in re.findall(r"`([^`]+)`", row[0])
    if any(_edges(row[2]))
]


@pytest.mark.parametrize(("key", "takes"), LIMITS, ids=[key for key, _ in LIMITS])
def test_readme_tells_the_limits(key: str, takes: str) -> None:
    written = key.replace("STATE", "open").replace("WORD", "new")
    variable = "RECONCILER_" + written.upper().replace(".", "__")
    inside, outside = _edges(takes)

    for value in inside:
        load(None, {variable: value})
    for value in outside:
        with pytest.raises(ConfigError, match=variable):
            load(None, {variable: value})


def test_the_limits_of_no_setting_are_left_out() -> None:
    free = {key for key in written_keys() if key not in dict(LIMITS)}

    assert free == {
        "ledger", "loop.base_url", "jetti.base_url", "jetti.cancel_ids_key",
        "mapping.reasons.REASON", "operations.heartbeat_url", "operations.metrics_file",
        "operations.notify",
    } | {key for key in written_keys() if key.endswith(("include", "exclude"))}  # fmt: skip


def test_readmes_example_of_settings_is_valid(tmp_path: Path) -> None:
    [example] = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    file = tmp_path / "reconciler.toml"
    file.write_text(example, encoding="utf-8")

    assert tomllib.loads(example)
    assert load(str(file), {"RECONCILER_LEDGER": "sqlite:////x.db"}).mapping.reasons


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_every_variable_that_is_named_exists(name: str) -> None:
    known = {
        *map(environment.variable, schema.KEYS),
        *environment.BASE_URL_VARIABLES,
        *environment.KEY_VARIABLES,
        *environment.NO_SETTINGS,
    }
    named = re.findall(r"\b(?:RECONCILER|LOOP|JETTI)_[A-Z_]+\b", TEXTS[name])

    assert set(named) <= known


# ------------------------------------------------------------------------------- codes, units


def test_readme_tells_the_exit_codes_in_the_programs_words() -> None:
    assert {int(code): meaning for code, meaning in rows("Exit codes")} == MEANINGS


def test_readme_names_every_key_of_the_report_and_no_other() -> None:
    """By the types that are written, place by place."""
    told = {
        cells[0].strip("`"): set(re.findall(r"`([a-z_]+)`", cells[1]))
        for cells in rows("The report as JSON")
    }
    values = {one.value for kind in (ChangeKind, OutcomeKind, RunKind) for one in kind}

    def keys_of(struct: type[msgspec.Struct]) -> set[str]:
        return {field.encode_name for field in msgspec.structs.fields(struct)}

    places = {
        "run": keys_of(RunFacts) - {"windows", "watermark", "failures"},
        "run.windows": keys_of(ReadWindow),
        "run.watermark": keys_of(Watermarks),
        "run.failures": keys_of(Failure),
        "counts": keys_of(Counts),
        "requests": {"loop", "jetti"} | keys_of(LoopRequests) | keys_of(JettiRequests),
        "changes": keys_of(ReportedChange) - {"sale_returns", "fields", "lines"},
        "changes.sale_returns": keys_of(SaleReturnName),
        "changes.fields": keys_of(FieldChange),
        "changes.lines": keys_of(ReportedLine),
        "problems": keys_of(Problem),
        "malformed": keys_of(SetAside),
        "unknown_words": keys_of(CountedWord),
        "backlog": keys_of(BacklogLeft),
        "sums": keys_of(Sums),
        "next": set(),
    }
    for place, names in places.items():
        assert told[place] - values == names - values, place
    assert {place.partition(".")[0] for place in told} == keys_of(Report)


def test_the_changelog_knows_every_command() -> None:
    assert all(f"`{name}" in TEXTS["CHANGELOG.md"] for name in COMMANDS)


def test_links_in_readme_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
    for anchor in re.findall(r"\]\(#([^)]+)\)", README):
        titles = re.findall(r"^#+ (.+)$", README, re.MULTILINE)
        assert anchor in {title.lower().replace(" ", "-") for title in titles}


def test_passes_come_as_often_as_the_share_of_the_backlog_rests_on() -> None:
    five, timer = duration.format(timedelta(seconds=PASS_INTERVAL)), TEXTS["reconciler.timer"]
    [every] = [one for one in program.commands["serve"].params if one.name == "every"]

    assert five == "5m"
    assert f"Default: {five}." in getattr(every, "help", "")
    assert re.search(r"^\*/5 \* \* \* \*  .* run >> ", TEXTS["cron.example"], re.MULTILINE)
    assert "OnCalendar=*:0/5 UTC\n" in timer
    assert "FixedRandomDelay=true\n" in timer, "else one comes early and finds the lock taken"


@pytest.mark.covers("R20")
def test_readme_names_onport_s_host_and_the_recipe_for_kept_items_with_its_warning() -> None:
    [kept] = re.findall(r"\*\*Kept items\.\*\*.*?\n\n", README, re.S)

    assert "https://api.onport.com/api" in README
    assert 'mapping.status.closed.none = "cancelled"' in kept
    assert "Not for shops that do not use Loop's labels" in kept
