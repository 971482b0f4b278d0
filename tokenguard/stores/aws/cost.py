"""What a store on AWS costs, so that nobody learns it from the bill."""

from tokenguard.text import counted

PER_SECRET = 0.40
"""US dollars a month for each secret, as AWS lists it; calls come to 5 cents for 10,000."""


def monthly(tokens: int) -> str:
    """The month's price of a store with so many tokens, as a sentence's part."""
    secrets = tokens + 1
    each = f"; each token more is ${PER_SECRET:.2f}" if not tokens else ""
    return f"about ${secrets * PER_SECRET:,.2f} a month for {counted(secrets, 'secret')}, at AWS's list price{each}"
