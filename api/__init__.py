"""The JSON door: what an agent may call with its own token."""
