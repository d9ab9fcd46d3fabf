"""Renderers of the report: pure functions of core.report."""
