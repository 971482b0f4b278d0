"""What an engine is told: values with the id that stands in their place, and the refusal of what cannot be masked."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple, Self

from tokenguard.domain.encodings import Encoding, byte_forms, forms, parts_of_pair, public_start
from tokenguard.domain.secret import Secret, Value
from tokenguard.domain.shape import MIN_LENGTH
from tokenguard.errors import InputError
from tokenguard.redaction.compact import compact

_MIN_DISTINCT = 3
_PART = 12
_STRIDE = 4
_HEAD = 10
_MIN_TURNS = 3
_GENERATED_LENGTH = 32
_GENERATED_TURNS = 0.1
"""Of all characters: how often a generator changes between letters and digits at least."""
_MIN_DIFFERENT = 4
_RESERVED = "[tokenguard:"


class _Named(NamedTuple):
    id: str
    name: str
    secret: Secret


class MaskedValue(_Named):
    """One value to mask.

    Args:
        id: what the mask shows.
        name: which token it is; appears in reports only.
        secret: the value.
    """

    __slots__ = ()

    def __new__(cls, *, id: str, name: str, secret: Secret) -> Self:  # noqa: A002 - a field's name
        """Check that masking it would not destroy ordinary text; InputError if it would."""
        check_maskable(secret, name)
        return super().__new__(cls, id, name, secret)

    @classmethod
    def of(cls, name: str, value: Value, *, show_name: bool = False) -> tuple["MaskedValue", ...]:
        """One for each field of a token's value."""
        label = name if show_name else opaque_id(name)
        many = len(value.names) > 1
        return tuple(
            cls(id=f"{label}.{field}" if many else label, name=name, secret=value.field(field)) for field in value.names
        )


def opaque_id(name: str) -> str:
    """A short id for a token's name: the same in every process, and it says nothing to those who lack the name."""
    import hashlib  # a program that masks formats only has no use for it

    return hashlib.blake2b(name.encode(), digest_size=4, person=b"tokenguard mask").hexdigest()


def check_maskable(secret: Secret, name: str) -> None:
    """Refuse a value whose masking would destroy ordinary text; InputError names the token, never the value."""
    text = secret.reveal()
    if len(compact(_utf8(text))) < MIN_LENGTH:
        reason = f"it is shorter than {MIN_LENGTH} bytes"
    elif len(set(text)) < _MIN_DISTINCT:
        reason = "it repeats one character"
    elif text in _RESERVED or _RESERVED in text:
        reason = "it is part of every mask"
    else:
        return
    raise InputError(
        f"the value of {name} cannot be masked: {reason}",
        hint="such a value also occurs in ordinary text; replace it with a random one",
    )


class MatchSource(NamedTuple):
    """What a match was made by."""

    id: str
    """What the mask shows."""
    name: str
    """The token's name; empty for a pattern."""
    form: str
    """A `Encoding`, or `pattern`."""

    @property
    def is_format(self) -> bool:
        """Whether a credential was recognised by its format only."""
        return self.form == "pattern"


class Needle(NamedTuple):
    """One byte string to look for."""

    data: bytes
    source: MatchSource
    head: bool = False
    """It also masks the characters that follow it as part of the value."""
    before: bool = False
    """A base64 digit that stands before it may hold bits of the value too, and is masked with it."""
    after: bool = False
    """The same for one that follows it."""


def needles(known: MaskedValue) -> Iterator[Needle]:
    """All forms of a value, and the pieces that truncated displays leave of it."""
    text = known.secret.reveal()
    sources = {form: MatchSource(known.id, known.name, form.value) for form in Encoding}
    secret_start = not public_start(text)
    for data, form in forms(text).items():
        shares = form is Encoding.BASE64
        yield Needle(data, sources[form], before=shares and secret_start, after=shares)
    for data, form in byte_forms(text):
        yield Needle(data, sources[form])
    for part in parts_of_pair(text) or (text,):
        body = part[len(public_start(part)) :]
        is_random = _is_varied if _is_generated(body) else _is_mixed
        head = part[: len(part) - len(body) + _HEAD]
        if len(body) > _HEAD and len(head) >= _PART and is_random(head[-_HEAD:]):
            yield Needle(_utf8(head), sources[Encoding.PART], head=True)
        for end in range(len(body), _PART - 1, -_STRIDE):
            piece = body[end - _PART : end]
            if is_random(piece):
                yield Needle(_utf8(piece), sources[Encoding.PART])


def _is_mixed(text: str) -> bool:
    """Whether a piece of any value looks generated rather than written."""
    return _turns(text) >= _MIN_TURNS


def _is_varied(text: str) -> bool:
    """Whether a piece of a generated value may stand for it: chance alone gives it few changes now and then."""
    return len(set(text)) >= _MIN_DIFFERENT


def _is_generated(body: str) -> bool:
    """Whether a whole value is digits with letters of one case, too mixed for words: hex, base36, UUIDs."""
    plain = body.replace("-", "")
    return (
        len(plain) >= _GENERATED_LENGTH
        and plain.isascii()
        and plain.isalnum()
        and plain in (plain.lower(), plain.upper())
        and _turns(plain) >= _GENERATED_TURNS * len(plain)
    )


def _turns(text: str) -> int:
    """How often a text changes between kinds of characters."""
    kinds = [0 if char.isdigit() else 1 if char.islower() else 2 if char.isupper() else 3 for char in text]
    return sum(left != right for left, right in pairwise(kinds))


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
