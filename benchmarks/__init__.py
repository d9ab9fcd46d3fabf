"""Figures of speed and size, as ratios to the least that could do the same work."""
