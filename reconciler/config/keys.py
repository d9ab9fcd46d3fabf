"""Every setting there is, each with its reader. README's table is held to this one by a test."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeAlias

from reconciler.config.values import (
    Reader,
    base_url,
    identifier,
    ledger,
    one_of,
    rate,
    share,
    span,
    text,
    texts,
    whole,
)
from reconciler.core import labels
from reconciler.core.model import KNOWN_STATES

Path: TypeAlias = tuple[str, ...]
"""The parts of a key: ("loop", "page_size")."""

STATUSES = ("requested", "finalized", "shipped", "received", "cancelled")
"""What a sale return may be told to be. Not `draft`: nobody is told about a draft."""

TRACKING_STATUSES = ("pre_transit", "transit", "delivered", "returned", "failure", "unknown")
"""What Jetti may say of a parcel (jetti.md#tracking-statuses)."""

_COUNT = whole(0, 1_000_000)
_GLOBS = texts(text)
_STATUS, _TRACKING = one_of(*STATUSES), one_of(*TRACKING_STATUSES)

KEYS: dict[Path, Reader] = {
    ("ledger",): ledger,
    ("loop", "base_url"): base_url,
    ("loop", "page_size"): whole(1, 750),
    ("loop", "requests_per_minute"): rate,
    ("loop", "lag"): span(longest=timedelta(days=1)),
    ("loop", "overlap"): span(longest=timedelta(days=30)),
    ("loop", "window"): span(above_zero=True, longest=timedelta(days=30)),
    ("jetti", "base_url"): base_url,
    ("jetti", "reads_per_second"): rate,
    ("jetti", "writes_per_second"): rate,
    # A settle time of a day or more would be taken for one that a wrong clock wrote.
    ("jetti", "settle"): span(longest=timedelta(hours=12)),
    ("jetti", "cancel_ids_key"): identifier,
    ("policy", "outcomes", "include"): _GLOBS,
    ("policy", "outcomes", "exclude"): _GLOBS,
    ("policy", "types", "include"): _GLOBS,
    ("policy", "types", "exclude"): _GLOBS,
    ("policy", "skus", "include"): _GLOBS,
    ("policy", "skus", "exclude"): _GLOBS,
    ("policy", "held_states"): texts(one_of(*KNOWN_STATES)),
    ("policy", "patience"): span(),  # 0: waiting is told at once
    **{
        ("mapping", "status", state, label): _STATUS
        for state in KNOWN_STATES
        for label in labels.STATUSES
    },
    **{("mapping", "tracking", label): _TRACKING for label in labels.STATUSES},
    ("guard", "creates"): _COUNT,
    ("guard", "updates"): _COUNT,
    ("guard", "share"): share,
}

REASONS: Path = ("mapping", "reasons")
"""Below it every name is allowed: the merchant's own wording of return reasons."""

_TRACKED: Path = ("mapping", "tracking")
_WORDS: dict[Path, Reader] = {
    REASONS: text,
    _TRACKED: _TRACKING,
    **{("mapping", "status", state): _STATUS for state in KNOWN_STATES},
}
"""Tables that take any word: Loop's lists are open (loop.md#label-status-words), and so are the
reasons."""

TABLES: frozenset[Path] = frozenset(key[:depth] for key in KEYS for depth in range(len(key))) | {
    REASONS
}


def reader(key: Path) -> Reader | None:
    """How the key's value is read; None when there is no such key."""
    return KEYS.get(key) or (_WORDS.get(key[:-1]) if key[-1].strip() else None)


def normal(key: Path) -> Path:
    """A label status as it is compared, so without its case; a reason as the merchant wrote it."""
    is_label = key[:-1] in _WORDS and key[:-1] != REASONS
    return (*key[:-1], labels.spelled(key[-1])) if is_label else key


def dotted(key: Path) -> str:
    """The key as it is spoken of: `loop.page_size`."""
    return ".".join(key)
