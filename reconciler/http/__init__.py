"""The HTTP stack, the only place that opens sockets: origins, methods, deadlines, size limits,
rate limits, retries, circuit breaker.

One `Service` per API, made by `connect`; nothing outside this package imports httpx. A service
must be used by one thread only.
"""

import sys

# httpx imports its own command-line client, and with it rich and pygments if they are installed:
# a tenth of the time of an idle run, for something that is never used here. httpx handles its
# absence.
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
