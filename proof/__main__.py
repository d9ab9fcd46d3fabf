"""Run the long forms of all proofs and write `proof.md`: `python -m proof`.

Takes two to three hours on two cores. `--only` runs some parts again; the last results of the
others stay in `proof/results`, and the page names the commit that each part was run on. Exits with
1 if a part failed or was never run.
"""

from __future__ import annotations

import click

from proof.bench import ROOT
from proof.page import page
from proof.parts import PARTS, kept, run


@click.command(help=__doc__)
@click.option(
    "--only",
    "chosen",
    multiple=True,
    type=click.Choice([part.name for part in PARTS]),
    help="Run only this part; may be given again.",
)
@click.option("--short", is_flag=True, help="Run short forms: a quarter of an hour.")
@click.option("--page-only", is_flag=True, help="Run nothing; write the page from what is kept.")
def main(chosen: tuple[str, ...], short: bool, page_only: bool) -> None:
    for whole in () if page_only else PARTS:
        if not chosen or whole.name in chosen:
            part = whole.shortened() if short else whole
            click.echo(f"== {part.title}: python {' '.join(part.command)}")
            ran = run(part)
            click.echo(f"== {part.title}: exit {ran.code} after {ran.seconds:.0f} s")
    results = {part.name: kept(part) for part in PARTS}
    (ROOT / "proof.md").write_text(page(results), encoding="utf-8")
    failed = [name for name, result in results.items() if result is None or result[0].code]
    if failed:
        click.echo(f"not proved: {', '.join(failed)}", err=True)
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
