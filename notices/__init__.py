"""Who is told: mail about what the ledger says happened."""
