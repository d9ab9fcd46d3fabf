"""What a cassette of Jetti's may keep of a body: the shape of every row, and known texts only."""

from __future__ import annotations

from typing import Any

JETTI = "api.jetti.io"

# Sales carry customers and addresses in some thirty fields (jetti.md#sale-fields), so texts stay
# only where we know what they hold: ids, codes, states, times, and what we write ourselves.
_KEPT_TEXTS = {
    "cancellationStatus", "code", "createdAt", "externalId", "externalVariantId", "inventoryStatus",
    "merchantStatus", "orderRouting", "paymentStatus", "reference", "returnLabelType",
    "returnStatus", "saleReturnSource", "saleReturnType", "status", "title", "trackingCompany",
    "trackingNumber", "trackingStatus", "trackingUrl", "type", "updatedAt", "vendorReceivedStatus",
    "vendorStatus", "instance", "resource", "action", "context",
}  # fmt: skip
_OURS = "Loop return "


def scrub(value: Any, name: str = "") -> Any:
    """Texts that nobody vouches for become a word; numbers and flags stay."""
    if isinstance(value, dict):
        return {key: scrub(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [scrub(inner, name) for inner in value]
    if isinstance(value, str) and name not in _KEPT_TEXTS:
        return value if name == "notes" and value.startswith(_OURS) else "scrubbed"
    return value
