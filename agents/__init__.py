"""The software that acts."""
