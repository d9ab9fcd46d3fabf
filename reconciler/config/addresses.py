"""The addresses among the settings: of a service, of the ledger, and of who is informed."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from reconciler.config.settings import SQLITE
from reconciler.config.wording import Unfit, words
from reconciler.core.limits import AppriseUrl, LedgerFile, MetricsFile, PingUrl, ServiceUrl
from reconciler.core.loopback import is_loopback

_URL, _LEDGER = words(ServiceUrl()), words(LedgerFile())
_PING, _METRICS, _APPRISE = words(PingUrl()), words(MetricsFile()), words(AppriseUrl())

HIDDEN = "(hidden)"
"""Shown in place of an address that is a secret."""


def base_url(raw: object) -> str:
    """The base URL of a service: https, or http to this machine alone. Raises Unfit."""
    parts = _split(raw)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Unfit(f"is not {_URL.name}", _URL.remedy, _shown(raw))
    if parts.username is not None or parts.query or parts.fragment:
        raise Unfit("holds more than a host and a path", _URL.remedy, _shown(raw))
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise Unfit(
            "would send the key in clear text to another machine",
            f"write https://{parts.netloc}{parts.path}; http is for loopback only",
        )
    return str(raw).rstrip("/")


def _split(raw: object) -> SplitResult | None:
    if not isinstance(raw, str) or not raw.isascii() or not raw.isprintable() or " " in raw:
        return None
    try:
        parts = urlsplit(raw)
        _ = parts.port  # raises for a port that is none
    except ValueError:
        return None
    return parts


def _shown(raw: object) -> str:
    """The address without what could be a password."""
    return re.sub(r"//.*@|[?#].*", "//…", str(raw))


def ledger(raw: object) -> str:
    """`sqlite:////absolute/path`, from that or from a path alone. Raises Unfit.

    Made absolute once, here: cron's working directory is not yours.
    """
    if not isinstance(raw, str) or not raw.isprintable() or not _may_be_a_file(raw):
        scheme = str(raw).partition(":")[0]
        raise Unfit(f"is not {_LEDGER.name}", _LEDGER.remedy, f"{scheme[:40]}:…")
    path = raw.removeprefix(SQLITE)
    if path in ("", ":memory:") or path.endswith("/") or "?" in path:
        raise Unfit("does not name a file", _LEDGER.remedy)
    if path.startswith("~"):
        raise Unfit("has a ~, which only a shell expands", "write the path in full")
    if raw != path and path.partition("/")[0] in _ROOTS and "/" in path:
        raise Unfit(
            f"is missing a slash, if /{path} is meant",
            f"write {SQLITE}/{path}, or just /{path}; a path from here is {SQLITE}./{path}",
        )
    return f"{SQLITE}{Path(path).absolute()}"


_ROOTS = frozenset(
    {"Users", "Volumes", "data", "dev", "etc", "home", "lib", "media", "mnt", "opt", "private"}
    | {"root", "run", "srv", "tmp", "usr", "var"}
)
"""Directories at the top of common systems: hardly how a relative path begins."""


def _may_be_a_file(written: str) -> bool:
    """An SQLite address with three slashes, or a path: nothing that begins as another address."""
    return written.startswith(SQLITE) or not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", written)


def ping_url(raw: object) -> str:
    """An address to ping: https, or http to this machine alone. Raises Unfit, which shows none of
    it."""
    parts = _split(raw)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Unfit(f"is not {_PING.name}", _PING.remedy, HIDDEN)
    if parts.username is not None or parts.query or parts.fragment:
        raise Unfit("holds more than a host and a path", _PING.remedy, HIDDEN)
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise Unfit(
            "would send it in clear text to another machine",
            "write https://; http is for loopback only",
            HIDDEN,
        )
    return str(raw).rstrip("/")


def metrics_file(raw: object) -> str:
    """An absolute path that node_exporter would read. Raises Unfit."""
    if not isinstance(raw, str) or not raw.isprintable() or not raw.startswith("/"):
        raise Unfit("is not an absolute path", _METRICS.remedy)
    if not raw.endswith(".prom"):
        raise Unfit("is not a file that node_exporter reads", _METRICS.remedy)
    return raw


def apprise_url(raw: object) -> str:
    """Something that Apprise may know, by its form. Raises Unfit, which shows none of it.

    Whether Apprise does know it is checked where it is worth the half second of loading Apprise
    (`operations.notifications.require_known`).
    """
    if not isinstance(raw, str) or not raw.isprintable():
        raise Unfit(f"is not {_APPRISE.name}", _APPRISE.remedy, HIDDEN)
    if not re.match(r"[A-Za-z][A-Za-z0-9]*://\S", raw) or " " in raw:
        raise Unfit(f"is not {_APPRISE.name}", _APPRISE.remedy, HIDDEN)
    return raw
