"""The ways in which a call can go wrong, by name: each turns a call into a delivery.

A kind's keyword parameters are what `Fault.parameters` may name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from reconciler.sandbox import fault_cuts, fault_instead, fault_mangled
from reconciler.sandbox.delivery import Delivery

KINDS: dict[str, Callable[..., Delivery]] = {
    kind.__name__: kind
    for kind in (
        fault_cuts.delay,
        fault_cuts.trickle,
        fault_cuts.refuse,
        fault_cuts.reset_before_headers,
        fault_cuts.reset_after_headers,
        fault_cuts.reset_mid_body,
        fault_cuts.silence,
        fault_cuts.applied_then_lost,
        fault_cuts.not_applied_then_lost,
        fault_cuts.applied_later,
        fault_instead.redirect,
        fault_instead.html_200,
        fault_instead.empty_200,
        fault_instead.error_200,
        fault_instead.raw,
        fault_instead.gzip_bomb,
        fault_mangled.truncated,
        fault_mangled.wrong_length,
        fault_mangled.short_page,
        fault_mangled.duplicate_answer,
        fault_mangled.stale_read,
        fault_mangled.filter_ignored,
        fault_mangled.parameters_dropped,
    )
}
KINDS["429"] = fault_instead.too_many
for _code in (400, 401, 403, 404, 409, 422, 500, 502, 503, 504):
    KINDS[str(_code)] = partial(fault_instead.status, code=_code)


def check_parameters(kind: str, parameters: dict[str, Any]) -> None:
    """ValueError for an unknown kind, or parameters that it does not take."""
    if kind not in KINDS:
        raise ValueError(f"no fault {kind!r}; there are {', '.join(sorted(KINDS))}")
    try:
        inspect.signature(KINDS[kind]).bind(None, **parameters)
    except TypeError as error:
        raise ValueError(f"fault {kind!r}: {error}") from None
