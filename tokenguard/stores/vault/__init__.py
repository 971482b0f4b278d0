"""Vault and OpenBao behind the Store port: documents, values and indexes as entries of one KV version 2 mount."""
