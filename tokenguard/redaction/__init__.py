"""Redaction, pure: known values and patterns in, the same bytes with masks out. No I/O, no clock, no store."""
