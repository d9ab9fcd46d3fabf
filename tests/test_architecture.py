"""The layers of the house, read from the imports; an arrow that runs back fails here."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import pytest

from reconciler.core.model import OwnedField

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "reconciler"
FILES = sorted(PACKAGE.rglob("*.py"))

# What each part may import of ours, besides itself. Whoever stands here nowhere may import all.
ALLOWED = {
    "errors": set(),
    "clock": {"errors"},
    "failpoints": set(),
    "fsync": set(),
    "log_events": set(),
    "core": {"errors"},
    "config": {"core", "errors"},
    "runtime": {"clock"},
    "http": {"clock", "core", "errors", "failpoints", "log_events"},
    "loop": {"clock", "core", "errors", "http", "failpoints", "log_events"},
    "jetti": {"clock", "config", "core", "errors", "http", "failpoints", "log_events"},
    "ledger": {"clock", "core", "errors", "fsync", "migrations", "failpoints"},
    "migrations": {"core", "errors"},
    "reports": {"core", "errors"},
    "operations": {"clock", "config", "core", "errors", "fsync", "http", "log_events"},
    "sandbox": set(),
    "steps": {"core", "log_events"},
    "ingest": {"clock", "core", "errors", "runtime", "failpoints", "steps"},
    "request_reader": {"clock", "core", "errors", "ingest"},
    "acceptance": {"clock", "core", "errors"},
    "approval": {"acceptance", "clock", "core", "errors", "log_events"},
    "turns": {"core", "runtime", "steps"},
    "reconcile": {
        "approval", "clock", "core", "errors", "failpoints", "log_events", "request_reader",
        "runtime", "turns",
    },
    "run_history": {"clock", "core", "errors", "log_events"},
    "finish": {"clock", "core", "errors"},
    "adoption": {"clock", "core", "errors", "ledger", "runtime"},
    "inspection": {"clock", "config", "core", "errors", "ledger"},
    "alarms": {
        "clock", "config", "core", "errors", "inspection", "ledger", "log_events", "operations",
        "reports",
    },
    "deciding": {"app", "config", "core", "errors", "jetti", "ledger", "runtime"},
    "maintenance": {"config", "core", "errors", "ledger", "log_events", "runtime"},
    "doctor": {
        "app", "clock", "config", "core", "deadline", "errors", "http", "inspection", "jetti",
        "ledger", "loop", "runtime",
    },
    "verification": {"clock", "core", "errors", "ingest", "jetti", "runtime", "steps"},
    "deadline": {"clock", "errors", "http", "runtime"},
    "app": {
        "adoption", "approval", "clock", "config", "core", "deadline", "errors", "finish",
        "http", "ingest", "jetti", "ledger", "loop", "reconcile", "request_reader", "run_history",
        "runtime", "steps", "verification",
    },
}  # fmt: skip

# The core knows no world: no clock of its own, no chance, no disk, no network, no log.
IMPURE = {
    "asyncio", "httpx", "io", "logging", "os", "pathlib", "random", "secrets", "shutil", "socket",
    "sqlalchemy", "sqlite3", "subprocess", "sys", "tempfile", "threading", "time", "urllib.request",
    "uuid",
}  # fmt: skip
IMPURE_CALLS = {"now", "utcnow", "today", "open", "print", "input", "getenv"}


def part(path: Path) -> str:
    """`core` for reconciler/core/model.py, `app` for reconciler/app.py."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, in functions and for type checking too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(path: Path) -> set[str]:
    """The parts of the program that a file imports, its own left out."""
    found = {name.split(".")[1] for name in imports(path) if name.startswith("reconciler.")}
    return {name for name in found if not name.startswith("__")} - {part(path)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    allowed = ALLOWED.get(part(path))

    if allowed is not None:
        assert ours(path) <= allowed


def test_every_part_has_its_place() -> None:
    anywhere = {"cli", "__init__", "__main__"}

    assert {part(path) for path in FILES} - anywhere <= set(ALLOWED)


def test_the_layers_have_no_cycle() -> None:
    below: set[str] = set()
    waiting = dict(ALLOWED)
    while waiting:
        free = {name for name, needs in waiting.items() if needs <= below}
        assert free, f"these need each other: {sorted(waiting)}"
        below |= free
        waiting = {name: needs for name, needs in waiting.items() if name not in free}


def test_no_files_import_each_other_in_a_circle() -> None:
    """Also not inside a function or for type checking alone, where Python itself would not see."""
    modules = {_module(path): path for path in FILES}
    needs = {
        name: {found for found in _modules_imported(path, modules) if found != name}
        for name, path in modules.items()
    }
    while free := {name for name, needed in needs.items() if not needed}:
        needs = {name: needed - free for name, needed in needs.items() if name not in free}

    assert not needs, f"circles among {sorted(needs)}"


def _module(path: Path) -> str:
    """`reconciler.core.model`; a package is named by its `__init__.py`."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _modules_imported(path: Path, modules: Collection[str]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module in modules:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in modules else node.module


@pytest.mark.parametrize(
    ("library", "home"),
    [
        ("httpx", {"http"}),
        ("httpx_retries", {"http"}),
        ("qs_codec", {"sandbox"}),
        ("sqlalchemy", {"ledger", "migrations"}),
        ("sqlite3", {"ledger"}),
        ("alembic", {"ledger", "migrations"}),
        ("apscheduler", {"operations", "cli"}),
        ("click", {"cli"}),
        ("rich", {"cli"}),
        ("jinja2", {"reports"}),
        ("wcwidth", {"reports"}),
        ("markupsafe", {"reports"}),
        ("platformdirs", {"config"}),
        ("socket", {"http", "sandbox"}),
    ],
)
def test_a_library_has_one_home(library: str, home: set[str]) -> None:
    users = {
        part(path)
        for path in FILES
        for name in imports(path)
        if name == library or name.startswith(f"{library}.")
    }

    assert users <= home


@pytest.mark.parametrize(
    "path", [path for path in FILES if part(path) == "core"], ids=lambda path: path.name
)
def test_the_core_is_pure(path: Path) -> None:
    assert not set(imports(path)) & IMPURE
    assert not {call for call in calls(path) if call.split(".")[-1] in IMPURE_CALLS}


def test_only_the_adapter_and_one_list_spell_the_fields_of_jetti() -> None:
    """Everywhere else they are members of `OwnedField`, so that mypy finds a slip of the pen."""
    inside = [path for path in FILES if part(path) not in {"jetti", "sandbox", "cli"}]
    core = [path for path in inside if part(path) == "core"]
    fields = {field.value for field in OwnedField}
    camel_case = {
        text
        for path in core
        for text in _texts(path)
        if re.fullmatch(r"[a-z]+([A-Z][a-z]*)+", text)
    }

    assert _who_spells(fields, core) == {"reconciler.core.model"}
    # Settings and answers of HTTP have a `status`, too.
    assert _who_spells(fields - {"status"}, inside) == {"reconciler.core.model"}
    assert camel_case <= fields


def _who_spells(words: Collection[str], paths: Iterable[Path]) -> set[str]:
    return {_module(path) for path in paths if set(words) & set(_texts(path))}


def _texts(path: Path) -> Iterator[str]:
    """Every text that a file spells, docstrings included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_only_the_command_line_prints() -> None:
    for path in FILES:
        if part(path) != "cli":
            assert not {"print", "click.echo", "sys.stdout.write"} & set(calls(path)), path


def calls(path: Path) -> Iterator[str]:
    """What a file calls, as written: `print`, `datetime.now`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)
