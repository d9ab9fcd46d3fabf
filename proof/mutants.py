"""Does the suite notice when the code is slightly wrong? `python -m proof.mutants [PART…]`.

mutmut changes one expression after another in `core/`, in `http/` and in what classifies Jetti's
answers, in a copy of the checkout, and runs only the tests of that part. A mutant that no test
notices must be listed in `survivors.toml` with a reason; the command fails for any other, and if
fewer than 98 of 100 are killed.
"""

from __future__ import annotations

import json
import subprocess
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click
from msgspec import Struct, convert

from proof.bench import Bench, a_bench
from proof.counts import Figures, leave

REASONS = Path(__file__).with_name("survivors.toml")
KILLED = frozenset({"killed", "timeout"})
ENOUGH = 0.98


class Part(Struct, frozen=True):
    """A part of the program, and the tests that have to notice its mutants."""

    name: str
    files: tuple[str, ...]
    tests: tuple[str, ...]


PARTS = (
    Part("core", ("reconciler/core/*",), ("tests/core",)),
    Part("http", ("reconciler/http/*",), ("tests/http",)),
    Part(
        "push",
        tuple(f"reconciler/jetti/{name}.py" for name in ("responses", "result", "delivery")),
        (
            "tests/jetti/test_responses.py",
            "tests/jetti/test_delivery.py",
            "tests/jetti/test_creation.py",
            "tests/jetti/test_push.py",
        ),
    ),
)


class Mutant(Struct, frozen=True):
    """One small change, and whether a test noticed it."""

    key: str
    function: str
    status: str
    before: str = ""
    after: str = ""

    @property
    def name(self) -> str:
        """Its name in `survivors.toml`."""
        return f"{self.function}: {self.before} => {self.after}"


class Group(Struct, frozen=True, forbid_unknown_fields=True):
    """Survivors that are accepted, for one reason."""

    reason: str
    survivors: tuple[str, ...]


def groups() -> tuple[Group, ...]:
    """All groups of accepted survivors."""
    content = tomllib.loads(REASONS.read_text(encoding="utf-8"))
    return convert(content.get("group", []), tuple[Group, ...])


def mutants(part: Part, bench: Bench, at_once: int) -> list[Mutant]:
    """Make and judge every mutant of a part; the bench cannot be used again."""
    with (bench.root / "setup.cfg").open("a", encoding="utf-8") as settings:
        settings.write(_settings(part))
    program = "from mutmut.__main__ import cli; cli()"
    run = [str(bench.python), "-c", program, "run", "--max-children", str(at_once)]
    done = subprocess.run(run, cwd=bench.root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise click.ClickException(f"mutmut: {(done.stdout + done.stderr)[-3000:]}")
    tell = [str(bench.python), "-m", "proof.mutation"]
    told = subprocess.run(tell, cwd=bench.root, capture_output=True, text=True, check=True)
    return convert(json.loads(told.stdout), list[Mutant])


def _settings(part: Part) -> str:
    lists = {
        "source_paths": ("reconciler",),
        "only_mutate": part.files,
        "also_copy": ("docs",),  # a table there is compared with the code
        "pytest_add_cli_args": ("-p", "no:cacheprovider", "--hypothesis-profile=mutants"),
        "pytest_add_cli_args_test_selection": part.tests,
    }
    lines = ["", "[mutmut]"]
    for name, values in lists.items():
        lines += [f"{name} =", *(f"    {value}" for value in values)]
    return "\n".join(lines) + "\n"


@click.command(help=__doc__)
@click.argument("names", nargs=-1, type=click.Choice([part.name for part in PARTS]))
@click.option("--at-once", type=int, default=2, show_default=True, help="Mutants at a time.")
@click.option(
    "--figures", "directory", type=click.Path(path_type=Path), help="Leave the counts there."
)
def main(names: Sequence[str], at_once: int, directory: Path | None) -> None:
    found: list[Mutant] = []
    figures = Figures()
    with a_bench() as original:
        for part in PARTS:
            if not names or part.name in names:
                bench = original.copy(original.root.parent / part.name)
                found += _counted(part, mutants(part, bench, at_once), figures)
    leave(figures, directory, "mutants")
    raise SystemExit(_verdict(found, whole=not names))


def _counted(part: Part, made: list[Mutant], figures: Figures) -> list[Mutant]:
    statuses = Counter(mutant.status for mutant in made)
    killed = sum(mutant.status in KILLED for mutant in made)
    figures.add("mutants", "all", len(made))
    figures.add("mutants", "killed", killed)
    for status, count in statuses.items():
        figures.add("mutants", f"{part.name} {status}", count)
    shares = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
    click.echo(f"{part.name}: {killed} of {len(made)} killed ({shares})")
    return made


def _verdict(found: Sequence[Mutant], *, whole: bool) -> int:
    """0 if enough are killed and every survivor has a reason; otherwise prints what is wrong."""
    survivors = {mutant.name for mutant in found if mutant.status not in KILLED}
    known = {name for group in groups() for name in group.survivors}
    killed = sum(mutant.status in KILLED for mutant in found) / max(1, len(found))
    click.echo(f"{killed:.1%} are killed; {len(survivors)} sorts of survivors")
    for name in sorted(survivors - known):
        click.echo(f"no reason is given for: {name}")
    if whole:
        for name in sorted(known - survivors):
            click.echo(f"no longer survives: {name}")
    return 1 if survivors - known or killed < ENOUGH else 0


if __name__ == "__main__":
    main()
