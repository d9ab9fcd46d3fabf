"""What the exit codes mean, in the words that every --help and README use."""

from __future__ import annotations

from textwrap import wrap

UNDELIVERED = 3
"""The work is done, but its report could not be delivered: someone should look."""

_WIDTH = 76  # click indents them; a terminal has 80 columns

MEANINGS = {
    0: "everything due is done, or deferred by a budget for less than policy.patience",
    1: "a bug",
    2: "usage or settings",
    3: "pass complete, but some returns failed, need a decision, are malformed or waited too long",
    4: "Loop not read completely or not believed, or a clock over 1h behind; the watermark stays",
    5: "Jetti is unavailable; changes stay pending",
    6: "a key was refused",
    7: "safety stop: plan too large, creation stopped, ledger missing or foreign, clock 1d behind",
    8: "ledger unusable: corrupt, newer schema, read-only, disk full, locked by another program",
    10: "dry run with --detailed-exitcode: changes are pending",
    75: "another run holds the lock",
    129: "stopped by SIGHUP, cleanly (serve reads its settings again instead)",
    130: "stopped by SIGINT, cleanly",
    143: "stopped by SIGTERM, cleanly",
}


def exit_codes(*codes: int) -> str:
    """A help text that lists these exit codes, or all if none are given."""
    lines = [
        line
        for code in codes or MEANINGS
        for line in wrap(
            MEANINGS[code], _WIDTH, initial_indent=f"  {code:>3}  ", subsequent_indent=" " * 7
        )
    ]
    return "\n".join(["\b", "Exit codes:", *lines])
