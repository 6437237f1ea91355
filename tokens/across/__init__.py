"""Across domains: identity assertion grants (ID-JAG) in both roles, agents of trusted platforms, and recall."""
