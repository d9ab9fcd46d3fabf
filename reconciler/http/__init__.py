"""The only place that opens sockets: origins, methods, deadline, caps, pace, retry, breaker.

One `Service` per API, made by `connect`; nothing outside this package imports httpx. A service
belongs to one thread.
"""

from reconciler.http.answer import Answer, AnswerLost, NotSent, Refused
from reconciler.http.endpoint import Endpoint, Timeouts
from reconciler.http.network import tls_context
from reconciler.http.pace import PerMinute, PerSecond
from reconciler.http.service import Service, connect

__all__ = [
    "Answer",
    "AnswerLost",
    "Endpoint",
    "NotSent",
    "PerMinute",
    "PerSecond",
    "Refused",
    "Service",
    "Timeouts",
    "connect",
    "tls_context",
]
