"""The settings as values, with their defaults."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from msgspec import Struct

from reconciler.config.secret import Secret
from reconciler.core.settings import Guards, Mapping, Policy
from reconciler.errors import ConfigError

SQLITE = "sqlite:///"


class LoopSettings(Struct, frozen=True):
    """Where and how Loop is read."""

    base_url: str = "https://api.loopreturns.com/api/2026-07"
    page_size: int = 750
    requests_per_minute: float = 300
    lag: timedelta = timedelta(seconds=120)
    """A window ends this long ago: rows show a little late."""
    overlap: timedelta = timedelta(minutes=30)
    """A window starts this long before the watermark."""
    window: timedelta = timedelta(days=30)
    """Longer spans are cut into windows of this length."""


class JettiSettings(Struct, frozen=True):
    """Where and how Jetti is read and written."""

    base_url: str = "https://api.jetti.io/api"
    reads_per_second: float = 2
    writes_per_second: float = 1
    settle: timedelta = timedelta(seconds=180)
    """After this a write whose answer was lost has taken effect or never will."""
    cancel_ids_key: str = "ids"
    """The name under which a create sends its list of sale items."""


class Settings(Struct, frozen=True, kw_only=True):
    """Everything the program can be told; keys stay hidden."""

    kept_in: str | ConfigError
    """Where the ledger lies, `sqlite:////absolute/path`, or why there is no place for one."""
    loop: LoopSettings = LoopSettings()
    jetti: JettiSettings = JettiSettings()
    policy: Policy = Policy()
    mapping: Mapping = Mapping()
    guard: Guards = Guards()
    loop_key: Secret | ConfigError
    jetti_token: Secret | ConfigError
    file: Path | None = None
    """The settings file that was read, where there is one."""

    @property
    def ledger(self) -> str:
        """`sqlite:////absolute/path`. Raises ConfigError when there is no place for it."""
        if isinstance(self.kept_in, ConfigError):
            raise self.kept_in
        return self.kept_in

    @property
    def ledger_path(self) -> Path:
        """The file of the ledger. Raises ConfigError when there is no place for it."""
        return Path(self.ledger.removeprefix(SQLITE))

    @property
    def has_ledger(self) -> bool:
        """Whether anything lies where the ledger should be."""
        return not isinstance(self.kept_in, ConfigError) and self.ledger_path.exists()

    def require_loop_key(self) -> Secret:
        """The key for Loop. Raises ConfigError when there is none or it cannot be used."""
        return _required(self.loop_key)

    def require_jetti_token(self) -> Secret:
        """The token for Jetti. Raises ConfigError when there is none or it cannot be used."""
        return _required(self.jetti_token)

    def secrets(self) -> Iterator[str]:
        """Every key that is known, for the filter that keeps them out of logs."""
        for key in (self.loop_key, self.jetti_token):
            if isinstance(key, Secret):
                yield key.reveal()


def _required(key: Secret | ConfigError) -> Secret:
    if isinstance(key, ConfigError):
        raise key
    return key
