"""What happened: append-only, hash-chained per tenant; ids and labels, no foreign keys."""
