"""A version of the product that is one migration ahead of the one that serves."""
