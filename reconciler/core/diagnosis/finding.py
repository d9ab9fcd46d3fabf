"""A finding of `doctor`, and what all of them make of its exit code."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


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
    KEY_IN_BLANKS = "key-in-blanks"
    KEY_INEFFECTIVE = "key-ineffective"
    KEY_OF_ANOTHER = "key-file-of-another-user"
    KEY_ACCEPTED = "key-accepted"
    KEY_REFUSED = "key-refused"
    SERVICE_FAILED = "service-failed"
    CLOCK_AGREES = "clock-agrees"
    CLOCK_DIFFERS = "clock-differs"
    CLOCK_UNKNOWN = "clock-unknown"
    RATE = "rate"
    LOOP_VERSION = "loop-version"
    PAGES = "pages"
    QUERY_PECULIAR = "query-peculiar"
    FILTER_IGNORED = "filter-ignored"
    LISTS = "lists"
    INCLUDE = "include"
    REASONS = "adjustment-reasons"
    REASON_MISSING = "adjustment-reason-missing"
    LEDGER_UNUSABLE = "ledger-unusable"
    LEDGER_SOUND = "ledger-sound"
    LEDGER_IN_MEMORY = "ledger-in-memory"
    LEDGER_OPEN = "ledger-open-to-others"
    LEDGER_IN_USE = "ledger-in-use"
    DISK_FULL = "disk-nearly-full"
    IDS_PROVEN = "ids-proven"
    IDS_UNPROVEN = "ids-unproven"
    LAST_RUN = "last-run"
    LAST_BACKUP = "last-backup"
    NO_BACKUP = "no-backup"
    CREATION_STOPPED = "creation-stopped"
    WORD_UNMAPPED = "word-unmapped"
    NOT_HEALTHY = "not-healthy"
    SCHEDULED = "scheduled"
    SCHEDULED_ELSEWHERE = "scheduled-elsewhere"
    SCHEDULE_UNKNOWN = "schedule-unknown"
    TIMER_IDLE = "timer-idle"
    NOT_SCHEDULED = "not-scheduled"
    NO_SWEEP = "no-sweep"
    SCHEDULED_TWICE = "scheduled-twice"
    SCHEDULE_UNSEEN = "schedule-unseen"


class Finding(Struct, frozen=True):
    """One thing that was looked at."""

    level: Level
    area: str
    """`settings`, `keys`, `Loop`, `Jetti`, `ledger` or `schedule`."""
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


def unusable(area: str, name: Name, text: str, todo: str | None, exit_code: int) -> Finding:
    """A problem that kept something from being looked at."""
    return Finding(Level.PROBLEM, area, name, text, todo, exit_code)


def fine(area: str, name: Name, text: str) -> Finding:
    """Something that was looked at and needs nothing."""
    return Finding(Level.OK, area, name, text)


def advice(area: str, name: Name, text: str, todo: str) -> Finding:
    """Something that runs can live with."""
    return Finding(Level.ADVICE, area, name, text, todo)
