"""How results are shown: to people as tables and lines, to programs as documents."""
