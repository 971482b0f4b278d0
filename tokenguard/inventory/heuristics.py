"""Guesses whether a variable of a .env file is a token, and its provider and name."""

import re

from tokenguard.domain.names import MAX_SEGMENTS, SEGMENT
from tokenguard.domain.secret import Secret
from tokenguard.domain.shape import MAX_LENGTH
from tokenguard.token_formats.table import format_of

_SHAPES = (
    (re.compile(r"dx_bearer_[^:\s]+:dx_secret_[^:\s]+"), "descript"),
    (re.compile(r"sk-social-\S+"), "autoposting"),
)
_BRANDS = ("descript", "autoposting")
SERVICES = {
    "airtable-token": "airtable",
    "anthropic-api-key": "anthropic",
    "cloudflare-token": "cloudflare",
    "digitalocean-token": "digitalocean",
    "huggingface-token": "huggingface",
    "notion-token": "notion",
    "openai-admin-key": "openai",
    "openrouter-key": "openrouter",
    "pinecone-key": "pinecone",
    "postman-key": "postman",
    "resend-key": "resend",
    "sendgrid-key": "sendgrid",
    "slack-token": "slack",
    "stripe-key": "stripe",
}
"""The described service of a token format that is issued at one address only."""
PRODUCTS = {"github-token": "github", "github-fine-grained-token": "github", "gitlab-token": "gitlab"}
"""The same for products that companies run themselves: a verification would show the value to another server."""
_TOKEN_WORDS = re.compile(r"(?:^|_)(?:TOKEN|API_?KEY|KEY|SECRET|PAT|CREDENTIAL|ACCESS_?KEY)S?(?:_|$)", re.IGNORECASE)
_NOT_TOKENS = re.compile(
    r"(?:^|_)(?:PUBLIC|PUBLISHABLE|KEY_?(?:ID|FILE|PATH|NAME)|TOKEN_?(?:URL|URI|FILE|PATH))(?:_|$)", re.IGNORECASE
)

_REFERENCE = re.compile(
    r".*\$\{[A-Za-z_]\w*(?:[:?=+-][^}]*)?\}.*|\$[A-Za-z_]\w*|\{\{.*\}\}|(?:op|ref\+\w+|vault|bws|keeper)://.*|arn:aws[a-z-]*:.*",
    re.ASCII,
)
"""What says where a value is: another variable, a template, or an item of a password manager or secret store."""


def provider_of(variable: str, value: Secret) -> str | None:
    """The provider by the value's shape, else by the variable's name; None if neither tells."""
    text = value.reveal()
    for shape, provider in _SHAPES:
        if shape.fullmatch(text):
            return provider
    kind = format_of(text)
    if kind is not None and kind.id in SERVICES:
        return SERVICES[kind.id]
    return next((brand for brand in _BRANDS if brand in variable.lower() and looks_like_token(variable, value)), None)


def product_of(value: Secret) -> str | None:
    """The service by the value's shape, where servers of one's own issue such tokens too: a person has to say it."""
    kind = format_of(value.reveal())
    return None if kind is None else PRODUCTS.get(kind.id)


def looks_like_token(variable: str, value: Secret) -> bool:
    """Whether a variable holds a token, by its value's shape or its own name; a reference to one is none."""
    text = value.reveal()
    if len(text) <= MAX_LENGTH and _REFERENCE.fullmatch(text):
        return False
    if any(shape.fullmatch(text) for shape, _ in _SHAPES) or format_of(text) is not None:
        return True
    return _TOKEN_WORDS.search(variable) is not None and _NOT_TOKENS.search(variable) is None


def name_of(prefix: str, variable: str) -> str:
    """The name an imported variable gets: below `prefix`, in our grammar."""
    last = re.sub(r"[^a-z0-9._-]+", "-", variable.lower().replace("_", "-")).strip("-._")[:63]
    if not SEGMENT.fullmatch(last) or prefix.count("/") + 2 > MAX_SEGMENTS:
        return ""
    return f"{prefix}/{last}"
