"""How sure it is that a value without a vendor is a secret."""
