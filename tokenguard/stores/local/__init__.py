"""The embedded store: one SQLite file of encrypted rows, an authenticated tree over them, and an external anchor."""
