"""Settings: a TOML file, overridden by the environment, every value checked, keys hidden."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import convert

from reconciler.config import directories, environment, extras, file, readers, schema, secret
from reconciler.config.schema import Given
from reconciler.config.secret import Secret
from reconciler.config.settings import (
    SQLITE,
    JettiSettings,
    LoopSettings,
    OperationsSettings,
    Settings,
)
from reconciler.config.unknown import unknown
from reconciler.config.wording import Unfit
from reconciler.core.settings import Guards, Policy
from reconciler.core.settings import Mapping as StatusMapping
from reconciler.errors import ConfigError

__all__ = [
    "JettiSettings",
    "LoopSettings",
    "OperationsSettings",
    "Secret",
    "Settings",
    "load",
    "sources",
]

_LONGEST_SHOWN = 60


def load(named: str | None, environ: Mapping[str, str]) -> Settings:
    """The settings from the file (`--config`, or the first found) and the environment.

    Raises ConfigError with the file or variable, the key, the value and the way out. A missing API
    key is an error only in `Settings.require_…`.
    """
    path = file.find(named, environ)
    given = (file.read(path) if path else []) + environment.read(environ)
    values = _tree(
        [(schema.normal(one.key), _read(one)) for one in given if not _is_empty_table(one)]
    )
    if path:
        file.require_private(path, (one for one in given if one.in_file))
    operations = convert(values.get("operations", {}), OperationsSettings)
    extras.require(operations)
    return Settings(
        ledger_address=values.get("ledger") or _default_ledger(environ),
        loop=convert(values.get("loop", {}), LoopSettings),
        jetti=convert(values.get("jetti", {}), JettiSettings),
        policy=convert(values.get("policy", {}), Policy),
        mapping=convert(values.get("mapping", {}), StatusMapping),
        guard=convert(values.get("guard", {}), Guards),
        operations=operations,
        loop_key=secret.find(secret.LOOP_API_KEY, environ),
        jetti_token=secret.find(secret.JETTI_API_TOKEN, environ),
        file=path,
    )


def sources(path: Path | None, environ: Mapping[str, str]) -> dict[str, str]:
    """Where each setting that somebody gave comes from, by its dotted key. Raises ConfigError."""
    given = (file.read(path) if path else []) + environment.read(environ)
    return {
        schema.dotted(schema.normal(one.key)): str(path) if one.in_file else one.where
        for one in given
        if not _is_empty_table(one)
    }


def _tree(leaves: list[tuple[schema.Path, Any]]) -> dict[str, Any]:
    """Nested tables; a later leaf replaces an earlier one of the same key."""
    tree: dict[str, Any] = {}
    for (*above, name), value in leaves:
        table = tree
        for part in above:
            table = table.setdefault(part, {})
        table[name] = value
    return tree


def _is_empty_table(given: Given) -> bool:
    return given.raw == {} and given.key in schema.TABLES


def _read(given: Given) -> Any:
    limits = schema.limits_of(given.key)
    if limits is None:
        raise unknown(given)
    try:
        return readers.read(given.raw, limits)
    except Unfit as error:
        shown = error.shown if error.shown is not None else _cut(repr(given.raw))
        raise ConfigError(f"{given.where}: {shown} {error.problem}", error.remedy) from error


def _cut(shown: str) -> str:
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}…"


def _default_ledger(environ: Mapping[str, str]) -> str | ConfigError:
    """Where no setting names one. An error is returned: only some commands need a ledger."""
    directory = directories.service_state(environ) or directories.user_state()
    if directory is None:
        return ConfigError(
            "RECONCILER_LEDGER: is not set, and there is no home directory to keep a ledger in",
            "set RECONCILER_LEDGER=/absolute/path/to/ledger.db",
        )
    return f"{SQLITE}{directory / 'ledger.db'}"
