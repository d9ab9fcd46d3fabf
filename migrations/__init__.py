"""Alembic migrations of the ledger; installed as reconciler.migrations."""
