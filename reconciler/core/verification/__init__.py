"""Comparing Loop, the ledger and Jetti over a range, for `verify`: pure decisions and values."""
