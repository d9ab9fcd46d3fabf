"""What is not known about Jetti, as switches: a client has to work under every setting.

Each cites its section of jetti.md, which says how certain the fact is (jetti.md#marks): documented,
seen (in code that talks to the live service) or inferred. If nothing is known, the default is the
less convenient behaviour.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class JettiSwitches(Struct, kw_only=True, forbid_unknown_fields=True):
    """Behaviour that can be changed at any time, between two requests."""

    # ------------------------------------------------------------------ POST cancel.json
    # (jetti.md#creating-a-sale-return)
    cancel_ids_key: str = "ids"
    """Name of the id array (jetti.md#id-array-of-the-cancel-call, #whole-sale-risk). Under another
    name the client's key is an unknown one: it is ignored, and the whole sale comes back."""
    cancel_attributes: Literal["ignored", "applied"] = "ignored"
    """Sale return attributes in the body (jetti.md#attributes-in-the-cancel-call)."""
    cancel_answer_items: bool = False
    """The answer contains `sale_return_items` and `purchase`
    (jetti.md#answer-of-the-cancel-call)."""
    cancel_repeated: Literal["another", "empty", "error"] = "another"
    """The effect of a call for lines that are already on a live sale return
    (jetti.md#repeated-cancel-calls)."""
    status_in_house: Literal[
        "draft", "requested", "finalized", "shipped", "received", "by_settings"
    ] = "requested"
    """Status of a new sale return of in-house goods (jetti.md#status-after-creation). The default
    is the model's own (jetti.md#sale-return-fields); `by_settings` takes
    `warehouse.defaultReturnStatus`, whose default is `received`
    (jetti.md#status-after-creation)."""
    status_dropship: Literal["draft", "requested", "finalized", "received", "by_settings"] = (
        "requested"
    )
    """The same for a vendor's goods; `by_settings` takes
    `dropshipProvider.saleReturnCustomerStatus` (jetti.md#status-after-creation)."""

    split: Literal["per_vendor", "per_line", "single"] = "per_vendor"
    """How many sale returns a call makes (jetti.md#answer-of-the-cancel-call, #split-of-a-return:
    one per vendor and one in-house). A client has to cope with the others too."""

    # ------------------------------------------------------------------------------ writes
    # (jetti.md#generic-rules-for-rows)
    put_answer: Literal["object", "empty"] = "object"
    """What a PUT answers (jetti.md#answers-to-put-and-delete; the object is seen, not
    documented)."""
    unique_external_ids: bool = False
    """A second sale return with the same `externalId` is refused with 409
    (jetti.md#external-id-rules: no uniqueness is documented)."""
    validation_status: Literal[400, 422, 500] = 500
    """Status of a refused body (jetti.md#error-statuses; 500 is the documented default of the error
    package)."""
    string_limit: int = 255
    """Longest plain string; `notes` are longer (jetti.md#string-lengths). 0 = no limit."""

    # --------------------------------------------------------------------------- the rows
    # (jetti.md#company-id, #order-name-of-a-sale)
    company_id: int = 41
    """The account, on every row."""
    company_id_form: Literal["integer", "string", "absent"] = "integer"
    """Both forms occur in published samples; the schemas lack it (jetti.md#company-id)."""
    reference_form: Literal["bare", "hash"] = "bare"
    """An imported sale's reference: `1042` or `#1042` (jetti.md#order-name-of-a-sale)."""

    # ------------------------------------------------------------------------------ queries
    # (jetti.md#query-language)
    default_limit: int = 10
    """Rows of a page when `limit` is not sent (jetti.md#paging)."""
    max_limit: int = 100
    """A larger `limit` is cut to this (jetti.md#paging)."""
    limit_parameter: Literal["taken", "ignored", "refused"] = "taken"
    """What happens to `limit` (jetti.md#query-parameters)."""
    from_means: Literal["offset", "page", "nothing", "refused"] = "offset"
    """The meaning of `from` (jetti.md#paging)."""
    order_parameter: Literal["taken", "ignored", "refused"] = "taken"
    """What happens to `order` (jetti.md#query-parameters). Without one the rows come as from a
    database without ORDER BY: the row changed last comes last."""
    order_descends: bool = False
    """Whether an `order` without `descending` is descending (jetti.md#query-parameters)."""
    unknown_field: Literal["ignored", "error"] = "ignored"
    """What happens to an unknown attribute in `where`, `order` or `attributes`
    (jetti.md#unknown-filter-fields)."""
    where_ignored: bool = False
    """The server ignores every filter (jetti.md#lookup-of-an-existing-return,
    #unknown-filter-fields)."""
    ignored_filters: tuple[str, ...] = ()
    """Attributes that are ignored in a `where`."""
    in_refused: bool = False
    """The server refuses `$in` (jetti.md#filter-operators)."""
    greater_than_ignored: bool = False
    """The server ignores `$gt` (jetti.md#filter-operators, #paging-by-id: paging by it may not
    work)."""
    greater_than_refused: bool = False
    """The server refuses `$gt`."""
    query_status: Literal[400, 422, 500] = 500
    """Status of a refused query (jetti.md#error-statuses)."""
    array_limit: int = 1000
    """Longest array in a query. The parser's own default of 20 would turn a longer one into an
    object, which is refused (jetti.md#array-length)."""
    longer_array: Literal["refused", "empty"] = "refused"
    """Whether an operator refuses that object, or takes it for a list that holds nothing."""
    read_lag_seconds: float = 0.0
    """GETs do not show an object until it is this old."""

    # --------------------------------------------------------------------- limits and keys
    # (jetti.md#authentication, #rate-limit)
    rate_limit: Literal["or", "and", "off"] = "or"
    """Two GETs `or` one write a second, or two GETs `and` one write: the two documented wordings
    differ (jetti.md#documented-limit). `off` for benchmarks."""
    rate_headers: bool = False
    """Answers show the remaining capacity (jetti.md#rate-limit-headers; the names of the headers
    are not known)."""
    retry_after: str | None = None
    """Value of `Retry-After` on a 429; the service is not known to send one
    (jetti.md#rate-limit-headers)."""
    forbidden: Literal["nothing", "writes", "everything"] = "nothing"
    """What the key may not do: 403 (jetti.md#error-statuses)."""
