"""What surrounds a run: the scheduler."""
