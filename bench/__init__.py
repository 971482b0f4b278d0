"""Measurements against named peers: the same work, side by side, in one run; only ratios mean anything."""
