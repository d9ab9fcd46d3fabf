"""Adjustment reasons, fetched when the first line needs one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from reconciler.core.model import Value
from reconciler.errors import ConfigError
from reconciler.http import Refused
from reconciler.jetti.client import JettiClient


class AdjustmentReasons(Mapping[str, Value]):
    """Code of an adjustment reason -> its id in Jetti; one GET serves a whole run."""

    def __init__(self, client: JettiClient) -> None:
        self._client = client

    @cached_property
    def _ids(self) -> dict[str, int]:
        try:
            return self._client.reasons()
        except Refused as refusal:
            raise ConfigError(
                f"Jetti does not list its adjustment reasons ({refusal})",
                hint="check what JETTI_API_TOKEN may do, or remove mapping.reasons",
            ) from refusal

    def __getitem__(self, code: str) -> int:
        """Raises ConfigError for a code that Jetti does not have."""
        if code not in self._ids:
            raise ConfigError(
                f"mapping.reasons names the adjustment reason {code!r}, which Jetti does not have",
                hint=f"Jetti has: {', '.join(sorted(self._ids)) or 'none'}",
            )
        return self._ids[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)
