"""The embedded store: one SQLite file of sealed rows, an authenticated tree over them, an anchor outside."""
