"""Keeps Jetti's sale returns in step with Loop's returns, by polling, through a ledger."""

__version__ = "0.1.0"
