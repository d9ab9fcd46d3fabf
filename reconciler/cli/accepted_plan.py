"""A plan that someone has reviewed: its digest, or the dry run's report that lists it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec
from msgspec import Struct

from reconciler.core.records import PlanMember
from reconciler.core.report import OutcomeKind
from reconciler.errors import ConfigError

_DIGEST = re.compile(r"[0-9a-f]{16}", re.ASCII)
_HOW = "make one with `reconciler run --dry-run --format json --output FILE`"


class AcceptedPlan(Struct, frozen=True):
    """What `--accept-plan` names."""

    digest: str | None = None
    members: tuple[PlanMember, ...] = ()


NOTHING = AcceptedPlan()


class _Change(Struct):
    return_id: str
    change: str
    outcome: str
    fingerprint: str
    planned: str | None = None


class _Run(Struct):
    dry_run: bool


class _DryRun(Struct):
    run: _Run
    changes: list[_Change]


def read(written: str) -> AcceptedPlan:
    """Parse `--accept-plan`. Raises ConfigError if it is neither a digest nor a plan."""
    if _DIGEST.fullmatch(written):
        return AcceptedPlan(digest=written)
    if not os.path.isfile(written):  # never raises, even for an impossible name
        raise ConfigError(f"--accept-plan: {written!r} is neither a digest nor a file", _HOW)
    return AcceptedPlan(members=_members(Path(written)))


def _members(path: Path) -> tuple[PlanMember, ...]:
    try:
        plan = msgspec.json.decode(path.read_bytes(), type=_DryRun)
        members = tuple(
            # What Jetti has already is shown as an adopt; the plan calls it by what it planned.
            # safeguard: taken-over-is-accepted-as-planned
            PlanMember(
                change.return_id,
                change.planned or change.change,
                bytes.fromhex(change.fingerprint),
            )
            for change in plan.changes
            # What was not to be pushed was not reviewed either: a setting may let it through now.
            # safeguard: skipped-returns-are-not-accepted
            if change.fingerprint and change.outcome != OutcomeKind.SKIPPED
        )
    except OSError as error:
        answer = os.strerror(error.errno or 0)
        raise ConfigError(f"--accept-plan: {path}: {answer}", "make it readable") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"--accept-plan: {path} is not a JSON report: {error}", _HOW) from error
    if not plan.run.dry_run:
        raise ConfigError(f"--accept-plan: {path} is the report of a real run", _HOW)
    return members
