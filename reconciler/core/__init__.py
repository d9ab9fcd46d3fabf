"""Pure: no I/O, clock, randomness or log in here."""
