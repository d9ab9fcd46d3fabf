"""What is not known about Loop, as switches: one for each inferred fact."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class LoopSwitches(Struct):
    """May be set at any time, even between two pages. Each default is the likelier behaviour or,
    if loop.md#reading-guide and #open-questions allow both, the harsher one."""

    next_page_link: Literal["documented", "complete"] = "documented"
    """The parameters in `nextPageUrl`: only `to`, `filter`, `pageSize` and `cursor` as in the
    documented example, or all that were sent (loop.md#next-page-link)."""
    next_page_cursor: Literal["true", "absent", "repeated", "cycle", "ever_fresh"] = "true"
    """`absent`: a next link without a cursor. The last three: next links that never end, with
    the same cursor, two in turn, or always a new one, each leading back to page one."""
    next_page_origin: str | None = None
    """Replaces scheme and host of the next link: another host, `user@host`, or `""`."""
    cursor_implies_paginate: bool = False
    """Whether `cursor` without `paginate` gets a page; if not, the bare array of the window."""
    cursor_without_from: Literal["open_ended", "last_day"] = "open_ended"
    """The window of a request that has a cursor but no `from`."""
    undecodable_cursor: Literal["page_one", "refuse"] = "page_one"
    order: Literal["newest_first", "oldest_first"] = "newest_first"
    ties: Literal["stable", "unordered"] = "stable"
    """The order of rows within a second: by id, or different in every answer."""
    tie_breaker: bool = False
    """Whether the cursor also names an id, so that no rows are lost at the edge of a page."""
    cursor_column: Literal["filtered", "created_at"] = "filtered"
    """The column that determines order and cursor under `filter=updated_at`."""
    window_ends: Literal["inclusive", "exclusive"] = "inclusive"
    longest_window_days: int = 120
    page_size_beyond: Literal["clamp", "refuse"] = "clamp"
    """What happens to a `pageSize` under 1 or over 750."""
    unlisted_states: Literal["hidden", "with_open"] = "hidden"
    """Where the list shows a return whose state cannot be queried, such as `processing`."""
    visible_after: float = 0.0
    """Seconds from a change until the list shows it; details shows it at once."""
    label_changes_bump: bool = True
    """Whether a change of a label updates the return's `updated_at`."""
    edits_bump: bool = True
    """Whether an edit updates `updated_at` as well as `edited_at`; in Loop's example it does
    not."""
    created_at_form: Literal["milliseconds", "offset"] = "milliseconds"
    """`…T22:27:15.000Z` as documented, or `…T22:27:15+00:00` as captured."""
    top_level_label: Literal["first", "newest"] = "first"
    """Which of several labels the return's own label fields show."""
    regenerated_label: Literal["stays", "goes"] = "stays"
    """Whether a label that was regenerated remains in `labels`
    (loop.md#label-regeneration)."""
    regenerated_label_status: Literal["kept", "cancelled"] = "kept"
    """The status with which it remains: the one it had, or voided."""
    untied_label: Literal["empty", "null"] = "empty"
    """How `line_items` of a label shows that it is tied to no line."""
    extra_fields: bool = False
    """Whether rows have undocumented fields."""
    details_of_order: Literal["newest", "list"] = "newest"
    """What details returns for an order that has several returns."""
    requests_per_minute: int | None = 300
    """None: no limit."""
    rate_limit_headers: bool = True
    retry_after: bool = True
    """Whether a 429 says how long to wait."""
    unauthorized: Literal["gateway", "plain"] = "gateway"
    """The envelope of a 401: the gateway's, or `{"errors": "Unauthorized."}`."""
