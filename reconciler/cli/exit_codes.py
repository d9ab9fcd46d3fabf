"""What the exit codes mean, in the words that README and every --help use.

0 and 3 of a command that makes no pass mean something else, which its own --help says.
"""

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


SHOWN = "it is shown, whatever it tells"
UNSHOWN = "it could not be printed or written"
DONE_UNSHOWN = "the same, but that could not be printed"


def exit_codes(*codes: int, zero: str = MEANINGS[0], three: str = MEANINGS[3]) -> str:
    """A help text that lists these exit codes, or all if none are given; `zero` and `three` are
    what 0 and 3 mean for this command. They mean the outcome of a pass unless said."""
    meanings = MEANINGS | {0: zero, 3: three}
    lines = [
        line
        for code in codes or MEANINGS
        for line in wrap(
            meanings[code], _WIDTH, initial_indent=f"  {code:>3}  ", subsequent_indent=" " * 7
        )
    ]
    return "\n".join(["\b", "Exit codes:", *lines])
