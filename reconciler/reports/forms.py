"""The forms that the reports of `run` and `verify` can take, each a pure function of the same
value."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from reconciler.core.report import Report

if TYPE_CHECKING:
    from reconciler.core.verification.report import Verification

RUN: Mapping[str, str] = {
    "text": "run_text.render",
    "json": "as_json.encode",
    "csv": "as_csv.render",
    "markdown": "as_markdown.render",
    "html": "as_html.render",
}
"""By `--format`; a renderer is imported when it is used."""

VERIFY: Mapping[str, str] = {
    **RUN,
    "text": "verification_text.render",
    "html": "as_html.render_verification",
}


def rendered(report: Report | Verification, form: str, width: int = 80) -> str:
    """The whole report in this form, without a trailing newline; text is `width` columns wide."""
    named = (RUN if isinstance(report, Report) else VERIFY)[form]
    module, _, function = named.partition(".")
    render = getattr(import_module(f"reconciler.reports.{module}"), function)
    text: str = render(report, width) if form == "text" else render(report)
    return text
