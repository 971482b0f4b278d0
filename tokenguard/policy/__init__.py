"""What good looks like, as data: rules with parameters, read from `policies/` and asked by the commands."""
