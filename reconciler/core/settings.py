"""The settings that decide: what is created, how it is told, and when a run must stop."""

from __future__ import annotations

from datetime import timedelta

from msgspec import Struct


class Globs(Struct, frozen=True):
    """Include and exclude patterns in shell style; no include means everything."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class Policy(Struct, frozen=True):
    """Which returns and lines are created in Jetti. Governs creation only."""

    outcomes: Globs = Globs()
    types: Globs = Globs()
    skus: Globs = Globs()
    """Filters lines; a return whose every line is filtered is skipped."""
    held_states: tuple[str, ...] = ("review",)
    patience: timedelta = timedelta(hours=24)
    """How long an order may be missing, or work deferred, before a person should know."""


class Mapping(Struct, frozen=True):
    """How a return is told to Jetti; empty tables mean the defaults of `core.mapping`."""

    status: dict[str, dict[str, str]] = {}
    """Loop state -> label status (`none` without a label) -> Jetti status; words in lower case."""
    tracking: dict[str, str] = {}
    """Label status (`none` without one) -> Jetti tracking status."""
    reasons: dict[str, str] = {}
    """Loop's return reason -> code of a Jetti adjustment reason."""


class Guards(Struct, frozen=True):
    """How large a plan may be before a person must look at it."""

    creates: int = 25
    updates: int = 25
    share: float = 0.30
    """Of the entries that changed in the last 28 days."""
