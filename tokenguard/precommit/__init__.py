"""The hook: its own entry point, which loads nothing that a clean commit does not need."""
