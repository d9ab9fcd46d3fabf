"""Settings that need a library which is not always installed."""

from __future__ import annotations

from importlib.util import find_spec

from reconciler.config.settings import OperationsSettings
from reconciler.errors import ConfigError


def require(operations: OperationsSettings) -> None:
    """Raise ConfigError, naming the extra, where a setting needs what is not installed.

    Looks only whether it is there: loading Apprise takes half a second, which a pass that has
    nothing to tell does not spend.
    """
    if operations.metrics_file and not _is_installed("prometheus_client"):
        raise _missing("operations.metrics_file", "prometheus-client", "metrics")
    if operations.notify and not _is_installed("apprise"):
        raise _missing("operations.notify", "apprise", "notify")


def _is_installed(library: str) -> bool:
    try:
        return find_spec(library) is not None
    except ValueError:  # somebody has forbidden to import it
        return False


def _missing(setting: str, library: str, extra: str) -> ConfigError:
    return ConfigError(
        f"{setting}: is set, but {library} is not installed",
        f"install the extra {extra}: `pip install 'returns-reconciler[{extra}]'`, or remove the"
        " setting",
    )
