"""The log: to stderr, one line per record, free of keys and of terminal control characters."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from reconciler.cli import streams
from reconciler.core.instants import iso
from reconciler.core.text import safe
from reconciler.log_events import STEPS

if TYPE_CHECKING:
    from reconciler.config import Secret

_HIDDEN = "[hidden]"
_LONG_PART = 12  # of an address: a shorter one is a host, or a word
_SHORTEST_SECRET = 4  # shorter ones would blank out ordinary words
_LONGEST_LINE = 2000
_MOST_KEPT = 20  # lines

# They log every URL or every job at INFO; our own loggers report what matters.
_NOISY = {
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "alembic": logging.WARNING,
    "apscheduler": logging.ERROR,
    "tzlocal": logging.ERROR,
}


def level(command: str | None, verbose: int, *, quiet: bool) -> int:
    """The lowest level to log. A daemon has nothing but its log, so it logs more."""
    if quiet:
        return logging.ERROR
    usual = logging.INFO if command == "serve" else logging.WARNING
    return (usual, min(usual, logging.INFO), logging.DEBUG)[min(verbose, 2)]


@contextmanager
def to_stderr(environ: Mapping[str, str]) -> Iterator[None]:
    """Log warnings to stderr, as text, while the context lasts; `change` changes both."""
    logging.raiseExceptions = False  # a log that cannot be written must not hide the result
    handler = logging.StreamHandler()
    handler.setFormatter(Lines(environ))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name, its_least in _NOISY.items():
        logging.getLogger(name).setLevel(its_least)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


def change(least: int, log_format: str, environ: Mapping[str, str], *, steps: bool = True) -> None:
    """Log from this level on, in this format, wherever `to_stderr` logs to. `steps`: also what a
    pass does step by step, if the level lets it."""
    for handler in _handlers():
        handler.setFormatter(JsonLines(environ) if log_format == "json" else Lines(environ))
    logging.getLogger().setLevel(least)
    logging.getLogger(STEPS).setLevel(logging.NOTSET if steps else logging.WARNING)


def _handlers() -> list[logging.Handler]:
    return [one for one in logging.getLogger().handlers if isinstance(one.formatter, Lines)]


@contextmanager
def kept(environ: Mapping[str, str]) -> Iterator[list[str]]:
    """The last lines of warning that are logged while the context lasts, as the log has them."""
    handler = _Kept(environ)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield handler.lines
    finally:
        root.removeHandler(handler)


class _Kept(logging.Handler):
    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(logging.WARNING)
        self.setFormatter(Lines(environ))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))
        del self.lines[:-_MOST_KEPT]


class Lines(logging.Formatter):
    """`2026-01-31T12:00:00Z WARNING message`; a traceback follows line by line."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__()
        self._environ = environ

    @cached_property
    def _redact(self) -> Callable[[str], str]:
        # Built only once something is logged: `--help` has to be quick.
        return redactor(self._environ, _hidden)

    def learn_keys(self) -> None:
        """Also hide the keys that the environment points to now."""
        known, new = self._redact, redactor(self._environ, _hidden)
        self.__dict__["_redact"] = lambda text: new(known(text))

    def format(self, record: logging.LogRecord) -> str:
        first = f"{iso(streams.now())} {record.levelname} {self._plain(record.getMessage())}"
        return "\n".join([first, *(self._plain(line) for line in self._traceback(record))])

    def _traceback(self, record: logging.LogRecord) -> list[str]:
        return self.formatException(record.exc_info).split("\n") if record.exc_info else []

    def _plain(self, text: str) -> str:
        return safe(self._redact(text), _LONGEST_LINE)


class JsonLines(Lines):
    """One JSON object per line, as all of stderr has them (docs/log.md)."""

    def format(self, record: logging.LogRecord) -> str:
        traceback = [self._plain(line) for line in self._traceback(record)]
        return streams.json_line(
            record.levelname.lower(),
            getattr(record, "event", None),
            self._plain(record.getMessage()),
            logger=record.name,
            facts=self._facts(record),
            traceback=traceback or None,
        )

    def _facts(self, record: logging.LogRecord) -> dict[str, object] | None:
        """What the message was made of, where it was made of names and values."""
        if not isinstance(record.args, Mapping):
            return None
        return {
            name: self._plain(value) if isinstance(value, str) else value
            for name, value in record.args.items()
        }


def learn_keys() -> None:
    """Hide keys that may have changed, and the old ones too."""
    for handler in _handlers():
        if isinstance(handler.formatter, Lines):
            handler.formatter.learn_keys()


_hidden: list[Secret] = []
"""Secrets among the settings, which are in no environment that a formatter could look at."""


def hide(secrets: Iterable[Secret]) -> None:
    """Blank these out, too, from now on."""
    new = [one for one in secrets if one not in _hidden]
    if new:
        _hidden.extend(new)
        learn_keys()


def _parts_of(address: str) -> Iterator[str]:
    """The address, and what of it somebody might repeat without the rest: user, password, token."""
    yield address
    rest = address.partition("://")[2]
    user, _, rest = rest.rpartition("@")
    yield from user.split(":")
    yield from (part for part in re.split(r"[/?&=]", rest) if len(part) >= _LONG_PART)


def redactor(environ: Mapping[str, str], more: Iterable[Secret] = ()) -> Callable[[str], str]:
    """A function that blanks out every key that this environment points to, and more."""
    from reconciler.config import secret

    found = (secret.find(name, environ) for name in (secret.LOOP_API_KEY, secret.JETTI_API_TOKEN))
    known = [key.reveal() for key in found if isinstance(key, secret.Secret)]
    known += [part for one in more for part in _parts_of(one.reveal())]
    patterns = [re.escape(key) for key in known if len(key) >= _SHORTEST_SECRET]
    pattern = re.compile("|".join(sorted(patterns, key=len, reverse=True)) or r"(?!)")
    # safeguard: keys-hidden-in-logs
    return lambda text: pattern.sub(_HIDDEN, text)
