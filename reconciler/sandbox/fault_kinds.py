"""The ways in which a call can go wrong: each turns a call into a delivery.

A kind's keyword parameters are what `Fault.parameters` may name. `applied` says whether the
service sees the request although its answer is another one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from msgspec.structs import replace

from reconciler.sandbox import fault_answers
from reconciler.sandbox.delivery import Delivery, Ending
from reconciler.sandbox.exchange import Request, Response
from reconciler.sandbox.fault_answers import RetryAfter
from reconciler.sandbox.fault_call import Call


def check_parameters(kind: str, parameters: dict[str, Any]) -> None:
    """ValueError for an unknown kind, or parameters that it does not take."""
    if kind not in KINDS:
        raise ValueError(f"no fault {kind!r}; there are {', '.join(sorted(KINDS))}")
    try:
        inspect.signature(KINDS[kind]).bind(None, **parameters)
    except TypeError as error:
        raise ValueError(f"fault {kind!r}: {error}") from None


# ----------------------------------------------------------------------------- late and cut off


def delay(call: Call, /, *, seconds: float = 1.0) -> Delivery:
    """The answer takes its time."""
    return Delivery(call.apply(), delay=seconds)


def trickle(call: Call, /, *, seconds: float = 1.0) -> Delivery:
    """The body comes byte by byte."""
    return Delivery(call.apply(), pause=seconds)


def refuse(call: Call, /) -> Delivery:
    """Cut before a byte of the request was read; the server looks for it before it reads."""
    raise AssertionError(f"refuse is no answer to {call.request.path}")


def reset_before_headers(call: Call, /, *, applied: bool = False) -> Delivery:
    """Cut when the request is complete."""
    if applied:
        call.apply()
    return Delivery(None, ending="reset")


def reset_after_headers(call: Call, /) -> Delivery:
    """Cut between head and body."""
    return Delivery(call.apply(), body_bytes=0, ending="reset")


def reset_mid_body(call: Call, /, *, share: float = 0.5) -> Delivery:
    """Cut after a share of the body."""
    response = call.apply()
    return Delivery(response, body_bytes=int(len(response.body) * share), ending="reset")


def silence(call: Call, /, *, applied: bool = False) -> Delivery:
    """No answer, and the connection stays open."""
    if applied:
        call.apply()
    return Delivery(None, ending="silence")


# ----------------------------------------------------------------------------- other answers


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
        return Delivery(fault_answers.html(code, fault_answers.TITLES[code]))
    return Delivery(fault_answers.refusal(call.service, code))


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
    value = fault_answers.retry_after(retry_after, seconds, call.clock.now())
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
    """A page for people, with status 200."""
    if applied:
        call.apply()
    return Delivery(fault_answers.html(200, "Please sign in"))


def empty_200(call: Call, /, *, applied: bool = False) -> Delivery:
    """Status 200 and nothing."""
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
    """Any body; a byte that is no UTF-8 is written as its surrogate escape."""
    if applied:
        call.apply()
    encoded = body.encode("utf-8", "surrogateescape")
    return Delivery(Response(code, encoded, {"content-type": content_type}))


def gzip_bomb(call: Call, /, *, megabytes: int = 200, applied: bool = False) -> Delivery:
    """A small body that unpacks to a huge one, whether the client asked for gzip or not."""
    if applied:
        call.apply()
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    return Delivery(Response(200, fault_answers.bomb(megabytes), headers))


# ----------------------------------------------------------------------------- mangled answers


def truncated(call: Call, /, *, at: int) -> Delivery:
    """The first bytes of the body, framed as if they were all of it."""
    response = call.apply()
    return Delivery(replace(response, body=response.body[:at]))


def wrong_length(call: Call, /, *, by: int = 10) -> Delivery:
    """Content-Length is off by that much; the connection is closed after the true body."""
    response = call.apply()
    return Delivery(response, declared_length=max(0, len(response.body) + by), ending="close")


def short_page(call: Call, /, *, rows: int) -> Delivery:
    """Well formed, but that many rows are missing from the end of the page."""
    response = call.apply()
    content = msgspec.json.decode(response.body)
    page = content.get("returns", []) if isinstance(content, dict) else content
    del page[max(0, len(page) - rows) :]
    return Delivery(replace(response, body=msgspec.json.encode(content)))


def duplicate_answer(call: Call, /) -> Delivery:
    """The answer is sent twice over the connection."""
    return Delivery(call.apply(), copies=2)


def stale_read(call: Call, /, *, seconds: float = 60.0) -> Delivery:
    """What the same GET was answered up to that long before, since the fault was set."""
    known = call.remembered(seconds)
    if known is None:
        known = call.apply()
        call.remember(known)
    return Delivery(known)


# ----------------------------------------------------------------------------- lost and late


def applied_then_lost(call: Call, /, *, ending: Ending = "reset") -> Delivery:
    """The service acts; nobody learns of it."""
    call.apply()
    return Delivery(None, ending=ending)


def not_applied_then_lost(call: Call, /, *, ending: Ending = "reset") -> Delivery:
    """The service never sees the request; to the client it looks the same."""
    return Delivery(None, ending=ending)


def applied_later(call: Call, /, *, seconds: float, ending: Ending = "reset") -> Delivery:
    """The service acts that much sandbox time later, long after the connection was cut."""
    call.postpone(seconds)
    return Delivery(None, ending=ending)


# ----------------------------------------------------------------------------- misread requests


def filter_ignored(call: Call, /) -> Delivery:
    """The server answers everything: Loop without `state` and `filter`, Jetti without `where`."""
    names = ["state", "filter"] if call.service == "loop" else ["where"]
    return parameters_dropped(call, names=names)


def parameters_dropped(call: Call, /, *, names: list[str]) -> Delivery:
    """Parameters get lost on their way in: of the query, brackets and all, and of a JSON body."""
    kept = [
        (name, value)
        for name, value in parse_qsl(call.request.query, keep_blank_values=True)
        if name.partition("[")[0] not in names
    ]
    request = replace(call.request, query=urlencode(kept), body=_without(call.request, names))
    return Delivery(call.apply(request))


def _without(request: Request, names: list[str]) -> bytes:
    try:
        content = msgspec.json.decode(request.body)
    except msgspec.DecodeError:
        return request.body
    if not isinstance(content, dict):
        return request.body
    return msgspec.json.encode(
        {name: value for name, value in content.items() if name not in names}
    )


KINDS: dict[str, Callable[..., Delivery]] = {
    kind.__name__: kind
    for kind in (
        delay,
        trickle,
        refuse,
        reset_before_headers,
        reset_after_headers,
        reset_mid_body,
        silence,
        redirect,
        html_200,
        empty_200,
        error_200,
        raw,
        gzip_bomb,
        truncated,
        wrong_length,
        short_page,
        duplicate_answer,
        stale_read,
        applied_then_lost,
        not_applied_then_lost,
        applied_later,
        filter_ignored,
        parameters_dropped,
    )
}
KINDS["429"] = too_many
for _code in (400, 401, 403, 404, 409, 422, 500, 502, 503, 504):
    KINDS[str(_code)] = partial(status, code=_code)
