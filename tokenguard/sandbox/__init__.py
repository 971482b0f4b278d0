"""Loopback vendors that speak the documented contracts, in memory only, for tests, demonstrations and practice."""
