"""Prints mutmut's results in the current directory as JSON; runs inside a bench.

A mutant is named by its function and the lines that it changes, because numbers shift with every
change of the code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from mutmut.__main__ import collect_source_file_mutation_data
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code


def found() -> Iterator[dict[str, str]]:
    """Every mutant with its status, and unless it was killed with the lines that it changes."""
    mutants, _ = collect_source_file_mutation_data(mutant_names=())
    for data, name, code in mutants:
        status = status_by_exit_code[code]
        told = {"key": name, "function": _function(name), "status": status}
        if status not in ("killed", "timeout"):
            told |= _lines(get_diff_for_mutant(name, path=data.path))
        yield told


def _function(name: str) -> str:
    """`reconciler.core.plan.decide` of `reconciler.core.plan.x_decide__mutmut_3`."""
    module, _, mangled = name.partition("__mutmut_")[0].rpartition(".")
    # A method is `xǁClassǁmethod`.
    return ".".join([module, *mangled[2:].split("ǁ")])


def _lines(diff: str) -> dict[str, str]:
    """The lines that the mutant changes, without their indentation."""
    body = [line for line in diff.split("\n") if not line.startswith(("---", "+++", "@@"))]
    return {
        "before": "\n".join(line[1:].strip() for line in body if line.startswith("-")),
        "after": "\n".join(line[1:].strip() for line in body if line.startswith("+")),
    }


if __name__ == "__main__":
    print(json.dumps(list(found())))  # noqa: T201 - read by `proof.mutants`
