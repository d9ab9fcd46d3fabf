"""The forms that the reports of `run`, `verify` and `report` can take, each a pure function of the
same value."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from reconciler.core.report import Report

if TYPE_CHECKING:
    from reconciler.core.period.report import PeriodReport
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
PERIOD: Mapping[str, str] = {**RUN, "text": "period_text.render", "html": "as_html.render_period"}


def rendered(report: Report | Verification | PeriodReport, form: str, width: int = 80) -> str:
    """The whole report in this form, without a trailing newline; text is `width` columns wide."""
    module, _, function = _forms_of(report)[form].partition(".")
    render = getattr(import_module(f"reconciler.reports.{module}"), function)
    text: str = render(report, width) if form == "text" else render(report)
    return text


def _forms_of(report: Report | Verification | PeriodReport) -> Mapping[str, str]:
    if isinstance(report, Report):
        return RUN
    from reconciler.core.period.report import PeriodReport  # a pass does not need it

    return PERIOD if isinstance(report, PeriodReport) else VERIFY
