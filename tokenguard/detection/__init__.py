"""Leaks in bytes: text in, findings out. Knows no files, no git and no terminal."""
