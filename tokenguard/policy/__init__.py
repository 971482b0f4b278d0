"""Policies: rules with parameters, read from `policies/` and evaluated by the commands."""
