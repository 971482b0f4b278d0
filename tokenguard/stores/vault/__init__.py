"""The Vault and OpenBao store: documents, values and indexes as entries of one KV version 2 mount."""
