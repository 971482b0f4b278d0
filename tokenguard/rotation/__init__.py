"""Rotates a token without downtime, revokes the old one and proves it dead."""
