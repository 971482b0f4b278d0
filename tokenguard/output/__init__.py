"""Writers of machine-readable formats. Each takes plain results, which hold no value, so that none of them can leak."""
