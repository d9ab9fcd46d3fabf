"""Hashes that show whether anything that matters to Jetti has changed.

Both are SHA-256 (32 bytes) over msgspec's JSON of structs in declared field order. They contain
only strings and integers, so equal content always gives equal bytes.
"""

from __future__ import annotations

from hashlib import sha256

from msgspec import json

from reconciler.core.model import Return, Wanted
from reconciler.core.settings import Mapping

_ENCODER = json.Encoder(order="sorted")

# Part of every fingerprint. Raise it whenever a change to `core.mapping` changes its results:
# every entry is then projected again, and pushed ones that differ are guarded once.
MAPPING_CODE = 3


def content(seen: Return) -> bytes:
    """Hash of everything that Loop sent about a return except `updated_at` and the shop.

    Loop may touch a return without changing it (a note, a flag, its own bookkeeping); such a row
    must cost nothing beyond reading it.
    """
    parts = (
        seen.state,
        seen.created_at,
        seen.order_id,
        seen.order_name,
        seen.order_number,
        seen.lines,
        seen.parcels,
        seen.type,
        seen.outcomes,
    )
    # Left out when empty, so that hashes recorded by older versions still match.
    malformed = (seen.lines_set_aside, seen.labels_set_aside) if seen.set_aside else ()
    return sha256(_ENCODER.encode((*parts, *malformed))).digest()


def fingerprint(wanted: Wanted, mapping_version: str) -> bytes:
    """Hash of what is wanted in Jetti and of the mapping that produced it."""
    return sha256(mapping_version.encode() + b"\n" + _ENCODER.encode(wanted)).digest()


def mapping_version(mapping: Mapping, held_states: tuple[str, ...]) -> str:
    """Identifies the projection: `MAPPING_CODE` and a hash of the settings that affect it."""
    settings = sha256(_ENCODER.encode((mapping, sorted(held_states)))).hexdigest()[:16]
    return f"{MAPPING_CODE}:{settings}"
