"""Whom a tenant believes, and which servers believe it: trusted issuers, their keys, and other domains."""
