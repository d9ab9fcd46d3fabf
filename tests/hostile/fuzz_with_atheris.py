"""Coverage-guided fuzzing of the targets in `tests/hostile/fuzz_targets.py`.

    pip install -e ".[fuzz]"
    python -m tests.hostile.fuzz_with_atheris loop_page -max_total_time=60

Without a target all are called with the same bytes. What follows are options of libFuzzer; an
input that breaks a target is left in a file that the output names.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["reconciler"], enable_loader_override=False):
    from tests.hostile.fuzz_targets import TARGETS


def main() -> None:
    """Fuzz until libFuzzer has had enough; it ends the process itself."""
    name, *options = sys.argv[1:] or ["all"]
    if name.startswith("-"):
        name, options = "all", [name, *options]
    chosen = list(TARGETS.values()) if name == "all" else [TARGETS[name]]

    def all_of_them(data: bytes) -> None:
        for target in chosen:
            target(data)

    atheris.Setup([sys.argv[0], *options], all_of_them)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
