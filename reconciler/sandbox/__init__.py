"""A pretend Loop and Jetti over real HTTP, built from what is known of both services."""
