"""What a period of time brought, from the ledger alone."""
