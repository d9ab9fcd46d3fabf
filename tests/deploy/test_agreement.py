"""Units, crontab, wrapper, installer and README name the same user, paths, commands and options."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from reconciler.cli.program import program
from tests.deploy.layout import (
    LOGS,
    ROOT,
    SERVICES,
    THE_LAYOUT,
    UNITS,
    cron_environment,
    cron_jobs,
    of_crontab,
    read,
    unit,
)
from tests.test_docs import parse, section

CRON = read("cron.example")
INSTALLER = read("deploy/install")
WRAPPER = read("deploy/reconciler")
LOGROTATE = read("deploy/logrotate")
TEXTS = {
    "README.md": section("First real run"),
    "docs/deployment.md": re.sub("/?berlin(?!\\.toml)", "", read("docs/deployment.md")),
    "cron.example": CRON,
    "deploy/install": INSTALLER,
    "deploy/reconciler": WRAPPER,
    "deploy/logrotate": LOGROTATE,
} | {name: path.read_text(encoding="utf-8") for name, path in UNITS.items()}
PLACES = {
    THE_LAYOUT.program,
    THE_LAYOUT.settings,
    THE_LAYOUT.state,
    *THE_LAYOUT.keys,
    LOGS,
    f"{LOGS}/report.txt",
    f"{LOGS}/log.jsonl",
    "/etc/reconciler",
    f"{THE_LAYOUT.state}/ledger.db",
    "/opt/reconciler",
    "/opt/reconciler/bin",
    "/opt/reconciler/releases",
    "/opt/reconciler/share",
    "/usr/local/bin/reconciler",
    "/etc/cron.d/returns-reconciler",
    "/etc/logrotate.d/returns-reconciler",
}


def usage_options() -> set[str]:
    """The options of the installer, by its own help."""
    usage = INSTALLER.split("<<'EOF'\n")[1].split("\nEOF")[0]
    return set(re.findall(r"--[a-z]+", usage))


def commands() -> list[str]:
    """The command lines that units and crontab run, and that the installer says come next."""
    by_units = [line for name in SERVICES for line in unit(name)["ExecStart"]]
    by_cron = [re.split(r" >>? | \|\| ", line)[0] for _, line in cron_jobs(CRON)]
    # What comes next, and what is said of it where it is run.
    following = re.findall(
        r"\$command ((?:init|run|doctor)\b[^,\n]*?)(?: says.*)?$", INSTALLER, re.M
    )
    return [line.partition(" ")[2] for line in by_units + by_cron] + following


def test_cron_names_what_the_units_name() -> None:
    assert of_crontab(CRON) == THE_LAYOUT
    assert cron_environment(CRON)["CRON_TZ"] == "UTC"


def test_whoever_types_a_command_gets_what_the_units_name() -> None:
    """Its behaviour is in test_install.py; this reads what it would name without `--destdir`."""
    text = WRAPPER.replace("$root", "").replace("${store:-reconciler}", "reconciler")
    text = re.sub(r"\$\{store:\+[^}]*\}", "", text)
    environ = dict(re.findall(r'^    ([A-Z_]+)="(/[^"]*)"', text, re.M))

    assert environ == {
        "HOME": THE_LAYOUT.state,
        "RECONCILER_CONFIG": THE_LAYOUT.settings,
        "STATE_DIRECTORY": THE_LAYOUT.state,
        "JETTI_API_TOKEN_FILE": THE_LAYOUT.keys[0],
        "LOOP_API_KEY_FILE": THE_LAYOUT.keys[1],
    }
    assert f"program={THE_LAYOUT.program}\n" in text
    assert set(re.findall(r"(?:sudo|runuser) -u (\w+)", text)) == {THE_LAYOUT.user}


def test_cron_s_head_makes_what_the_installer_makes() -> None:
    made = {
        path: (mode, owner, group)
        for mode, owner, group, paths in re.findall(
            r"^#   install (?:-d )?-m (\d+) -o (\w+) -g (\w+) (?:/dev/null )?(.*)$", CRON, re.M
        )
        for path in paths.split()
    }
    user = THE_LAYOUT.user

    assert made == {
        "/etc/reconciler": ("0750", "root", user),
        THE_LAYOUT.state: ("0700", user, user),
        LOGS: ("0700", user, user),
        THE_LAYOUT.settings: ("0640", "root", user),
        THE_LAYOUT.keys[0]: ("0600", user, user),
        THE_LAYOUT.keys[1]: ("0600", user, user),
    }
    by_hand = re.search(r"useradd (.*)$", CRON, re.M)
    by_script = re.search(r"^ +useradd ((?:.*\\\n)?.*)$", INSTALLER, re.M)
    assert by_hand
    assert by_script
    for one in (by_hand[1], by_script[1]):
        assert "--system" in one
        assert f"--home-dir {THE_LAYOUT.state} " in one
        assert one.endswith(f" {user}")


def test_what_cron_writes_is_what_logrotate_keeps_short() -> None:
    written = set(re.findall(r">> (/\S+)", CRON))

    assert written == {f"{LOGS}/report.txt", f"{LOGS}/log.jsonl"}
    assert set(re.findall(r"^(/\S+)$", LOGROTATE, re.M)) == written
    assert f"su {THE_LAYOUT.user} {THE_LAYOUT.user}\n" in LOGROTATE
    assert f"create 0600 {THE_LAYOUT.user} {THE_LAYOUT.user}\n" in LOGROTATE
    for _, job in cron_jobs(CRON):
        apart = re.search(r" run\b.* >> (\S+) 2>> (\S+)", job)
        assert (" run" in job) == bool(apart)
        assert not apart or apart[1] != apart[2]


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_no_other_place_is_named(name: str) -> None:
    text = re.sub(r"(?:%i|berlin)\.toml", "reconciler.toml", TEXTS[name]).replace("/%i", "")
    named = set(
        re.findall(r"(?<![\w$}.])/(?:etc|opt|var|usr/local/bin)/[\w./-]*reconciler[\w./-]*", text)
    )

    assert {place.rstrip("./") for place in named} <= PLACES


@pytest.mark.parametrize("line", commands())
def test_every_command_that_is_run_or_said_to_come_next_exists(line: str) -> None:
    parse(shlex.split(line))


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_no_option_of_the_installer_is_named_that_does_not_exist(name: str) -> None:
    for options in re.findall(r"deploy/install((?: --[a-z]+(?: [\w/]+)?)+)", TEXTS[name]):
        assert set(re.findall(r"--[a-z]+", options)) <= usage_options()


def test_the_installer_takes_the_options_of_its_help_and_no_other() -> None:
    taken = set(re.findall(r"^        (--[a-z]+(?: \| --[a-z]+)*)\)", INSTALLER, re.M))

    assert {one for several in taken for one in several.split(" | ")} == usage_options()


def test_secrets_are_named_as_such_where_settings_are_begun() -> None:
    """The file that the installer begins holds no setting yet, and names only such as exist."""
    begun = INSTALLER.split('once 0640 root:reconciler "$settings" <<EOF\n')[1].split("\nEOF")[0]
    lines = [line.removeprefix("# ") for line in begun.splitlines()]
    example = "\n".join(lines[lines.index("[operations]") :])

    assert all(line.startswith("#") for line in begun.splitlines())
    import tomllib

    from reconciler.config import schema

    named = {f"operations.{key}" for key in tomllib.loads(example)["operations"]}
    assert named <= {schema.dotted(key) for key in schema.KEYS}


def test_the_program_s_commands_are_the_ones_that_are_checked() -> None:
    assert isinstance(program, click.Group)
    assert len(commands()) >= len(SERVICES) + 5
    assert Path(ROOT, "deploy/install").stat().st_mode & 0o111
    assert Path(ROOT, "deploy/reconciler").stat().st_mode & 0o111
