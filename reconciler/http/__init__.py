"""The only place that opens sockets: origins, methods, deadline, caps, pace, retry, breaker.

One `Service` per API, made by `connect`; nothing outside this package imports httpx. A service
belongs to one thread.
"""

import sys

# httpx imports its own command-line client, and with it rich and pygments wherever they happen to
# be installed: a tenth of an idle run, for something that is never used here. httpx itself
# provides for its absence.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

# ruff: noqa: E402
from reconciler.http.endpoint import Endpoint, Timeouts
from reconciler.http.network import tls_context
from reconciler.http.rate_limit import PerMinute, PerSecond
from reconciler.http.response import NotSent, Refused, Response, ResponseLost
from reconciler.http.service import Service, connect

__all__ = [
    "Endpoint",
    "NotSent",
    "PerMinute",
    "PerSecond",
    "Refused",
    "Response",
    "ResponseLost",
    "Service",
    "Timeouts",
    "connect",
    "tls_context",
]
