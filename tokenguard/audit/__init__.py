"""Evidence: the chains of audit events, recomputed against what the documents say of them."""
