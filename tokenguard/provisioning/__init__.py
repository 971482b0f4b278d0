"""Provisioning: from one reviewed file to a plan, and from the plan to the store. Pure, but for reading the file."""
