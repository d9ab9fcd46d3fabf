"""What a reader of the report should know of the run as a whole."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.matching.created import CAN_PROVE, PROVEN_BY
from reconciler.core.pass_result import LedgerState, PassResult
from reconciler.core.report import ChangeKind, OutcomeKind
from reconciler.core.summary import CREATION_STOPPED


def run_remarks(result: PassResult, state: LedgerState, ids_key: str) -> tuple[str, ...]:
    """All there is to remark, in a sentence each. `ids_key` is `jetti.cancel_ids_key`."""
    stopped = state.totals.creation_stopped
    if stopped is not None:
        # safeguard: stopped-creation-promises-nothing
        of_creates: tuple[str, ...] = (f"{CREATION_STOPPED}: {stopped}",)
    else:
        of_creates = (*_not_looked_up(result, state), *_unproven(result, state, ids_key))
    return (
        *result.start.remarks,
        *of_creates,
        *result.remarks,
        *_ignored(state),
        *_older_than_the_range(result),
        *_budget_of_a_dry_run(result),
        *_left_over(result, creates=stopped is None),
    )


def _ignored(state: LedgerState) -> Iterator[str]:
    """Why nothing comes of what was asked for by name."""
    for return_id in state.ignored:
        yield (
            f"return {return_id} is ignored, as someone has decided: nothing is done about it until"
            f" `reconciler retry {return_id}`"
        )


def _not_looked_up(result: PassResult, state: LedgerState) -> Iterator[str]:
    """What a dry run by the ledger alone cannot know of a ledger that never pushed anything."""
    if not (state.has_pushed or result.request.reaches_jetti) and result.creates():
        yield "whether Jetti already has any of these was not checked; --against-jetti does that"


def _unproven(result: PassResult, state: LedgerState, ids_key: str) -> Iterator[str]:
    """What a create of a whole sale, however well it goes, leaves open."""
    if state.proven_ids_key != ids_key and result.creates():
        proof = _proof_among(result)
        yield f"no create has proven jetti.cancel_ids_key yet, so they go one by one; {proof}"


def _proof_among(result: PassResult) -> str:
    """Which create would prove it: of these, where a dry run has looked at all of them."""
    request = result.request
    creates = [one for one in result.outcomes if one.change is ChangeKind.CREATE]
    able = [one.return_id for one in creates if CAN_PROVE in one.remarks]
    if able:
        more = f" and {len(able) - 1} more" if len(able) > 1 else ""
        return f"return {able[0]}{more} can prove it"
    unseen = (OutcomeKind.DEFERRED, OutcomeKind.FAILED)
    if request.dry_run and request.against_jetti and not any(c.outcome in unseen for c in creates):
        return f"none of these can prove it, only {PROVEN_BY}"
    return f"{PROVEN_BY} proves it"


def _older_than_the_range(result: PassResult) -> Iterator[str]:
    """What a range shows although the ledger that the report advises would never create it."""
    older = sum(change.before_go_live for change in result.creates())
    if result.start.watermark is None and result.request.start is not None and older:
        which = "1 of these was" if older == 1 else f"{older} of these were"
        yield (
            f"{which} raised before this range: after `reconciler init --since` with its start,"
            " only a range that is asked for creates such returns, and scheduled passes leave"
            " them alone"
        )


def _budget_of_a_dry_run(result: PassResult) -> Iterator[str]:
    """A dry run shows the whole plan: which of it a budget would cut off depends on Jetti."""
    most = result.request.max_writes
    if result.request.dry_run and most is not None and result.plan.changes:
        yield (
            f"with --max-writes {most} a run ends before the next return once that many writes"
            " were sent; the rest of this plan then stays pending"
        )


def _left_over(result: PassResult, *, creates: bool) -> Iterator[str]:
    """What was asked for and is not done: who goes on with it. `creates`: whether anybody goes on
    with what is to be created."""
    if result.request.dry_run or not result.is_accepted:
        return
    planned = result.plan.changes
    hopeless = {c.return_id for c in planned if c.rests or (c.creates and not creates)}
    left = sum(
        one.outcome is OutcomeKind.DEFERRED and one.return_id not in hopeless
        for one in result.outcomes
    )
    if left:
        which = "1 return is" if left == 1 else f"{left} returns are"
        yield f"{which} left; scheduled passes continue with the rest, after fresh changes"
