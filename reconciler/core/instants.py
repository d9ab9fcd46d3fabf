"""Instants as text for people. All are UTC; what is finer than the form shows is cut off."""

from __future__ import annotations

from datetime import datetime


def iso(instant: datetime) -> str:
    """`2026-01-31T08:30:00Z`, as it may be typed."""
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def to_the_second(instant: datetime) -> str:
    """`2026-01-31 08:30:00Z`."""
    return f"{instant:%Y-%m-%d %H:%M:%S}Z"


def to_the_minute(instant: datetime) -> str:
    """`2026-01-31 08:30Z`."""
    return f"{instant:%Y-%m-%d %H:%M}Z"
