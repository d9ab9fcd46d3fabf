"""What is not known of Jetti, as switches: a client has to work under every setting.

Each names the section of apis/jetti.md and how well the fact stands there: documented, seen (in
code that talks to the live service) or inferred. Where nobody knows, the default is the less
convenient answer.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class JettiSwitches(Struct, kw_only=True, forbid_unknown_fields=True):
    """Behaviour that can be changed at any time, between two requests."""

    # ------------------------------------------------------------------ POST cancel.json (6.3)
    cancel_ids_key: str = "ids"
    """Name of the id array (6.3, inferred). Under another name the client's key is an unknown one:
    it is ignored, and the whole sale comes back."""
    cancel_attributes: Literal["ignored", "applied"] = "ignored"
    """Sale return attributes in the body (6.3, 14.6a, inferred)."""
    cancel_answer_items: bool = False
    """The answer contains `sale_return_items` and `purchase` (14.6c; seen on the twin call)."""
    cancel_repeated: Literal["another", "empty", "error"] = "another"
    """Asked for lines that are on a live sale return already (14.6d, unknown)."""
    status_in_house: Literal[
        "draft", "requested", "finalized", "shipped", "received", "by_settings"
    ] = "requested"
    """Status of a new sale return of in-house goods (14.6b). The default is the model's own
    (8.1, documented); `by_settings` takes `warehouse.defaultReturnStatus`, whose default is
    `received` (7.1, inferred)."""
    status_dropship: Literal["draft", "requested", "finalized", "received", "by_settings"] = (
        "requested"
    )
    """The same for a vendor's goods; `by_settings` takes
    `dropshipProvider.saleReturnCustomerStatus` (7.1, documented)."""

    split: Literal["per_vendor", "per_line", "single"] = "per_vendor"
    """How many sale returns a call makes (6.3, documented: one per vendor and one in-house). The
    others are what no client may be surprised by."""

    # ------------------------------------------------------------------------------ writes (5)
    put_answer: Literal["object", "empty"] = "object"
    """What a PUT answers (14.8; the object is seen, not documented)."""
    unique_external_ids: bool = False
    """A second sale return with the same `externalId` is refused with 409 (14.13: no uniqueness
    is documented)."""
    validation_status: Literal[400, 422, 500] = 500
    """Status of a refused body (9, unknown; 500 is the documented default of the error package)."""
    string_limit: int = 255
    """Longest plain string; `notes` are longer (16, inferred). 0 = no limit."""

    # --------------------------------------------------------------------------- the rows (2, 6.1)
    company_id: int = 41
    """The account, on every row."""
    company_id_form: Literal["integer", "string", "absent"] = "integer"
    """Both forms are seen in published samples, the schemas lack it (2, 14.9)."""
    reference_form: Literal["bare", "hash"] = "bare"
    """An imported sale's reference: `1042` or `#1042` (6.1, inferred)."""

    # ------------------------------------------------------------------------------ queries (4)
    default_limit: int = 10
    """Rows of a page when `limit` is not sent (14.12, unknown)."""
    max_limit: int = 100
    """A larger `limit` is cut to this (14.12, unknown)."""
    limit_parameter: Literal["taken", "ignored", "refused"] = "taken"
    """What becomes of `limit` (4: seen in code)."""
    from_means: Literal["offset", "page", "nothing", "refused"] = "offset"
    """Reading of `from` (4, unknown)."""
    order_parameter: Literal["taken", "ignored", "refused"] = "taken"
    """What becomes of `order` (4: seen in code, not documented). Without one the rows come as a
    database without ORDER BY shows them: what was changed last stands last."""
    order_descends: bool = False
    """An `order` without `descending` goes downwards (4: that it ascends is inferred)."""
    unknown_field: Literal["ignored", "error"] = "ignored"
    """A `where`, `order` or `attributes` that names no attribute (16, unknown)."""
    where_ignored: bool = False
    """The server ignores every filter (13.1 wants clients to notice)."""
    ignored_filters: tuple[str, ...] = ()
    """Attributes by which a `where` does not filter."""
    in_refused: bool = False
    """The server takes no `$in` (4: seen in code, documented for another call)."""
    greater_than_ignored: bool = False
    """The server ignores `$gt` (4, inferred operator: paging by it may not work)."""
    greater_than_refused: bool = False
    """The server takes no `$gt`."""
    query_status: Literal[400, 422, 500] = 500
    """Status of a refused query (9, unknown)."""
    array_limit: int = 1000
    """Longest array in a query. The parser's own default of 20 would turn a longer one into an
    object, which is refused (4, unknown)."""
    read_lag_seconds: float = 0.0
    """GETs do not show an object until it is this old."""

    # --------------------------------------------------------------------- limits and keys (2, 3)
    rate_limit: Literal["or", "and", "off"] = "or"
    """Two GETs `or` one write a second, or two GETs `and` one write: the two documented wordings
    differ (3). `off` for benchmarks."""
    rate_headers: bool = False
    """Answers tell the remaining capacity (3: that they do is documented, the names are not)."""
    retry_after: str | None = None
    """Value of `Retry-After` on a 429; the service is not known to send one (3)."""
    forbidden: Literal["nothing", "writes", "everything"] = "nothing"
    """What the key may not do: 403 (9, body unknown)."""
