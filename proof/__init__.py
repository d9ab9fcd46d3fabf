"""What the promises of README rest on: `python -m proof` runs it all and writes `proof.md`."""
