"""Migrates a whole store to another one, completely or not at all; the two are never live at the same time."""
