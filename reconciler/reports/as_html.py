"""Reports as one HTML file that needs nothing else: no network, no other file, no script.

The only module that imports Jinja2. The templates in `page/` get values that are safe to print
already; whatever text comes out of an expression goes through `core.text.safe` once more, and is
then escaped, so that a template cannot forget it.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from reconciler.core.period.report import PeriodReport
from reconciler.core.report import Report
from reconciler.core.text import safe
from reconciler.core.verification.report import Verification
from reconciler.reports import html_period, html_run, html_verification

_PAGE = Path(__file__).with_name("page")
_LONGEST = 2_000


def render(report: Report) -> str:
    """The page about a pass, without a trailing newline."""
    return _rendered("run.html", page=html_run.page(report))


def render_verification(found: Verification) -> str:
    """The page about a verification, without a trailing newline."""
    return _rendered("verification.html", page=html_verification.page(found))


def render_period(report: PeriodReport) -> str:
    """The page about a period, without a trailing newline."""
    return _rendered("period.html", page=html_period.page(report))


def _rendered(template: str, **values: object) -> str:
    return environment().get_template(template).render(**values).rstrip("\n")


@cache
def environment() -> Environment:
    """Where the templates are, and what holds for all of them."""
    made = Environment(
        loader=FileSystemLoader(_PAGE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["coded"] = _coded
    style, script = _read("style.css"), _read("script.js")
    made.globals |= {
        "style": Markup(style),  # noqa: S704 - a file of this program
        "script": Markup(script),  # noqa: S704 - the same
        "policy": policy(style, script),
    }
    return made


def policy(style: str, script: str) -> str:
    """A content security policy that allows these two texts and nothing else."""
    return (
        f"default-src 'none'; style-src {_source(style)}; script-src {_source(script)};"
        " base-uri 'none'; form-action 'none'"
    )


def _source(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _read(name: str) -> str:
    return (_PAGE / name).read_text(encoding="utf-8")


def _printable(value: object) -> object:
    # Of `Markup`, which is a text too, the template itself is the author.
    # safeguard: pages-hold-plain-text
    return safe(value, _LONGEST) if type(value) is str else value


def _coded(text: str) -> Markup:
    """A sentence with what is in backticks as code, to be typed."""
    parts = safe(text, _LONGEST).split("`")
    if len(parts) % 2 == 0:  # one is left over: take them for what they are
        return escape("`".join(parts))
    marked = (Markup("<code>{}</code>") if at % 2 else Markup("{}") for at in range(len(parts)))
    return Markup("").join(mark.format(part) for mark, part in zip(marked, parts, strict=True))
