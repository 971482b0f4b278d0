"""Vault and OpenBao: hvac's knowledge of the API over a session that follows nothing and trusts no environment."""
