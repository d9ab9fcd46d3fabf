"""Does the suite notice when a safeguard is gone? `python -m proof.ablations [NAME…]`.

Each ablation in `ablations.toml` replaces one line of the program, so that one safeguard is gone
and nothing else. It is made in a copy of the checkout, and the tests are run there until one
fails. An ablation that no test notices fails the command.
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

LIST = Path(__file__).with_suffix(".toml")

AT_ONCE = 2
LIKELY = 120.0
"""Seconds for the tests that should notice it."""
WHOLE = 1800.0
"""Seconds for the whole suite, where they did not."""


class Ablation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the program, and what stands there once its safeguard is gone."""

    name: str
    safeguard: str
    """What is taken away, in one sentence."""
    file: str
    before: str
    """The line without its indentation, which must stand in the file exactly once."""
    after: str
    tests: tuple[str, ...]
    """Where to look first. Only a hint: the whole suite follows."""


class Verdict(Struct, frozen=True):
    """Whether it was noticed."""

    ablation: Ablation
    seconds: float
    caught_by: str | None = None
    trouble: str | None = None
    """Why nothing can be said."""


def ablations() -> tuple[Ablation, ...]:
    """All of them, in their order."""
    content = tomllib.loads(LIST.read_text(encoding="utf-8"))
    return convert(content["ablation"], tuple[Ablation, ...])


def ablated(ablation: Ablation, text: str) -> str:
    """The file's text without the safeguard. Raises ValueError unless its line is there once."""
    lines = text.splitlines(keepends=True)
    places = [at for at, line in enumerate(lines) if line.strip() == ablation.before]
    if len(places) != 1:
        raise ValueError(f"{ablation.name}: its line stands {len(places)} times in {ablation.file}")
    [at] = places
    lines[at] = lines[at].replace(ablation.before, ablation.after)
    return "".join(lines)


def judge(ablation: Ablation, original: Bench) -> Verdict:
    """Make it in a copy of its own, and run tests until one fails."""
    bench = original.copy(original.root.parent / ablation.name.replace(" ", "-"))
    file = bench.root / ablation.file
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
    """Tests that fail without any ablation too: they notice nothing."""
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
    with ThreadPoolExecutor(AT_ONCE) as at_once:
        for verdict in at_once.map(lambda one: judge(one, original), chosen):
            by = verdict.caught_by or "NOT CAUGHT"
            click.echo(f"{verdict.ablation.name:{width}}  {verdict.seconds:6.1f} s  {by}")
            yield verdict


def _counts(figures: Figures, verdict: Verdict, unfounded: frozenset[str]) -> bool:
    """Count it, and say whether it was caught."""
    name, by = verdict.ablation.name, verdict.caught_by
    caught = by is not None and by not in unfounded
    figures.add("ablations", "all")
    figures.add("ablations", "caught", int(caught))
    if by is not None and caught:
        figures.note("ablations", name, by)
    return caught


if __name__ == "__main__":
    main()
