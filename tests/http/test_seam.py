"""Requests leave through one package, which knows nothing of returns."""

from __future__ import annotations

import ast
from pathlib import Path

import reconciler

PACKAGE = Path(reconciler.__file__).parent
NETWORK = {"httpx", "httpcore", "httpx_retries", "requests", "urllib3", "h11"}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def test_only_the_http_package_knows_the_http_libraries():
    strangers = [
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if path.parent.name != "http"
        and NETWORK & {name.partition(".")[0] for name in imports(path)}
    ]

    assert strangers == []
