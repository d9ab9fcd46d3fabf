"""Other responses in place of the service's own.

`applied` says whether the service handles the request all the same.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from reconciler.sandbox.delivery import Delivery
from reconciler.sandbox.faults import answers
from reconciler.sandbox.faults.answers import RetryAfter
from reconciler.sandbox.faults.call import Call
from reconciler.sandbox.messages import Response


def status(
    call: Call,
    /,
    *,
    code: int,
    applied: bool = False,
    as_html: bool = False,
) -> Delivery:
    """A refusal in the service's own form, or with an HTML body."""
    if applied:
        call.apply()
    if as_html:
        return Delivery(answers.html(code, answers.TITLES[code]))
    return Delivery(answers.refusal(call.service, code))


def too_many(
    call: Call,
    /,
    *,
    retry_after: RetryAfter | None = None,
    seconds: float = 1.0,
    applied: bool = False,
    as_html: bool = False,
) -> Delivery:
    """429, with Retry-After in one of five forms or without."""
    refused = status(call, code=429, applied=applied, as_html=as_html).response
    if refused is None or retry_after is None:
        return Delivery(refused)
    value = answers.retry_after(retry_after, seconds, call.clock.now())
    return Delivery(replace(refused, headers={**refused.headers, "retry-after": value}))


def redirect(
    call: Call, /, *, code: int = 302, to: str = "same_host", applied: bool = False
) -> Delivery:
    """3xx to another path of the same host, or to the given URL."""
    if applied:
        call.apply()
    host = call.request.headers.get("host", "127.0.0.1")
    location = f"http://{host}/elsewhere" if to == "same_host" else to
    return Delivery(Response(code, b"", {"location": location}))


def html_200(call: Call, /, *, applied: bool = False) -> Delivery:
    """An HTML page with status 200."""
    if applied:
        call.apply()
    return Delivery(answers.html(200, "Please sign in"))


def empty_200(call: Call, /, *, applied: bool = False) -> Delivery:
    """Status 200 and an empty body."""
    if applied:
        call.apply()
    return Delivery(Response(200, b"", {"content-type": "application/json"}))


def error_200(
    call: Call, /, *, message: str = "Something went wrong.", applied: bool = False
) -> Delivery:
    """`{"error": …}` with status 200."""
    if applied:
        call.apply()
    body = msgspec.json.encode({"error": {"message": message}})
    return Delivery(Response(200, body, {"content-type": "application/json"}))


def raw(
    call: Call,
    /,
    *,
    body: str,
    code: int = 200,
    content_type: str = "application/json",
    applied: bool = False,
) -> Delivery:
    """Any body; a byte that is not valid UTF-8 is given as its surrogate escape."""
    if applied:
        call.apply()
    encoded = body.encode("utf-8", "surrogateescape")
    return Delivery(Response(code, encoded, {"content-type": content_type}))


def gzip_bomb(call: Call, /, *, megabytes: int = 200, applied: bool = False) -> Delivery:
    """A small body that unpacks to a huge one, whether the client asked for gzip or not."""
    if applied:
        call.apply()
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    return Delivery(Response(200, answers.bomb(megabytes), headers))
