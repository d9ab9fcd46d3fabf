"""The pretend Loop: its data, the changes to it, and its answers."""
