"""Webhooks (Standard Webhooks 1.0.0): what is told (rules), to whom (actions), from the ledger (outbox), and how."""
