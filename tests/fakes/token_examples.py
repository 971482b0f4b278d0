"""Examples of tokens made at run time from the templates of the table, with the checksums that vendors give them."""

import random
import string

from tokenguard.token_formats.checksum import with_github_checksum, with_routable_checksum
from tokenguard.token_formats.template import Run, pieces
from tokenguard.token_formats.token_format import TokenFormat

_LETTERS, _DIGITS = string.ascii_letters, string.digits
ALPHABETS = {
    "alnum": _LETTERS + _DIGITS,
    "word": _LETTERS + _DIGITS + "_-",
    "dotted": _LETTERS + _DIGITS + "_.-",
    "azure": _LETTERS + _DIGITS + "_.~-",
    "slashed": _LETTERS + _DIGITS + "/",
    "base64": _LETTERS + _DIGITS + "+/",
    "base64pad": _LETTERS + _DIGITS + "+/",
    "hex": "0123456789abcdef",
    "upperhex": "0123456789ABCDEF",
    "anyhex": "0123456789abcdef",
    "upper": string.ascii_uppercase,
    "lower": string.ascii_lowercase,
    "letter": _LETTERS,
    "digit": _DIGITS,
    "base32": string.ascii_uppercase + "234567",
    "loweralnum": string.ascii_lowercase + _DIGITS,
    "upperalnum": string.ascii_uppercase + _DIGITS,
    "bech32": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
}


def filled_template(template: str, source: random.Random) -> str:
    """A template with random characters in its runs."""
    parts = []
    for piece in pieces(template):
        if isinstance(piece, Run):
            length = source.randint(piece.least, min(piece.most, piece.least + 40))
            alphabet = ALPHABETS[piece.name]
            body = "".join(source.choice(alphabet) for _ in range(length))
            if (
                piece.name in {"word", "dotted", "azure", "base64", "base64pad", "slashed"} and body
            ):  # no edge that a sentence could own
                body = (
                    source.choice(_LETTERS) + body[1:-1] + source.choice(_LETTERS)
                    if length > 1
                    else source.choice(_LETTERS)
                )
            parts.append(body)
        else:
            parts.append(piece)
    return "".join(parts)


def example(kind: TokenFormat, seed: int, template: str | None = None) -> str:
    """A token of this format that its vendor could have issued."""
    source = random.Random(f"{kind.id}:{seed}")
    chosen = template if template is not None else source.choice(kind.shapes)
    value = filled_template(chosen, source)
    if kind.checksum in {"github", "npm"}:
        prefix = value[: value.index("_") + 1]
        return with_github_checksum(prefix, value.rpartition("_")[2][:30])
    if kind.checksum == "gitlab-routable" and value.count(".") == 2:
        return with_routable_checksum(value[:-7])
    return value
