"""The domain: frozen values, valid by construction. No I/O."""
