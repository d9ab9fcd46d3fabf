"""The daemon's scheduler."""
