"""What this program remembers: SQLAlchemy Core tables, the repository, the run lock."""
