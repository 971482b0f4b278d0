"""The types of candidates that the judge is asked about."""

JUDGED = frozenset(
    {
        "Secret Keyword",
        "Hex High Entropy String",
        "Base64 High Entropy String",
        "Basic Auth Credentials",
        "Assigned Secret",
        "Login in an Address",
        "Login on a Command Line",
    }
)
"""The types of what has no vendor."""
