"""Who is served, and what it protects."""
