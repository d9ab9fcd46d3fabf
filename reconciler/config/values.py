"""How a setting's written value becomes a value: one reader per kind, each with its limits.

A reader takes what TOML or the environment holds and returns the value, or raises `Unfit`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import SplitResult, urlsplit

from reconciler.config.settings import SQLITE
from reconciler.core import duration
from reconciler.core.loopback import is_loopback

Reader: TypeAlias = Callable[[object], Any]


class Unfit(ValueError):
    """A value that a setting cannot take: `problem` ends "<value> …", `remedy` says what can."""

    def __init__(self, problem: str, remedy: str, shown: str | None = None) -> None:
        super().__init__(problem)
        self.problem, self.remedy = problem, remedy
        self.shown = shown
        """What may be shown of the value, where it could hold a password."""


def whole(lowest: int, highest: int) -> Reader:
    """A whole number within limits."""
    limits = f"a whole number from {lowest} to {highest}"

    def read(raw: object) -> int:
        number = _integer(raw)
        if number is None or not lowest <= number <= highest:
            raise Unfit(f"is not {limits}", f"write {limits}")
        return number

    return read


def _integer(raw: object) -> int | None:
    if isinstance(raw, str) and re.fullmatch(r"-?\d{1,18}", raw, re.ASCII):
        return int(raw)
    return raw if isinstance(raw, int) and not isinstance(raw, bool) else None


def _number(raw: object) -> float | None:
    if isinstance(raw, str) and re.fullmatch(r"-?\d{1,18}(\.\d{1,18})?", raw, re.ASCII):
        return float(raw)
    return float(raw) if isinstance(raw, int | float) and not isinstance(raw, bool) else None


def rate(raw: object) -> float:
    """A number of requests per time; there is no way to say "never"."""
    number = _number(raw)
    if number is None or not 0 < number <= 1_000_000:
        raise Unfit("is not a number above 0", "write a number above 0, up to 1000000")
    return number


def share(raw: object) -> float:
    """A part of a whole."""
    number = _number(raw)
    if number is None or not 0 <= number <= 1:
        raise Unfit("is not a number from 0 to 1", "write a number from 0 to 1, such as 0.30")
    return number


def span(*, above_zero: bool = False, longest: timedelta = timedelta(days=3650)) -> Reader:
    """A duration within limits."""
    lowest = "more than 0" if above_zero else "0"
    limits = f"a duration from {lowest} to {duration.write(longest)}"

    def read(raw: object) -> timedelta:
        value = _duration(raw)
        if value is None or value > longest or (above_zero and not value):
            raise Unfit(f"is not {limits}", f"write {limits}, such as 90s, 30m, 12h or 7d")
        return value

    return read


def _duration(raw: object) -> timedelta | None:
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        return None
    try:
        return duration.parse(str(raw))
    except ValueError:
        return None


def text(raw: object) -> str:
    """One line of text that is not empty."""
    if not isinstance(raw, str) or not raw.strip() or not raw.isprintable():
        raise Unfit("is not a line of text", 'write text, such as "damaged"')
    return raw


def identifier(raw: object) -> str:
    """A name as JSON keys usually are."""
    if not isinstance(raw, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", raw):
        raise Unfit("is not a name", "write letters, digits and underscores, such as ids")
    return raw


def one_of(*allowed: str) -> Reader:
    """One of a few words."""

    def read(raw: object) -> str:
        if raw not in allowed:
            raise Unfit("is not known here", f"write one of: {', '.join(allowed)}")
        return str(raw)

    return read


def texts(each: Reader) -> Reader:
    """A list; in the environment, words between commas."""

    def read(raw: object) -> tuple[str, ...]:
        if isinstance(raw, str):
            raw = [part.strip() for part in raw.split(",")] if raw.strip() else []
        if not isinstance(raw, list):
            raise Unfit("is not a list", 'write a list, such as ["exchange", "refund"]')
        return tuple(each(part) for part in raw)

    return read


def base_url(raw: object) -> str:
    """Where a service lives: https, or http to this machine alone."""
    parts = _split(raw)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Unfit("is not an http address", "write https://host/path", _shown(raw))
    if parts.username is not None or parts.query or parts.fragment:
        raise Unfit("holds more than a host and a path", "write https://host/path", _shown(raw))
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise Unfit(
            "would send the key in clear text to another machine",
            f"write https://{parts.netloc}{parts.path}; http is for loopback only",
        )
    return str(raw).rstrip("/")


def _split(raw: object) -> SplitResult | None:
    if not isinstance(raw, str) or not raw.isascii() or not raw.isprintable() or " " in raw:
        return None
    try:
        parts = urlsplit(raw)
        _ = parts.port  # raises for a port that is none
    except ValueError:
        return None
    return parts


def _shown(raw: object) -> str:
    """The address without what could be a password."""
    return re.sub(r"//.*@|[?#].*", "//…", str(raw))


def ledger(raw: object) -> str:
    """The address of an SQLite file, or just its path, made absolute: cron's working directory is
    not yours."""
    remedy = "write its path, such as /absolute/path/to/ledger.db"
    if not isinstance(raw, str) or not raw.isprintable() or not _may_be_a_file(raw):
        scheme = str(raw).partition(":")[0]
        raise Unfit("is not the address of an SQLite file", remedy, f"{scheme[:40]}:…")
    path = raw.removeprefix(SQLITE)
    if path in ("", ":memory:") or path.endswith("/") or "?" in path:
        raise Unfit("does not name a file alone", remedy)
    if path.startswith("~"):
        raise Unfit("has a ~, which only a shell understands", "write the directory out")
    if raw != path and path.partition("/")[0] in _ROOTS and "/" in path:
        raise Unfit(
            f"lacks a slash, if /{path} is meant",
            f"write {SQLITE}/{path}, or just /{path}; a path from here is {SQLITE}./{path}",
        )
    return f"{SQLITE}{Path(path).absolute()}"


_ROOTS = frozenset(
    {"Users", "Volumes", "data", "dev", "etc", "home", "lib", "media", "mnt", "opt", "private"}
    | {"root", "run", "srv", "tmp", "usr", "var"}
)
"""Directories at the top of common systems: hardly how a relative path begins."""


def _may_be_a_file(written: str) -> bool:
    """An SQLite address with three slashes, or a path: nothing that begins as another address."""
    return written.startswith(SQLITE) or not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", written)
