"""What `doctor` finds wrong, or worth knowing, and its exit code: facts in, findings out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from reconciler.core import duration, words
from reconciler.core.health import Health

CLOCK_TOLERANCE = timedelta(minutes=2)
"""By how much a service's clock may differ; a Date header counts whole seconds, and answers take
some."""
DISK_LEFT = 100 * 1024 * 1024
"""Bytes that should be free: room for some years of returns and a copy of the ledger."""
_OPEN_TO_OTHERS = 0o077
_WRITABLE_BY_OTHERS = 0o022


class Level(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    ADVICE = "advice"
    PROBLEM = "problem"


class Name(StrEnum):
    """Stable names of findings; docs/doctor.md says what to do about each."""

    SETTINGS_UNUSABLE = "settings-unusable"
    SETTINGS_FILE = "settings-file"
    SETTING_GIVEN = "setting-given"
    FILE_SHADOWED = "settings-file-shadowed"
    KEY_FOUND = "key-found"
    KEY_UNUSABLE = "key-unusable"
    KEY_QUOTED = "key-quoted"
    KEY_ACCEPTED = "key-accepted"
    KEY_REFUSED = "key-refused"
    SERVICE_FAILED = "service-failed"
    CLOCK_AGREES = "clock-agrees"
    CLOCK_DIFFERS = "clock-differs"
    CLOCK_UNKNOWN = "clock-unknown"
    QUERY_PECULIAR = "query-peculiar"
    REASON_MISSING = "adjustment-reason-missing"
    LEDGER_UNUSABLE = "ledger-unusable"
    LEDGER_SOUND = "ledger-sound"
    LEDGER_IN_MEMORY = "ledger-in-memory"
    LEDGER_OPEN = "ledger-open-to-others"
    LEDGER_IN_USE = "ledger-in-use"
    DISK_FULL = "disk-nearly-full"
    IDS_UNPROVEN = "ids-unproven"
    CREATION_STOPPED = "creation-stopped"
    WORD_UNMAPPED = "word-unmapped"
    NOT_HEALTHY = "not-healthy"


class Finding(Struct, frozen=True):
    """One thing that was looked at."""

    level: Level
    area: str
    """`settings`, `keys`, `Loop`, `Jetti` or `ledger`."""
    name: Name
    text: str
    """What it is, and what follows from that."""
    todo: str | None = None
    """What to do; None where there is nothing."""
    exit_code: int = 0
    """What it alone makes of the exit code."""


class Diagnosis(Struct, frozen=True):
    """Everything that was found."""

    at: datetime
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """6 a key was refused, 2 settings or keys, 3 another problem; the first that applies."""
        codes = {finding.exit_code for finding in self.findings}
        return next((code for code in (6, 2, 3) if code in codes), 0)


class SettingsFacts(Struct, frozen=True, kw_only=True):
    """What the settings are made of."""

    file: str | None
    shadowed: tuple[str, ...]
    sources: Mapping[str, str]
    """Where each setting comes from, by its key."""


class KeyFacts(Struct, frozen=True, kw_only=True):
    """One key, without the key."""

    variable: str
    source: str | None
    is_quoted: bool = False
    problem: str | None = None
    hint: str | None = None


class ServiceFacts(Struct, frozen=True, kw_only=True):
    """What a service answered to a few GETs."""

    name: str
    key_setting: str
    asked_at: datetime
    answered_at: datetime | None = None
    """By the service's clock."""
    refused: str | None = None
    failure: str | None = None
    remarks: tuple[str, ...] = ()
    missing_reasons: tuple[str, ...] = ()
    """Codes that `mapping.reasons` names and Jetti does not have."""


class LedgerFacts(Struct, frozen=True, kw_only=True):
    """The ledger's file and what is in it."""

    path: str
    filesystem: str | None
    free: int | None
    """Bytes; None where that cannot be found out."""
    modes: Mapping[str, int]
    """Of the file and its directory, by path."""
    directory: str
    is_in_use: bool
    ids_key: str
    proven_ids_key: str | None = None
    health: Health | None = None
    problem: str | None = None
    hint: str | None = None


def unusable(area: str, name: Name, text: str, todo: str | None, exit_code: int) -> Finding:
    """A problem that kept something from being looked at."""
    return Finding(Level.PROBLEM, area, name, text, todo, exit_code)


def of_settings(facts: SettingsFacts) -> Iterator[Finding]:
    """Where the settings come from."""
    text = f"settings are read from {facts.file}" if facts.file else "there is no settings file"
    yield Finding(Level.OK, "settings", Name.SETTINGS_FILE, text)
    for path in facts.shadowed:
        yield Finding(
            Level.ADVICE,
            "settings",
            Name.FILE_SHADOWED,
            f"{path} is not read, because {facts.file} is; nothing in it has any effect",
            "keep one of the two, or name the one you mean with --config",
        )
    for key, source in sorted(facts.sources.items()):
        yield Finding(Level.OK, "settings", Name.SETTING_GIVEN, f"{key} comes from {source}")


def of_key(facts: KeyFacts) -> Iterator[Finding]:
    """Whether there is a key that can be sent."""
    if facts.problem is not None:
        yield unusable("keys", Name.KEY_UNUSABLE, facts.problem, facts.hint, 2)
        return
    yield Finding(Level.OK, "keys", Name.KEY_FOUND, f"{facts.variable} comes from {facts.source}")
    if facts.is_quoted:
        yield Finding(
            Level.ADVICE,
            "keys",
            Name.KEY_QUOTED,
            f"{facts.variable} begins or ends with a quotation mark, which is sent as part of it",
            "if the key is refused, remove the quotation marks",
        )


def of_service(facts: ServiceFacts) -> Iterator[Finding]:
    """Whether a service can be worked with."""
    area = facts.name
    if facts.refused is not None:
        todo = f"correct {facts.key_setting}, or what that key may do in {area}"
        yield unusable(area, Name.KEY_REFUSED, facts.refused, todo, 6)
    elif facts.failure is not None:
        todo = f"see whether {area} is up and its base_url right; then try again"
        yield unusable(area, Name.SERVICE_FAILED, facts.failure, todo, 3)
    else:
        text = f"{area} accepted the key for everything that a run reads"
        yield Finding(Level.OK, area, Name.KEY_ACCEPTED, text)
        yield _of_clock(facts)
    for remark in facts.remarks:
        yield Finding(Level.ADVICE, area, Name.QUERY_PECULIAR, remark, "nothing; runs adapt to it")
    for code in facts.missing_reasons:
        yield unusable(
            area,
            Name.REASON_MISSING,
            f"mapping.reasons names the adjustment reason {code!r}, which Jetti does not have:"
            " lines with it cannot be pushed",
            "correct mapping.reasons, or add the reason in Jetti",
            3,
        )


def _of_clock(facts: ServiceFacts) -> Finding:
    area = facts.name
    if facts.answered_at is None:
        text = f"{area}'s answer has no Date, so its clock cannot be compared"
        return Finding(Level.ADVICE, area, Name.CLOCK_UNKNOWN, text, "nothing; runs allow for it")
    ahead = facts.answered_at - facts.asked_at
    if abs(ahead) <= CLOCK_TOLERANCE:
        text = f"{area}'s clock agrees with this machine's"
        return Finding(Level.OK, area, Name.CLOCK_AGREES, text)
    way = "ahead of" if ahead > timedelta(0) else "behind"
    return unusable(
        area,
        Name.CLOCK_DIFFERS,
        f"{area}'s clock is {duration.approximate(abs(ahead))} {way} this machine's: runs may stop,"
        " or read too little",
        "let this machine's clock be set by NTP",
        3,
    )


def of_ledger(facts: LedgerFacts) -> Iterator[Finding]:
    """Whether the ledger is there, will last, and what it tells."""
    yield from _of_place(facts)
    if facts.problem is not None:
        yield unusable("ledger", Name.LEDGER_UNUSABLE, facts.problem, facts.hint, 3)
    if facts.is_in_use:
        text = "a run holds the lock right now"
        yield Finding(Level.OK, "ledger", Name.LEDGER_IN_USE, text)
    if (health := facts.health) is None:
        return
    text = f"{facts.path} can be read, its schema is known and SQLite finds no damage"
    yield Finding(Level.OK, "ledger", Name.LEDGER_SOUND, text)
    if health.facts.creation_stopped is not None:
        yield unusable(
            "ledger",
            Name.CREATION_STOPPED,
            f"creation is stopped: {health.facts.creation_stopped}",
            "see `reconciler status`",
            3,
        )
    elif facts.proven_ids_key != facts.ids_key:
        yield Finding(
            Level.ADVICE,
            "ledger",
            Name.IDS_UNPROVEN,
            f"no create has proven jetti.cancel_ids_key = {facts.ids_key!r} yet: the first one is"
            " sent alone and looked at",
            "nothing; look at the report of the first run that creates something",
        )
    for word in health.facts.unknown_words:
        yield Finding(
            Level.ADVICE,
            "ledger",
            Name.WORD_UNMAPPED,
            f"{word.list} {word.word!r} of {word.returns} returns has no meaning here",
            words.advice(word),
        )
    for reason in health.reasons:
        todo = "see `reconciler status`"
        yield unusable("ledger", Name.NOT_HEALTHY, reason, todo, 3)


def _of_place(facts: LedgerFacts) -> Iterator[Finding]:
    if facts.filesystem in ("tmpfs", "ramfs"):
        yield unusable(
            "ledger",
            Name.LEDGER_IN_MEMORY,
            f"{facts.directory} is kept in memory ({facts.filesystem}): the ledger is lost when"
            " this machine restarts",
            "set `ledger` to a path on a local disk",
            3,
        )
    if facts.free is not None and facts.free < DISK_LEFT:
        yield unusable(
            "ledger",
            Name.DISK_FULL,
            f"{facts.free // 1024 // 1024} MiB are free in {facts.directory}: soon no run can"
            " record anything",
            "make room there",
            3,
        )
    for path, mode in facts.modes.items():
        if mode & (_WRITABLE_BY_OTHERS if path == facts.directory else _OPEN_TO_OTHERS):
            right = "700" if path == facts.directory else "600"
            yield Finding(
                Level.ADVICE,
                "ledger",
                Name.LEDGER_OPEN,
                f"{path} is open to other users (mode {mode:04o}), who could read or replace the"
                " ledger",
                f"chmod {right} {path}",
            )


def missing_reasons(mapped: Mapping[str, str], known: Collection[str]) -> tuple[str, ...]:
    """Codes that the mapping names and Jetti does not have, sorted."""
    return tuple(sorted(set(mapped.values()) - set(known)))
