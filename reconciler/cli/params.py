"""Times and durations on the command line."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import click

from reconciler.cli.session import caller
from reconciler.core import duration
from reconciler.core.instants import iso

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DATE_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?", re.ASCII
)
_AGO = re.compile(r"[\d.]+[smhd]", re.ASCII)
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # no shop on Loop is older


class Span(click.ParamType):  # type: ignore[type-arg]
    """A duration: `90s`, `30m`, `12h`, `7d`, or seconds."""

    name = "duration"

    def __init__(self, *, above_zero: bool = False) -> None:
        self._above_zero = above_zero

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        if isinstance(value, timedelta):
            return value
        try:
            span = duration.parse(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a duration; write 90s, 30m, 12h, 7d or seconds", param)
        if self._above_zero and not span:
            self.fail(f"{value!r} is not longer than 0", param)
        return span


class Moment(click.ParamType):  # type: ignore[type-arg]
    """WHEN: an ISO date or date-time (UTC without an offset), or an age such as `36h` or `7d`."""

    name = "when"

    def __init__(self, *, end_of_day: bool = False, past: bool = False) -> None:
        self._end_of_day = end_of_day
        self._past = past

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        now: datetime = caller(ctx).runtime.clock.now() if ctx else datetime.now(UTC)
        moment = self._parse(str(value), now)
        if moment is None:
            self.fail(
                f"{value!r} is not a time; write 2026-01-31, 2026-01-31T08:30, or 7d for seven"
                " days ago",
                param,
            )
        if moment < _EARLIEST:
            self.fail(f"{value!r} is before the year 2000", param)
        if self._past and moment > now:
            self.fail(f"{value!r} is in the future (it is {iso(now)})", param)
        return moment

    def _parse(self, written: str, now: datetime) -> datetime | None:
        try:
            if _AGO.fullmatch(written):
                return now - duration.parse(written)
            if _DATE.fullmatch(written):
                day = datetime.fromisoformat(written).replace(tzinfo=UTC)
                return day + timedelta(days=1, seconds=-1) if self._end_of_day else day
            if _DATE_TIME.fullmatch(written):
                moment = datetime.fromisoformat(written)
                return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        return None


_Command = TypeVar("_Command", bound=Callable[..., Any])


def created_within(default: str) -> Callable[[_Command], _Command]:
    """`--from` and `--to` by the creation in Loop; `default` is the span that is meant without
    them."""

    def add(command: _Command) -> _Command:
        command = click.option(
            "--to",
            "end",
            type=Moment(end_of_day=True),
            metavar="WHEN",
            help="And up to then; a bare date means the end of that day. Default: now.",
        )(command)
        return click.option(
            "--from",
            "start",
            type=Moment(past=True),
            metavar="WHEN",
            help=f"Returns created in Loop since then. Default: {default} before the end.",
        )(command)

    return add
