"""The source adapter: Loop."""
