"""Presentation of results: tables and lines for people, documents for programs."""
