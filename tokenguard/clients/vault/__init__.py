"""Vault and OpenBao clients: hvac over a session without redirects that ignores the environment."""
