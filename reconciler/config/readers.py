"""How what TOML or the environment holds becomes a setting's value, within its limits.

By hand, because `msgspec.convert` takes `7.0` and `1e1` for whole numbers and `PT5M` for a
duration, refuses `90s`, and does not say what may be written instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from reconciler.config import addresses
from reconciler.config.secret import Secret
from reconciler.config.wording import Unfit, words
from reconciler.core import duration
from reconciler.core.limits import (
    AppriseUrl,
    Duration,
    Identifier,
    LedgerFile,
    Limits,
    ListOf,
    MetricsFile,
    OneOf,
    PingUrl,
    Rate,
    ServiceUrl,
    Share,
    Text,
    WholeNumber,
)

_T = TypeVar("_T")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


def read(raw: object, limits: Limits) -> Any:
    """The value. Raises Unfit."""
    value = _value(raw, limits)
    if value is None:
        said = words(limits)
        raise Unfit(f"is not {said.name}", said.remedy)
    return value


def _value(raw: object, limits: Limits) -> Any:
    """None when it does not fit. Raises Unfit where there is more to say."""
    match limits:
        case WholeNumber(lowest, highest):
            return _within(_integer(raw), lambda number: lowest <= number <= highest)
        case Rate(highest):
            return _within(_number(raw), lambda number: 0 < number <= highest)
        case Share():
            return _within(_number(raw), lambda number: 0 <= number <= 1)
        case Duration(longest, above_zero):
            return _within(
                _duration(raw), lambda span: span <= longest and (span or not above_zero)
            )
        case Text():
            return raw if isinstance(raw, str) and raw.strip() and raw.isprintable() else None
        case Identifier():
            return raw if isinstance(raw, str) and _IDENTIFIER.fullmatch(raw) else None
        case OneOf(allowed):
            return raw if raw in allowed else None
        case ServiceUrl():
            return addresses.base_url(raw)
        case LedgerFile():
            return addresses.ledger(raw)
        case PingUrl():
            return Secret(addresses.ping_url(raw))
        case MetricsFile():
            return addresses.metrics_file(raw)
        case AppriseUrl():
            return Secret(addresses.apprise_url(raw))
        case ListOf(each):
            parts = _addresses(raw) if isinstance(each, AppriseUrl) else _parts(raw)
            return None if parts is None else tuple(read(part, each) for part in parts)


def _within(value: _T | None, fits: Callable[[_T], object]) -> _T | None:
    return value if value is not None and fits(value) else None


def _integer(raw: object) -> int | None:
    if isinstance(raw, str) and re.fullmatch(r"-?\d{1,18}", raw, re.ASCII):
        return int(raw)
    return raw if isinstance(raw, int) and not isinstance(raw, bool) else None


def _number(raw: object) -> float | None:
    if isinstance(raw, str) and re.fullmatch(r"-?\d{1,18}(\.\d{1,18})?", raw, re.ASCII):
        return float(raw)
    return float(raw) if isinstance(raw, int | float) and not isinstance(raw, bool) else None


def _duration(raw: object) -> timedelta | None:
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        return None
    try:
        return duration.parse(str(raw))
    except ValueError:
        return None


def _parts(raw: object) -> list[Any] | None:
    if isinstance(raw, str):
        return [part.strip() for part in raw.split(",")] if raw.strip() else []
    return raw if isinstance(raw, list) else None


def _addresses(raw: object) -> list[Any] | None:
    """Like `_parts`; but a comma may be a part of an address: `mailto://host?to=a,b`."""
    if isinstance(raw, str):
        return re.split(r"[\s,]+(?=[a-zA-Z0-9]+://)", raw.strip()) if raw.strip() else []
    return raw if isinstance(raw, list) else None
