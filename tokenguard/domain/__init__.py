"""The nouns: what the README talks about, as frozen values that are valid by construction. No I/O."""
