"""How the pretend Loop behaves where nobody knows: one switch for each inferred fact."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class LoopSwitches(Struct):
    """Set at any time, also between two pages. The defaults are the harsher reading where a
    careful reader of loop.md#reading-guide, #open-questions could hold both, else the likelier
    one."""

    next_page_link: Literal["documented", "complete"] = "documented"
    """Which parameters `nextPageUrl` carries: only `to`, `filter`, `pageSize` and `cursor` as in
    the documented example, or all that were sent (loop.md#next-page-link)."""
    next_page_cursor: Literal["true", "absent", "repeated", "cycle", "ever_fresh"] = "true"
    """`absent`: a next link without a cursor. The last three: a next link that never ends, with
    the same cursor, two in turn, or always a new one, each leading back to page one."""
    next_page_origin: str | None = None
    """Put in place of scheme and host of the next link: another host, `user@host`, or `""`."""
    cursor_implies_paginate: bool = False
    """Whether `cursor` without `paginate` gets a page; else the bare array of the whole window."""
    cursor_without_from: Literal["open_ended", "last_day"] = "open_ended"
    """Which window a page has whose request names a cursor but no `from`."""
    undecodable_cursor: Literal["page_one", "refuse"] = "page_one"
    order: Literal["newest_first", "oldest_first"] = "newest_first"
    ties: Literal["stable", "unordered"] = "stable"
    """Rows of one second: by id, or in a different order in every answer."""
    tie_breaker: bool = False
    """Whether the cursor also names an id, so that no rows are lost at the edge of a page."""
    cursor_column: Literal["filtered", "created_at"] = "filtered"
    """Which column order and cursor go by under `filter=updated_at`."""
    window_ends: Literal["inclusive", "exclusive"] = "inclusive"
    longest_window_days: int = 120
    page_size_beyond: Literal["clamp", "refuse"] = "clamp"
    """What becomes of a `pageSize` under 1 or over 750."""
    unlisted_states: Literal["hidden", "with_open"] = "hidden"
    """Where a return shows whose state the list cannot be asked for, such as `processing`."""
    visible_after: float = 0.0
    """Seconds from a change until the list shows it; details shows it at once."""
    label_changes_bump: bool = True
    """Whether a label's changes move the return's `updated_at`."""
    edits_bump: bool = True
    """Whether an edit moves `updated_at` as well as `edited_at`; Loop's own example says no."""
    created_at_form: Literal["milliseconds", "offset"] = "milliseconds"
    """`…T22:27:15.000Z` as documented, or `…T22:27:15+00:00` as captured."""
    top_level_label: Literal["first", "newest"] = "first"
    """Which of several labels feeds the return's own label fields."""
    regenerated_label: Literal["stays", "goes"] = "stays"
    """Whether a label that was regenerated still stands in `labels`
    (loop.md#label-regeneration)."""
    regenerated_label_status: Literal["kept", "cancelled"] = "kept"
    """With which status it stands there: the one it had, or voided."""
    untied_label: Literal["empty", "null"] = "empty"
    """How `line_items` of a label shows that it is tied to no line."""
    extra_fields: bool = False
    """Whether rows carry fields that no documentation names."""
    details_of_order: Literal["newest", "list"] = "newest"
    """What details answers for an order that has several returns."""
    requests_per_minute: int | None = 300
    """None: no limit."""
    rate_limit_headers: bool = True
    retry_after: bool = True
    """Whether a 429 says how long to wait."""
    unauthorized: Literal["gateway", "plain"] = "gateway"
    """The envelope of a 401: the gateway's, or `{"errors": "Unauthorized."}`."""
