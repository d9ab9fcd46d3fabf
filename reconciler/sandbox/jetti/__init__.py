"""The pretend Jetti: resources, the query language, writes, and their side effects."""
