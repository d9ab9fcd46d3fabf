"""Renderers of reports: pure functions from `core` values to text."""
