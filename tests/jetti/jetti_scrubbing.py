"""What may get into a cassette of Jetti's: the shape of every row, and no text but known ones."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

JETTI = "api.jetti.io"
KEPT_HEADERS = {"content-type", "date", "retry-after"}

# Sales carry customers and addresses in some thirty fields (jetti.md#sale-fields), so texts stay
# only where we know what they hold: ids, codes, states, times, and what we write ourselves.
KEPT_TEXTS = {
    "cancellationStatus", "code", "createdAt", "externalId", "externalVariantId", "inventoryStatus",
    "merchantStatus", "orderRouting", "paymentStatus", "reference", "returnLabelType",
    "returnStatus", "saleReturnSource", "saleReturnType", "status", "title", "trackingCompany",
    "trackingNumber", "trackingStatus", "trackingUrl", "type", "updatedAt", "vendorReceivedStatus",
    "vendorStatus", "instance", "resource", "action", "context",
}  # fmt: skip
_OURS = "Loop return "


def scrub_request(request: Any) -> Any:
    """Recorded at a sandbox or not, a cassette speaks of Jetti's own host."""
    parts = urlsplit(request.uri)
    request.uri = urlunsplit(parts._replace(scheme="https", netloc=JETTI))
    return request


def scrub_response(response: dict[str, Any]) -> dict[str, Any]:
    """Keep the shape of the body and no person in it."""
    body = response["body"]["string"]
    try:
        body = msgspec.json.encode(scrub(msgspec.json.decode(body)))
    except msgspec.DecodeError:
        body = b"scrubbed" if body else b""
    headers = {
        name: values for name, values in response["headers"].items() if name.lower() in KEPT_HEADERS
    }
    return {**response, "headers": headers, "body": {"string": body}}


def scrub(value: Any, name: str = "") -> Any:
    """Texts that nobody vouches for become a word; numbers and flags stay."""
    if isinstance(value, dict):
        return {key: scrub(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [scrub(inner, name) for inner in value]
    if isinstance(value, str) and name not in KEPT_TEXTS:
        return value if name == "notes" and value.startswith(_OURS) else "scrubbed"
    return value
