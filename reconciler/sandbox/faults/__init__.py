"""Faults: what can go wrong on the way to a service and back, by name."""
