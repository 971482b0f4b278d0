"""Replace a token without an outage, revoke the old one, and prove it."""
