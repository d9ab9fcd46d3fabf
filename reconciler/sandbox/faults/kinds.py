"""The ways in which a call can go wrong, by name: each turns a call into a delivery.

A kind's keyword parameters are what `Fault.parameters` may name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from reconciler.sandbox.delivery import Delivery
from reconciler.sandbox.faults import corruptions, cuts, replacements

KINDS: dict[str, Callable[..., Delivery]] = {
    kind.__name__: kind
    for kind in (
        cuts.delay,
        cuts.trickle,
        cuts.refuse,
        cuts.reset_before_headers,
        cuts.reset_after_headers,
        cuts.reset_mid_body,
        cuts.silence,
        cuts.applied_then_lost,
        cuts.not_applied_then_lost,
        cuts.applied_later,
        replacements.redirect,
        replacements.html_200,
        replacements.empty_200,
        replacements.error_200,
        replacements.raw,
        replacements.gzip_bomb,
        corruptions.truncated,
        corruptions.wrong_length,
        corruptions.short_page,
        corruptions.duplicate_answer,
        corruptions.stale_read,
        corruptions.filter_ignored,
        corruptions.parameters_dropped,
    )
}
KINDS["429"] = replacements.too_many
for _code in (400, 401, 403, 404, 409, 422, 500, 502, 503, 504):
    KINDS[str(_code)] = partial(replacements.status, code=_code)


def check_parameters(kind: str, parameters: dict[str, Any]) -> None:
    """Raise ValueError for an unknown kind, or for parameters that it does not take."""
    if kind not in KINDS:
        raise ValueError(f"no fault {kind!r}; there are {', '.join(sorted(KINDS))}")
    try:
        inspect.signature(KINDS[kind]).bind(None, **parameters)
    except TypeError as error:
        raise ValueError(f"fault {kind!r}: {error}") from None
