"""Estimates the monthly cost of a store on AWS."""

from tokenguard.text import pluralize

PER_SECRET = 0.40
"""US dollars per secret and month at AWS's list price; requests cost 5 cents per 10,000."""


def monthly(tokens: int) -> str:
    """Describe the monthly cost of a store with this number of tokens."""
    secrets = tokens + 1
    each = f"; each token more is ${PER_SECRET:.2f}" if not tokens else ""
    return f"about ${secrets * PER_SECRET:,.2f} a month for {pluralize(secrets, 'secret')}, at AWS's list price{each}"
