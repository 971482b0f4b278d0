"""How what was checked is written down, for people and for programs. Nothing here ever meets a value."""
