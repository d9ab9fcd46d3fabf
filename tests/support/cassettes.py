"""Recordings of both services: where they lie, and what may get into one.

Keys, people and hosts are taken out on the way in; what a body may keep is each service's own
rule (`scrub`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

CASSETTES = Path(__file__).parent.parent / "cassettes"

_KEPT_HEADERS = {"content-type", "date", "retry-after", "x-ratelimit-limit"}


def vcr_settings(host: str, key_header: str, scrub: Callable[[Any], Any]) -> dict[str, Any]:
    """How a recording is made and replayed: method, path, query and body exactly as recorded.

    Recorded at a sandbox or not, it speaks of the service's own `host`. `scrub` is given what a
    body holds and answers what is kept of it.
    """

    def scrub_request(request: Any) -> Any:
        parts = urlsplit(request.uri)
        request.uri = urlunsplit(parts._replace(scheme="https", netloc=host))
        return request

    def scrub_response(response: dict[str, Any]) -> dict[str, Any]:
        body = response["body"]["string"]
        try:
            body = msgspec.json.encode(scrub(msgspec.json.decode(body)))
        except msgspec.DecodeError:
            body = b"scrubbed" if body else b""
        headers = {
            name: values
            for name, values in response["headers"].items()
            if name.lower() in _KEPT_HEADERS
        }
        return {**response, "headers": headers, "body": {"string": body}}

    return {
        "match_on": ["method", "scheme", "host", "path", "query", "body"],
        "filter_headers": [key_header, "User-Agent", "Host"],
        "before_record_request": scrub_request,
        "before_record_response": scrub_response,
        "decode_compressed_response": True,
    }
