"""Error responses: refusals in a service's own form, a gateway's HTML, odd headers and bodies."""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from typing import Literal

import msgspec

from reconciler.sandbox.loop import envelopes
from reconciler.sandbox.messages import Response

RetryAfter = Literal["seconds", "date", "negative", "ten_years", "text"]

TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
HTML = {"content-type": "text/html; charset=UTF-8"}
TEN_YEARS = 10 * 365 * 86_400


def html(status: int, title: str) -> Response:
    """The HTML answer of a gateway or proxy in front of a service."""
    page = f"<html><head><title>{status} {title}</title></head><body><h1>{title}</h1></body></html>"
    return Response(status, page.encode(), dict(HTML))


def refusal(service: str, status: int) -> Response:
    """A refusal in the service's own form; 502, 503 and 504 are a gateway's HTML."""
    if status in (502, 503, 504):
        return html(status, TITLES[status])
    return _loop(status) if service == "loop" else _jetti(status)


def _loop(status: int) -> Response:
    """loop.md#error-envelopes."""
    match status:
        case 401:
            return envelopes.unauthorized("gateway")
        case 403:
            return envelopes.answer(403, {"errors": [{"message": "Forbidden."}]})
        case 404:
            return envelopes.answer(404, {"errors": {"code": "NOT_FOUND"}})
        case 422:
            return envelopes.unprocessable("from", "The from is not a valid date.")
        case 429:
            return envelopes.too_many_attempts()
        case 500:
            return envelopes.server_error()
        case _:
            return envelopes.answer(status, {"message": TITLES[status]})


def _jetti(status: int) -> Response:
    """RFC 7807 with the machine's code in `title` (jetti.md#problem-details)."""
    code = f"api.sandbox.{TITLES[status].lower().replace(' ', '_')}"
    body = {"type": f"https://problems.jetti.io/details#{code}", "title": code, "status": status}
    return Response(status, msgspec.json.encode(body), {"content-type": "application/json"})


def retry_after(form: RetryAfter, seconds: float, now: datetime) -> str:
    """The header's value in one of the forms seen in the wild."""
    match form:
        case "seconds":
            return str(int(seconds))
        case "date":
            return format_datetime(now + timedelta(seconds=seconds), usegmt=True)
        case "negative":
            return str(-int(seconds) - 1)
        case "ten_years":
            return str(TEN_YEARS)
        case "text":
            return "soon"


@lru_cache(maxsize=2)
def bomb(megabytes: int) -> bytes:
    """A small gzip stream that unpacks to `megabytes` of zeros."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    megabyte = bytes(1_000_000)
    return b"".join(packer.compress(megabyte) for _ in range(megabytes)) + packer.flush()
