"""The settings of each service, and all settings together with the API keys."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from msgspec import Struct, field

from reconciler.config.secret import Secret
from reconciler.core.limits import (
    AppriseUrl,
    Duration,
    Identifier,
    LedgerFile,
    ListOf,
    MetricsFile,
    PingUrl,
    Rate,
    ServiceUrl,
    Setting,
    WholeNumber,
)
from reconciler.core.settings import Guards, Mapping, Policy
from reconciler.errors import ConfigError

SQLITE = "sqlite:///"
_JETTI_PACE = Setting("pace, one budget for both", Rate())


class LoopSettings(Struct, frozen=True):
    """Where and how Loop is read."""

    base_url: Annotated[
        str,
        Setting(
            "address of Loop's API; `LOOP_BASE_URL` overrides; http for this machine only",
            ServiceUrl(),
        ),
    ] = "https://api.loopreturns.com/api/2026-07"
    page_size: Annotated[int, Setting("rows per page", WholeNumber(1, 750))] = 750
    requests_per_minute: Annotated[float, Setting("pace", Rate())] = 300
    lag: Annotated[
        timedelta,
        Setting(
            "a window ends this long ago, because rows become visible a little late",
            Duration(longest=timedelta(days=1)),
        ),
    ] = timedelta(seconds=120)
    overlap: Annotated[
        timedelta,
        Setting(
            "a window starts this long before the watermark", Duration(longest=timedelta(days=30))
        ),
    ] = timedelta(minutes=30)
    window: Annotated[
        timedelta,
        Setting(
            "longer spans are cut into windows of this length",
            Duration(longest=timedelta(days=30), above_zero=True),
        ),
    ] = timedelta(days=30)


class JettiSettings(Struct, frozen=True):
    """Where and how Jetti is read and written."""

    base_url: Annotated[
        str,
        Setting(
            "address of Jetti's API; `JETTI_BASE_URL` overrides; http for this machine only."
            " `https://api.onport.com/api`, Onport's own host, should answer alike",
            ServiceUrl(),
        ),
    ] = "https://api.jetti.io/api"
    reads_per_second: Annotated[float, _JETTI_PACE] = 2
    writes_per_second: Annotated[float, _JETTI_PACE] = 1
    settle: Annotated[
        timedelta,
        Setting(
            "after this a write whose answer was lost has taken effect or never will",
            # What settles a day or more from now counts as written by a wrong clock.
            Duration(longest=timedelta(hours=12)),
        ),
    ] = timedelta(seconds=180)
    cancel_ids_key: Annotated[
        str,
        Setting(
            "the name under which a create sends its sale items; see"
            " [What is unproven](#what-is-unproven)",
            Identifier(),
        ),
    ] = "ids"


class OperationsSettings(Struct, frozen=True):
    """Who is informed how the passes go."""

    heartbeat_url: Annotated[
        Secret | None,
        Setting(
            "pinged before and after each scheduled pass, as healthchecks.io has it; a secret",
            PingUrl(),
            default="none",
        ),
    ] = None
    metrics_file: Annotated[
        str | None,
        Setting(
            "written after each run, for Prometheus' node_exporter; needs the extra `metrics`",
            MetricsFile(),
            default="none",
        ),
    ] = None
    notify: Annotated[
        tuple[Secret, ...],
        Setting(
            "reported when something has become worse, and when it is well again; needs the extra"
            " `notify`. Secrets",
            ListOf(AppriseUrl()),
            default="none",
        ),
    ] = ()

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What must not be shown."""
        return ((self.heartbeat_url,) if self.heartbeat_url else ()) + self.notify


class Settings(Struct, frozen=True, kw_only=True):
    """All settings, and the API keys, which no text form shows."""

    ledger_address: Annotated[
        str | ConfigError,
        Setting(
            "where the ledger is, as a path or `sqlite:////absolute/path`",
            LedgerFile(),
            default="`ledger.db` in systemd's `STATE_DIRECTORY`, else in `reconciler/` in the"
            " user's state directory",
        ),
    ] = field(name="ledger")
    """`sqlite:////absolute/path`, or why there is no place for a ledger."""
    loop: LoopSettings = LoopSettings()
    jetti: JettiSettings = JettiSettings()
    policy: Policy = Policy()
    mapping: Mapping = Mapping()
    guard: Guards = Guards()
    operations: OperationsSettings = OperationsSettings()
    loop_key: Secret | ConfigError
    jetti_token: Secret | ConfigError
    file: Path | None = None
    """The settings file that was read, where there is one."""

    @property
    def ledger(self) -> str:
        """`sqlite:////absolute/path`. Raises ConfigError when there is no place for it."""
        if isinstance(self.ledger_address, ConfigError):
            raise self.ledger_address
        return self.ledger_address

    @property
    def ledger_path(self) -> Path:
        """The file of the ledger. Raises ConfigError when there is no place for it."""
        return Path(self.ledger.removeprefix(SQLITE))

    @property
    def has_ledger(self) -> bool:
        """Whether anything is where the ledger should be, or may be there out of reach."""
        if isinstance(self.ledger_address, ConfigError):
            return False
        try:
            return self.ledger_path.exists()
        except OSError:
            return True  # opening it says why

    def require_loop_key(self) -> Secret:
        """The key for Loop. Raises ConfigError when there is none or it cannot be used."""
        return _required(self.loop_key)

    def require_jetti_token(self) -> Secret:
        """The token for Jetti. Raises ConfigError when there is none or it cannot be used."""
        return _required(self.jetti_token)


def _required(key: Secret | ConfigError) -> Secret:
    if isinstance(key, ConfigError):
        raise key
    return key
