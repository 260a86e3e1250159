"""What is kept: SQLite beside the server, or PostgreSQL."""
