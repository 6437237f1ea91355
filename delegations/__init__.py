"""Who let whom do what."""
