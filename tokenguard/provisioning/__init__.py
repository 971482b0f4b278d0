"""Provisioning: turns a reviewed manifest into a plan. Pure, except for reading the files."""
