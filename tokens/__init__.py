"""Proof of it: where tokens are asked for, narrowed, minted, shown and ended."""
