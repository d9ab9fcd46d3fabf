"""Settings: a TOML file, overridden by the environment, every value checked, keys hidden."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from reconciler.config import keys, places, secret, sources
from reconciler.config.secret import Secret
from reconciler.config.settings import SQLITE, JettiSettings, LoopSettings, Settings
from reconciler.config.sources import Given
from reconciler.config.values import Unfit
from reconciler.core.settings import Globs, Guards, Policy
from reconciler.core.settings import Mapping as StatusMapping
from reconciler.errors import ConfigError

__all__ = ["JettiSettings", "LoopSettings", "Secret", "Settings", "load"]

_Table = TypeVar("_Table", bound=msgspec.Struct)
_LONGEST_SHOWN = 60


def load(file: str | None, environ: Mapping[str, str]) -> Settings:
    """The settings from the file (`--config`, or the first found) and the environment.

    Raises ConfigError with the file or variable, the key, the value and the way out. Keys are
    looked for but only asked for by `Settings.require_…`.
    """
    path = sources.find_file(file, environ)
    given = (sources.read_file(path) if path else []) + sources.read_environment(environ)
    values = _tree(
        [(keys.normal(one.key), _read(one)) for one in given if not _is_empty_table(one)]
    )
    return Settings(
        kept_in=values.get("ledger") or _default_ledger(environ),
        loop=LoopSettings(**values.get("loop", {})),
        jetti=JettiSettings(**values.get("jetti", {})),
        policy=_policy(values.get("policy", {})),
        mapping=StatusMapping(**values.get("mapping", {})),
        guard=Guards(**values.get("guard", {})),
        loop_key=secret.find(secret.LOOP_API_KEY, environ),
        jetti_token=secret.find(secret.JETTI_API_TOKEN, environ),
        file=path,
    )


def _policy(values: dict[str, Any]) -> Policy:
    globs = {name: Globs(**value) for name, value in values.items() if isinstance(value, dict)}
    return Policy(**(values | globs))


def _tree(leaves: list[tuple[keys.Path, Any]]) -> dict[str, Any]:
    """Nested tables; a later leaf replaces an earlier one of the same key."""
    tree: dict[str, Any] = {}
    for (*above, name), value in leaves:
        table = tree
        for part in above:
            table = table.setdefault(part, {})
        table[name] = value
    return tree


def _is_empty_table(given: Given) -> bool:
    return given.raw == {} and given.key in keys.TABLES


def _read(given: Given) -> Any:
    read = keys.reader(given.key)
    if read is None:
        raise _unknown(given)
    try:
        return read(given.raw)
    except Unfit as error:
        shown = error.shown if error.shown is not None else _cut(repr(given.raw))
        raise ConfigError(f"{given.where}: {shown} {error.problem}", error.remedy) from error


def _cut(shown: str) -> str:
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}…"


def _unknown(given: Given) -> ConfigError:
    """Never shows the value: it may be a key that was put in the wrong place."""
    if given.in_file and given.key in keys.TABLES:
        return ConfigError(
            f"{given.where}: is a table, not a value",
            f"write its settings below [{keys.dotted(given.key)}]",
        )
    if given.in_file and given.key[-1].upper() in sources.KEY_VARIABLES:
        return ConfigError(
            f"{given.where}: keys are never read from a settings file",
            f"set {given.key[-1].upper()} in the environment, or pass a systemd credential",
        )
    hint = f"did you mean {sources.nearest(given)}?"
    return ConfigError(f"{given.where}: there is no such setting", hint)


def _default_ledger(environ: Mapping[str, str]) -> str | ConfigError:
    """Where no setting says it; an error only for those who need a ledger."""
    directory = places.service_state(environ) or places.user_state()
    if directory is None:
        return ConfigError(
            "RECONCILER_LEDGER: is not set, and there is no home directory to keep a ledger in",
            "set RECONCILER_LEDGER=/absolute/path/to/ledger.db",
        )
    return f"{SQLITE}{directory / 'ledger.db'}"
