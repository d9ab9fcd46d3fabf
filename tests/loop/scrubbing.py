"""What must not get into a cassette: keys, people, and where the recording was made."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

LOOP = "api.loopreturns.com"
KEPT_HEADERS = {"content-type", "date", "retry-after", "x-ratelimit-limit"}
PERSONAL = {
    "address", "content", "customer", "customer_detail", "customer_email", "image", "images",
    "label_url", "note", "phone", "qr_code_url", "return_comment", "url",
}  # fmt: skip
_STATUS_PAGE = re.compile(r"https?://[^/]+/.*")


def scrub_request(request: Any) -> Any:
    """Recorded at a sandbox or not, a cassette speaks of Loop's own host."""
    parts = urlsplit(request.uri)
    request.uri = urlunsplit(parts._replace(scheme="https", netloc=LOOP))
    return request


def scrub_response(response: dict[str, Any]) -> dict[str, Any]:
    """Keep the shape of the body and no person in it."""
    body = response["body"]["string"]
    try:
        content = msgspec.json.decode(body)
    except msgspec.DecodeError:
        content = None
    if content is not None:
        body = msgspec.json.encode(scrub(content))
    headers = {
        name: values for name, values in response["headers"].items() if name.lower() in KEPT_HEADERS
    }
    return {**response, "headers": headers, "body": {"string": body}}


def scrub(value: Any, name: str = "") -> Any:
    """Personal texts become a word, other personal values nothing."""
    if name in PERSONAL:
        return "scrubbed" if isinstance(value, str) else None
    if name == "status_page_url" and value:
        return _STATUS_PAGE.sub("https://shop.loopreturns.com/#/return/scrubbed", value)
    if name.endswith("PageUrl") and value:
        return urlunsplit(urlsplit(value)._replace(scheme="https", netloc=LOOP))
    if isinstance(value, dict):
        return {key: scrub(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [scrub(inner) for inner in value]
    return value
