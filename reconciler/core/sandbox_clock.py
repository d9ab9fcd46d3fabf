"""The variable that names the clock of a sandbox, to be used instead of the machine's."""

VARIABLE = "RECONCILER_SANDBOX_CLOCK"
"""Its address, as `reconciler sandbox --play` prints it."""
