"""What a shell completes: commands, options, and what the ledger knows."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import bare, reconciler
from tests.support.world import World

PROGRAM = Path(sys.executable).with_name("reconciler")
BASH = shutil.which("bash")


@pytest.fixture
def shop(world: World) -> World:
    """With two returns in the ledger."""
    world.trusted()
    world.returned()
    world.pass_time()
    world.run()
    return world


def by_bash(world: World, directory: Path, *words: str) -> list[str]:
    """What bash itself makes of the words so far, the last of which is to be completed."""
    script = f"""
PATH={shlex.quote(str(PROGRAM.parent))}:$PATH
eval "$(reconciler completion bash)"
COMP_WORDS=(reconciler {shlex.join(words)})
COMP_CWORD={len(words)}
_reconciler_completion reconciler
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        [BASH or "bash", "-c", script],
        env=bare(directory) | {"RECONCILER_LEDGER": world.ledger},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout.split()


def asked(
    shell: str, directory: Path, words: list[str], **environ: str
) -> subprocess.CompletedProcess[str]:
    """What the program answers to that shell."""
    typed = {"COMP_WORDS": shlex.join(["reconciler", *words]), "COMP_CWORD": str(len(words))}
    if shell == "fish":
        typed = {"COMP_WORDS": shlex.join(["reconciler", *words]), "COMP_CWORD": words[-1]}
    return subprocess.run(
        [PROGRAM],
        env=bare(directory) | typed | {"_RECONCILER_COMPLETE": f"{shell}_complete"} | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.skipif(BASH is None, reason="there is no bash")
def test_bash_completes_commands_options_returns_and_orders(shop: World, tmp_path: Path) -> None:
    ids = sorted(one.id for one in shop.sandbox.loop.store.returns())
    names = sorted(one.order_name.lstrip("#") for one in shop.sandbox.loop.store.returns())

    assert by_bash(shop, tmp_path, "sta") == ["status"]
    assert by_bash(shop, tmp_path, "run", "--dry") == ["--dry-run"]
    assert by_bash(shop, tmp_path, "run", "--return", ids[0][:2]) == ids
    assert by_bash(shop, tmp_path, "run", "--order", names[0][:1]) == names
    assert by_bash(shop, tmp_path, "show", ids[0]) == [ids[0]]
    assert by_bash(shop, tmp_path, "show", "zebra") == []
    assert by_bash(shop, tmp_path, "show", "--format", "j") == ["json"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_the_returns_that_begin_so(
    shop: World, tmp_path: Path, shell: str
) -> None:
    ids = sorted(one.id for one in shop.sandbox.loop.store.returns())

    done = asked(shell, tmp_path, ["show", ids[0][:-1]], RECONCILER_LEDGER=shop.ledger)

    assert done.returncode == 0
    assert [one for one in ids if one in done.stdout] == [
        one for one in ids if one.startswith(ids[0][:-1])
    ]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_is_printed(tmp_path: Path, shell: str) -> None:
    done = reconciler("completion", shell, cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert f"_RECONCILER_COMPLETE={shell}_complete" in done.stdout


def test_an_unknown_shell_is_refused(tmp_path: Path) -> None:
    done = reconciler("completion", "tcsh", cwd=tmp_path)

    assert done.returncode == 2
    assert "'bash', 'zsh', 'fish'" in done.stderr


@pytest.mark.parametrize(
    "environ",
    [
        {"RECONCILER_LEDGER": "sqlite:////nowhere/ledger.db"},
        {"RECONCILER_LEDGER": "nonsense"},
        {"RECONCILER_LOOP__LAG": "nonsense"},
        {"RECONCILER_CONFIG": "/nowhere.toml"},
    ],
)
def test_where_nothing_can_be_read_nothing_is_completed(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    done = asked("bash", tmp_path, ["show", "1"], **environ)

    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


def test_what_is_no_ledger_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no database\n")

    done = asked("bash", tmp_path, ["show", "1"], RECONCILER_LEDGER=f"sqlite:///{path}")

    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")
    assert path.read_text() == "no database\n"
    assert [one.name for one in tmp_path.iterdir()] == ["notes.txt"]


def test_the_settings_file_that_was_typed_counts(shop: World, tmp_path: Path) -> None:
    [first, *_] = sorted(one.id for one in shop.sandbox.loop.store.returns())
    settings = tmp_path / "shop.toml"
    settings.write_text(f'ledger = "{shop.ledger}"\n')

    before = asked("bash", tmp_path, ["--config", str(settings), "show", first])
    behind = asked("bash", tmp_path, ["show", "--config", str(settings), first])

    assert before.stdout == behind.stdout == f"plain,{first}\n"
