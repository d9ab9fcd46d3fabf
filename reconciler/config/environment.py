"""The environment: every setting in it, and the names of all variables."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.config import file, schema
from reconciler.config.schema import Given
from reconciler.core import sandbox_clock

PREFIX = "RECONCILER_"
BASE_URL_VARIABLES = {
    "LOOP_BASE_URL": ("loop", "base_url"),
    "JETTI_BASE_URL": ("jetti", "base_url"),
}
NO_SETTINGS = (file.VARIABLE, sandbox_clock.VARIABLE)
"""Begin like settings, and say where to find others, or what time it is."""
KEY_VARIABLES = ("LOOP_API_KEY", "LOOP_API_KEY_FILE", "JETTI_API_TOKEN", "JETTI_API_TOKEN_FILE")


def read(environ: Mapping[str, str]) -> list[Given]:
    """Every setting in the environment, later ones winning."""
    given = [
        Given(_key(name), value, name, in_file=False)
        for name, value in sorted(environ.items())
        if name.startswith(PREFIX) and name not in NO_SETTINGS
    ]
    return given + [
        Given(key, environ[name], name, in_file=False)
        for name, key in BASE_URL_VARIABLES.items()
        if environ.get(name)
    ]


def _key(variable: str) -> schema.Path:
    """`RECONCILER_LOOP__PAGE_SIZE` is ("loop", "page_size"); a return reason keeps its case."""
    written = tuple(variable.removeprefix(PREFIX).split("__"))
    lowered = tuple(part.lower() for part in written)
    depth = len(schema.REASONS)
    is_reason = lowered[:depth] == schema.REASONS
    return (*schema.REASONS, *written[depth:]) if is_reason else lowered


def variable(key: schema.Path) -> str:
    """The variable that overrides a key: `RECONCILER_LOOP__PAGE_SIZE`."""
    return PREFIX + "__".join(part.upper() for part in key)
