"""Durations as people write them: `90s`, `30m`, `12h`, `7d`, or a number of seconds."""

from __future__ import annotations

import re
from datetime import timedelta

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_PATTERN = re.compile(r"(\d{1,10}(?:\.\d{1,6})?)([smhd]?)", re.ASCII)
_MAX = timedelta(days=36525)  # a century; added to any date of ours it stays in range


def parse(text: str) -> timedelta:
    """A duration from 0 to 100 years. Raises ValueError for everything else."""
    match = _PATTERN.fullmatch(text)
    if not match:
        raise ValueError(text)
    seconds = float(match[1]) * _SECONDS[match[2]]
    if seconds > _MAX.total_seconds():
        raise ValueError(text)
    return timedelta(seconds=seconds)


def format(span: timedelta) -> str:
    """The duration in the largest unit that fits exactly: `2h`, `90m`, `45s`."""
    seconds = span.total_seconds()
    for unit in "dhm":
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds / _SECONDS[unit]:.0f}{unit}"
    return f"{seconds:.6f}".rstrip("0").rstrip(".") + "s"


def approximate(span: timedelta) -> str:
    """The duration in one rough unit, rounded down: `3d`, `50h`, `90m`, `5m`, `45s`."""
    seconds = int(span.total_seconds())
    for unit, least in (("d", 3), ("h", 2), ("m", 2)):
        if seconds >= least * _SECONDS[unit]:
            return f"{seconds // _SECONDS[unit]}{unit}"
    return f"{max(seconds, 0)}s"


def estimate(seconds: float) -> str:
    """Estimated seconds, rounded to a twentieth or better: `3.4d`, `12h`, `9.5h`, `40m`, `45s`."""
    for unit, least in (("d", 3), ("h", 2), ("m", 2)):
        number = seconds / _SECONDS[unit]
        if number >= least:
            return f"{number:.0f}{unit}" if number >= 10 else f"{number:.1f}{unit}"
    return f"{seconds:.0f}s"
