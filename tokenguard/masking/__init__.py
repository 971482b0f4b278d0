"""Masking inside a Python process: what `tokenguard.install()` puts between a program and its outputs."""
