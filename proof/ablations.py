"""Does the suite notice when a safeguard is removed? `python -m proof.ablations [NAME…]`.

Each ablation in `ablations.toml` changes the code below one tag of the program (`# safeguard:
NAME`), so that one safeguard is removed and nothing else. The change is made in a copy of the
checkout, and tests run there until one fails. The command fails if no test notices an ablation.
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
from msgspec import Struct, convert

from proof.bench import Bench, a_bench
from proof.counts import Figures, leave
from proof.tags import Tagged, tagged_files

LIST = Path(__file__).with_suffix(".toml")

AT_ONCE = 2
LIKELY = 120.0
"""Seconds for the tests that should notice it."""
WHOLE = 1800.0
"""Seconds for the whole suite, if they do not."""


class Ablation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A safeguard of the program, and the one change to its code that removes it."""

    name: str
    """The safeguard's tag in the source."""
    safeguard: str
    """What is taken away, in one sentence."""
    condition: bool | None = None
    """The condition becomes always or never true."""
    value: str | None = None
    """The value that it assigns or returns becomes this."""
    swap: tuple[str, str] | None = None
    """The first text, which must occur exactly once, becomes the second."""
    instead: str | None = None
    """The statement or expression becomes this."""
    tests: tuple[str, ...]
    """Tests to run first. Only a hint: the whole suite follows."""

    def __post_init__(self) -> None:
        """Raises ValueError unless exactly one change is given."""
        ways = (self.condition, self.value, self.swap, self.instead)
        if sum(way is not None for way in ways) != 1:
            raise ValueError(f"{self.name} needs one of condition, value, swap and instead")


class Verdict(Struct, frozen=True):
    """Whether an ablation was noticed."""

    ablation: Ablation
    seconds: float
    caught_by: str | None = None
    trouble: str | None = None
    """Why there is no verdict, if there is none."""


def ablations() -> tuple[Ablation, ...]:
    """All ablations, in the order of the file."""
    content = tomllib.loads(LIST.read_text(encoding="utf-8"))
    return convert(content["ablation"], tuple[Ablation, ...])


def ablated(ablation: Ablation, text: str) -> str:
    """The file's text without the safeguard. Raises ValueError if it cannot be removed."""
    code = Tagged(text, ablation.name)
    if ablation.condition is not None:
        return code.with_condition(ablation.condition)
    if ablation.value is not None:
        return code.with_value(ablation.value)
    if ablation.swap is not None:
        return code.with_swap(*ablation.swap)
    return code.with_code(ablation.instead or "")


def judge(ablation: Ablation, place: Path, original: Bench) -> Verdict:
    """Make the change in a new copy and run tests until one fails. `place` is the file's path in
    the checkout."""
    bench = original.copy(original.root.parent / ablation.name)
    file = bench.root / place
    file.write_text(ablated(ablation, file.read_text(encoding="utf-8")), encoding="utf-8")
    began = time.monotonic()
    for tests, seconds in ((ablation.tests, LIKELY), ((), WHOLE)):
        ran = bench.test("-x", *tests, seconds=seconds)
        if ran.failed:
            return Verdict(ablation, time.monotonic() - began, caught_by=ran.failed[0])
        if not tests and ran.code not in (0, 124):
            return Verdict(ablation, time.monotonic() - began, trouble=ran.output[-2000:])
    return Verdict(ablation, time.monotonic() - began)


def doubted(verdicts: Sequence[Verdict], original: Bench) -> frozenset[str]:
    """Tests that fail without any ablation too, so that their failure proves nothing."""
    named = sorted({verdict.caught_by for verdict in verdicts if verdict.caught_by})
    return frozenset(original.test(*named, seconds=WHOLE).failed if named else ())


@click.command(help=__doc__)
@click.argument("names", nargs=-1)
@click.option(
    "--figures", "directory", type=click.Path(path_type=Path), help="Leave the counts there."
)
def main(names: tuple[str, ...], directory: Path | None) -> None:
    chosen = [one for one in ablations() if not names or one.name in names]
    if unknown := set(names) - {one.name for one in chosen}:
        raise click.UsageError(f"no such ablation: {', '.join(sorted(unknown))}")
    with a_bench() as original:
        verdicts = list(_judged(chosen, original))
        unfounded = doubted(verdicts, original)
    figures = Figures()
    missed = [verdict for verdict in verdicts if not _counts(figures, verdict, unfounded)]
    leave(figures, directory, "ablations")
    click.echo(f"{len(verdicts) - len(missed)} of {len(verdicts)} ablations are caught")
    for verdict in missed:
        click.echo(f"not caught: {verdict.ablation.name}: {verdict.ablation.safeguard}")
        click.echo(verdict.trouble or "", nl=bool(verdict.trouble))
    raise SystemExit(1 if missed else 0)


def _judged(chosen: Sequence[Ablation], original: Bench) -> Iterator[Verdict]:
    width = max(len(one.name) for one in chosen)
    places = tagged_files(original.root)
    with ThreadPoolExecutor(AT_ONCE) as at_once:
        for verdict in at_once.map(lambda one: judge(one, places[one.name], original), chosen):
            by = verdict.caught_by or "NOT CAUGHT"
            click.echo(f"{verdict.ablation.name:{width}}  {verdict.seconds:6.1f} s  {by}")
            yield verdict


def _counts(figures: Figures, verdict: Verdict, unfounded: frozenset[str]) -> bool:
    """Count the ablation; returns whether it was caught."""
    name, by = verdict.ablation.name, verdict.caught_by
    caught = by is not None and by not in unfounded
    figures.add("ablations", "all")
    figures.add("ablations", "caught", int(caught))
    if by is not None and caught:
        figures.note("ablations", name, by)
    return caught


if __name__ == "__main__":
    main()
