"""Use cases: one verb, one file, over ports; no command-line framework here."""
