"""How a client comes to exist: what it may say of itself, and the ways in."""
