"""What `doctor` says of what runs passes: cron, timers and daemons."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import pairwise

from msgspec import Struct

from reconciler.core.diagnosis.finding import Finding, Name, advice, fine

AREA = "schedule"
_ASSIGNED = re.compile(r"([A-Za-z_]\w*)\s*=\s*(.*)")
_INLINE = re.compile(r"[A-Za-z_]\w*=")
_PROGRAMS = ("reconciler", "returns-reconciler")
_HARMLESS = frozenset({"env", "exec", "nice", "ionice", "chronic"})
"""What may come before the program without changing which settings it finds."""
_ASKED_FOR = frozenset({"--dry-run", "--from", "--return", "--order", "--accept-plan", "--help"})
"""Options of runs that are no passes of a schedule."""


class Does(StrEnum):
    """What a job runs."""

    PASSES = "passes"
    SWEEPS = "sweeps"
    DAEMON = "passes in a daemon"
    DAEMON_WITH_SWEEPS = "passes and sweeps in a daemon"


class Call(Struct, frozen=True):
    """A command line of this program, as far as it matters here."""

    does: Does
    config: str | None
    """The value of `--config`."""
    variables: Mapping[str, str]
    """Set for this call alone."""
    is_plain: bool
    """Whether nothing before the program can change which settings it finds."""


class Job(Struct, frozen=True):
    """Something that runs passes or sweeps."""

    where: str
    does: Does
    ledger: str | None
    unknown: str | None = None
    """Why its ledger cannot be known."""


class ScheduleFacts(Struct, frozen=True, kw_only=True):
    """What was found, and what could not be looked at."""

    ledger: str
    """The one that the settings name."""
    jobs: tuple[Job, ...]
    idle_timers: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()


class CronLine(Struct, frozen=True):
    """A job of a crontab."""

    number: int
    user: str | None
    """None in a crontab of one user."""
    command: str
    variables: Mapping[str, str]


def of_schedule(facts: ScheduleFacts) -> Iterator[Finding]:
    """Whether passes and sweeps come automatically, and on this ledger."""
    for job in facts.jobs:
        yield _of_job(job, facts.ledger)
    for timer in facts.idle_timers:
        text = f"the timer {timer} is loaded and not active, so it starts nothing"
        yield advice(AREA, Name.TIMER_IDLE, text, f"systemctl enable --now {timer}")
    ours = [job for job in facts.jobs if job.ledger in (facts.ledger, None)]
    passes = [job for job in ours if job.does is not Does.SWEEPS]
    if not passes:
        yield advice(
            AREA,
            Name.NOT_SCHEDULED,
            "nothing that was looked at runs passes on this ledger: unless something else does, a"
            " return is pushed only when somebody types `reconciler run`",
            "take the lines of cron.example, the units of deploy/systemd, or `reconciler serve`",
        )
    elif all(job.does in (Does.PASSES, Does.DAEMON) for job in ours):
        yield advice(
            AREA,
            Name.NO_SWEEP,
            "nothing that was looked at sweeps: what Loop does not count as a change, such as a"
            " scanned label, and a key that was changed may go unnoticed",
            "add `reconciler run --sweep 120d` once a night",
        )
    certain = [job for job in passes if job.ledger is not None]
    if len(certain) > 1:
        where = " and ".join(job.where for job in certain)
        text = f"{where} run passes on this ledger: of two at once, one ends with 75"
        yield advice(AREA, Name.SCHEDULED_TWICE, text, "keep one of them")
    for what in facts.unseen:
        yield fine(AREA, Name.SCHEDULE_UNSEEN, f"{what}, so what runs there is not known")


def _of_job(job: Job, ledger: str) -> Finding:
    if job.ledger is None:
        text = f"{job.where} runs {job.does}; on which ledger cannot be known: {job.unknown}"
        todo = f"compare its settings with these, whose ledger is {ledger}"
        return advice(AREA, Name.SCHEDULE_UNKNOWN, text, todo)
    if job.ledger == ledger:
        return fine(AREA, Name.SCHEDULED, f"{job.where} runs {job.does} on this ledger")
    return advice(
        AREA,
        Name.SCHEDULED_ELSEWHERE,
        f"{job.where} runs {job.does} on another ledger, {job.ledger}: two ledgers of one store"
        " may create the same returns",
        "unless it is another store's, let both name one ledger",
    )


def read_crontab(text: str, *, names_users: bool) -> Iterator[CronLine]:
    """Its jobs, each with the variables that are set above it."""
    variables: dict[str, str] = {}
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if assigned := _ASSIGNED.fullmatch(line):
            variables[assigned[1]] = assigned[2].strip("'\"")
            continue
        before = (1 if line.startswith("@") else 5) + names_users
        fields = line.split(maxsplit=before)
        if len(fields) > before:
            user = fields[before - 1] if names_users else None
            yield CronLine(number, user, fields[before], dict(variables))


def read_call(command: str | Sequence[str]) -> Call | None:
    """The first call of this program that makes passes; None where there is none."""
    words = _words(command) if isinstance(command, str) else list(command)
    # `sudo -u reconciler …` names it, too.
    named = [at for at, word in enumerate(words) if _name(word) in _PROGRAMS]
    for place, following in pairwise([*named, len(words)]):
        arguments = words[place + 1 : following]
        if (does := _does(arguments)) is not None:
            return _call(does, words[:place], arguments)
    return None


def _call(does: Does, before: Sequence[str], arguments: Sequence[str]) -> Call:
    assigned = [word for word in before if _INLINE.match(word)]
    others = [word for word in before if not _INLINE.match(word)]
    return Call(
        does,
        _value_of("--config", arguments),
        dict(word.split("=", 1) for word in assigned),
        is_plain=all(map(_is_harmless, others)),
    )


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def _name(word: str) -> str:
    """Without the directories before it."""
    return word.rpartition("/")[2]


def _is_harmless(word: str) -> bool:
    return word in _HARMLESS or word == "-m" or _name(word).startswith("python")


def _does(arguments: Sequence[str]) -> Does | None:
    names = {word.partition("=")[0] for word in arguments}
    command = next((word for word in arguments if word in ("run", "serve")), None)
    if command is None or names & _ASKED_FOR:
        return None
    if command == "serve":
        return Does.DAEMON_WITH_SWEEPS if "--sweep" in names else Does.DAEMON
    return Does.SWEEPS if "--sweep" in names else Does.PASSES


def _value_of(option: str, arguments: Sequence[str]) -> str | None:
    for at, word in enumerate(arguments):
        if word == option and at + 1 < len(arguments):
            return arguments[at + 1]
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
    return None


def read_units(text: str) -> list[dict[str, str]]:
    """The properties that `systemctl show` prints, unit by unit."""
    blocks = (block.splitlines() for block in text.split("\n\n"))
    units = [dict(line.split("=", 1) for line in lines if "=" in line) for lines in blocks]
    return [unit for unit in units if unit.get("Id")]


def argv_of(exec_start: str) -> str:
    """The command line in a property `ExecStart`; empty where there is none."""
    found = re.search(r"argv\[\]=(.*?) ;", exec_start)
    return found[1] if found else ""
