"""Streams between processes: what is read here is masked before it is written there."""
