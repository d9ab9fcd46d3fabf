"""How a setting is declared: the field that holds it says what it may hold and what it is for.

    page_size: Annotated[int, Setting("rows per page", WholeNumber(1, 750))] = 750

`config/` reads values by these declarations and README's table is written from them. Nothing is
read here: a declaration is data.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TypeAlias

from msgspec import Struct


class WholeNumber(Struct, frozen=True):
    """A whole number; both limits are allowed."""

    lowest: int
    highest: int


class Rate(Struct, frozen=True):
    """A number of requests per time. It is above 0: there is no way to say "never"."""

    highest: int = 1_000_000


class Share(Struct, frozen=True):
    """A part of a whole, from 0 to 1."""


class Duration(Struct, frozen=True):
    """A span of time as `core.duration` reads it."""

    longest: timedelta = timedelta(days=3650)
    above_zero: bool = False


class Text(Struct, frozen=True):
    """One line of text that is not empty."""


class Identifier(Struct, frozen=True):
    """A name as JSON keys usually are."""


class OneOf(Struct, frozen=True):
    """One of a few words."""

    words: tuple[str, ...]


class ServiceUrl(Struct, frozen=True):
    """The base URL of a service: https, or http to this machine."""


class LedgerFile(Struct, frozen=True):
    """The path of an SQLite file, or its address."""


class PingUrl(Struct, frozen=True):
    """An address that is only asked to take note: https, or http to this machine. A secret,
    because whoever knows it can ping it."""


class MetricsFile(Struct, frozen=True):
    """The path of a file that node_exporter reads."""


class AppriseUrl(Struct, frozen=True):
    """Where Apprise sends a message, and with which password: a secret."""


class ListOf(Struct, frozen=True):
    """A list; in the environment, words between commas."""

    each: Text | OneOf | AppriseUrl


Limits: TypeAlias = (
    WholeNumber
    | Rate
    | Share
    | Duration
    | Text
    | Identifier
    | OneOf
    | ServiceUrl
    | LedgerFile
    | PingUrl
    | MetricsFile
    | AppriseUrl
    | ListOf
)
"""What one setting may hold."""


def is_secret(limits: Limits | None) -> bool:
    """Whether what a setting holds must not be shown."""
    return isinstance(limits.each if isinstance(limits, ListOf) else limits, PingUrl | AppriseUrl)


class ByReason(Struct, frozen=True):
    """A table with a line for each return reason, spelled as the merchant spells it."""

    each: Text


class ByLabel(Struct, frozen=True):
    """A table with a line for each label status, whatever its case: any word, since Loop's list is
    open (loop.md#label-status-words)."""

    each: OneOf


class ByState(Struct, frozen=True):
    """A table with a table for each of Loop's states."""

    each: ByLabel


Table: TypeAlias = ByReason | ByLabel | ByState
"""Settings whose names the user chooses."""


class Setting(Struct, frozen=True):
    """What a field says of its setting. Given to a table, it counts for each field in it."""

    help: str
    """For README: one line, in Markdown."""
    limits: Limits | Table
    default: str | None = None
    """In words, where the field's own default does not tell it."""
