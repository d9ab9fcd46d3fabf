"""The proofs of README's promises: `python -m proof` runs them all and writes `proof.md`."""
