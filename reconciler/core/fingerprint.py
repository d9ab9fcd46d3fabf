"""Hashes that tell whether anything worth telling Jetti has changed.

Both are SHA-256 over msgspec's JSON of structs in declared field order: strings and integers only,
so the same content always gives the same bytes.
"""

from __future__ import annotations

from hashlib import sha256

from msgspec import json

from reconciler.core.model import Return, Wanted
from reconciler.core.settings import Mapping

_ENCODER = json.Encoder(order="sorted")

# Part of every fingerprint. Raise it when the code of `core.mapping` changes what comes out:
# every entry is then projected anew, and pushed ones that differ are guarded once.
MAPPING_CODE = 3


def content(seen: Return) -> bytes:
    """Everything Loop said about a return except when it last changed and whose shop it is.

    Loop may touch a return without changing it (a note, a flag, its own bookkeeping); such a row
    must cost nothing beyond reading it.
    """
    told = (
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
    # Only where there is any, so that what older versions recorded stays known.
    aside = (seen.lines_set_aside, seen.labels_set_aside) if seen.set_aside else ()
    return sha256(_ENCODER.encode((*told, *aside))).digest()


def fingerprint(wanted: Wanted, mapping_version: str) -> bytes:
    """What Jetti should be told, and under which mapping that was decided."""
    return sha256(mapping_version.encode() + b"\n" + _ENCODER.encode(wanted)).digest()


def mapping_version(mapping: Mapping, held_states: tuple[str, ...]) -> str:
    """Names the projection: the code's own version and the settings that shape it."""
    settings = sha256(_ENCODER.encode((mapping, sorted(held_states)))).hexdigest()[:16]
    return f"{MAPPING_CODE}:{settings}"
