"""PostgreSQL, wherever it runs."""
