"""The service's own response, corrupted; or its response to a request that was corrupted."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import msgspec
from msgspec.structs import replace

from reconciler.sandbox.delivery import Delivery
from reconciler.sandbox.faults.call import Call
from reconciler.sandbox.messages import Request


def truncated(call: Call, /, *, at: int) -> Delivery:
    """The first bytes of the body, framed as if they were all of it."""
    response = call.apply()
    return Delivery(replace(response, body=response.body[:at]))


def wrong_length(call: Call, /, *, by: int = 10) -> Delivery:
    """Content-Length is off by `by` bytes; the connection is closed after the true body."""
    response = call.apply()
    return Delivery(response, declared_length=max(0, len(response.body) + by), ending="close")


def short_page(call: Call, /, *, rows: int) -> Delivery:
    """Well formed, but the last `rows` rows of the page are missing."""
    response = call.apply()
    content = msgspec.json.decode(response.body)
    page = content.get("returns", []) if isinstance(content, dict) else content
    del page[max(0, len(page) - rows) :]
    return Delivery(replace(response, body=msgspec.json.encode(content)))


def duplicate_answer(call: Call, /) -> Delivery:
    """The answer is sent twice over the connection."""
    return Delivery(call.apply(), copies=2)


def stale_read(call: Call, /, *, seconds: float = 60.0) -> Delivery:
    """The response to the same GET up to `seconds` earlier, since the fault was set."""
    known = call.remembered(seconds)
    if known is None:
        known = call.apply()
        call.remember(known)
    return Delivery(known)


def filter_ignored(call: Call, /) -> Delivery:
    """The server answers everything: Loop without `state` and `filter`, Jetti without `where`."""
    names = ["state", "filter"] if call.service == "loop" else ["where"]
    return parameters_dropped(call, names=names)


def parameters_dropped(call: Call, /, *, names: list[str]) -> Delivery:
    """Parameters get lost on their way in, from the query (with brackets) and from a JSON body."""
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
