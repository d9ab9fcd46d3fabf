"""The settings that decide: what is created, what Jetti is sent, and when a run must stop."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from msgspec import Struct

from reconciler.core.limits import (
    ByLabel,
    ByReason,
    ByState,
    Duration,
    ListOf,
    OneOf,
    Setting,
    Share,
    Text,
    WholeNumber,
)
from reconciler.core.model import KNOWN_STATES

STATUSES = ("requested", "finalized", "shipped", "received", "cancelled")
"""What a label may make of a sale return. Not `draft`: nobody is notified of a draft."""

TRACKING_STATUSES = ("pre_transit", "transit", "delivered", "returned", "failure", "unknown")
"""What Jetti may say of a parcel (jetti.md#tracking-statuses)."""

_COUNT = WholeNumber(0, 1_000_000)


class Globs(Struct, frozen=True):
    """Include and exclude patterns in shell style; no include means everything."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class Policy(Struct, frozen=True):
    """Which returns and lines are created in Jetti. Governs creation only."""

    outcomes: Annotated[
        Globs,
        Setting(
            "which returns are created, by outcome; shell patterns", ListOf(Text()), default="all"
        ),
    ] = Globs()
    types: Annotated[
        Globs,
        Setting(
            "which returns are created, by type; shell patterns", ListOf(Text()), default="all"
        ),
    ] = Globs()
    skus: Annotated[
        Globs,
        Setting(
            "which lines are created, by SKU; shell patterns. A return without any is skipped",
            ListOf(Text()),
            default="all",
        ),
    ] = Globs()
    held_states: Annotated[
        tuple[str, ...],
        Setting("states in Loop that hold a return back", ListOf(OneOf(KNOWN_STATES))),
    ] = ("review",)
    patience: Annotated[
        timedelta,
        Setting(
            "how long an order may be missing, or work deferred, before `status` and the exit code"
            " report it; 0: at once",
            Duration(),
        ),
    ] = timedelta(hours=24)


class Mapping(Struct, frozen=True):
    """How a return is mapped to Jetti; empty tables mean the defaults of `core.mapping`.

    Label statuses are in lower case; `none` means without a label.
    """

    status: Annotated[
        dict[str, dict[str, str]],
        Setting(
            "status in Jetti, by Loop's state and label status: any word, in any case (`none`"
            " without a label)",
            ByState(ByLabel(OneOf(STATUSES))),
            default="shipped once a parcel is scanned",
        ),
    ] = {}
    tracking: Annotated[
        dict[str, str],
        Setting(
            "tracking status in Jetti, by label status",
            ByLabel(OneOf(TRACKING_STATUSES)),
            default="as the label says",
        ),
    ] = {}
    reasons: Annotated[
        dict[str, str],
        Setting(
            "code of Jetti's adjustment reason, by Loop's return reason",
            ByReason(Text()),
            default="none",
        ),
    ] = {}


class Guards(Struct, frozen=True):
    """How large a plan may be before someone must look at it."""

    creates: Annotated[
        int,
        Setting(
            "a scheduled plan that creates more returns than this *and* more than `guard.share`"
            " stops",
            _COUNT,
        ),
    ] = 25
    updates: Annotated[
        int,
        Setting(
            "a scheduled plan that updates or cancels more returns than this *and* more than"
            " `guard.share` stops",
            _COUNT,
        ),
    ] = 25
    share: Annotated[
        float,
        Setting(
            "a share of the returns in the ledger that changed in Loop in the last 28 days; see"
            " [When a plan is stopped](#when-a-plan-is-stopped)",
            Share(),
        ),
    ] = 0.30
