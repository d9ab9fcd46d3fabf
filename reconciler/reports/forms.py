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


def rendered(report: Report | Verification, form: str) -> str:
    """The whole report in this form, without a trailing newline."""
    return _made(report, (RUN if isinstance(report, Report) else VERIFY)[form])


def rendered_period(report: PeriodReport, form: str) -> str:
    """The same of a period."""
    return _made(report, PERIOD[form])


def _made(report: Report | Verification | PeriodReport, named: str) -> str:
    module, _, function = named.partition(".")
    render = getattr(import_module(f"reconciler.reports.{module}"), function)
    text: str = render(report)
    return text
