"""Requests that only let somebody know: sent once, over a connection of their own, soon over."""

from __future__ import annotations

import httpx

from reconciler import __version__
from reconciler.clock import SystemClock
from reconciler.errors import ReconcilerError
from reconciler.http.endpoint import Endpoint, Timeouts
from reconciler.http.rate_limit import PerMinute
from reconciler.http.retry import UnusableResponse, reason
from reconciler.http.transport import Transport

_TIMEOUTS = Timeouts(connect=3.0, read=3.0, total=5.0)
_BODY_CAP = 64 * 1024
_PACE = PerMinute(600)  # it is only one request


class PingFailed(Exception):
    """Nobody has taken note. `str(error)` is a few words that quote nothing received, and nothing
    of the address: `timed out`, `answered 503`."""

    def __init__(self, why: str, status: int | None = None) -> None:
        super().__init__(why)
        self.status = status
        """What was answered instead of 2xx."""


def ping(base_url: str, path: str, query: str, body: str) -> None:
    """POST once to `base_url + path`, under the rules of every other request: its origin pinned,
    TLS verified, no redirect followed, no proxy used. Raises PingFailed.

    A signal does not interrupt it, because what it says is perhaps that there was one; it takes 5 s
    at most, and as long as the machine takes to look up a name.
    """
    endpoint = Endpoint(
        name="heartbeat",
        base_url=base_url,
        key_header=("Accept", "*/*"),  # the key is in the path
        key_setting="operations.heartbeat_url",
        unavailable=ReconcilerError,
        pace=_PACE,
        methods=frozenset({"POST"}),
        body_cap=_BODY_CAP,
        timeouts=_TIMEOUTS,
    )
    transport = Transport(endpoint, SystemClock(), tls=None)
    timeout = httpx.Timeout(_TIMEOUTS.read, connect=_TIMEOUTS.connect)
    request = httpx.Request(
        "POST",
        f"{transport.base}{path}",
        params=query,
        headers={
            "Accept-Encoding": "identity",
            "Connection": "close",
            "Content-Type": "text/plain; charset=utf-8",
            "User-Agent": f"returns-reconciler/{__version__}",
        },
        content=body.encode(errors="backslashreplace"),
        extensions={"timeout": timeout.as_dict()},
    )
    try:
        response = transport.handle_request(request)
    except (httpx.HTTPError, UnusableResponse) as error:
        raise PingFailed(reason(error)) from None
    finally:
        transport.close()
    if not response.is_success:
        raise PingFailed(f"answered {response.status_code}", response.status_code)
