"""The target adapter: Jetti."""
