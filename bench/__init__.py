"""What a request costs: our server beside others, measured as docs/performance.md says."""
