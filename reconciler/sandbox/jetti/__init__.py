"""The pretend Jetti: resources, the query language, writes, and what they set off."""
