"""A database engine that tells PostgreSQL which tenant is current (`ENGINE: kit.postgresql`)."""
