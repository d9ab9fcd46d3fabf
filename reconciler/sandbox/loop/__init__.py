"""The pretend Loop: what it holds, what may happen to it, and how it answers."""
