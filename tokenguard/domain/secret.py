"""The only types that may hold a token's value. Grep for `.reveal()` to find every use."""

from collections.abc import Callable, Mapping
from typing import ClassVar, NoReturn, final

MASK = "****"
TOKEN_FIELD = "token"  # noqa: S105 - a field's name, not a value
_TOKEN_PART = len(TOKEN_FIELD).to_bytes(4, "big") + TOKEN_FIELD.encode()
"""What a digest begins with."""
_USUAL_LENGTHS = 512
"""Lengths of values whose beginnings of a digest are made once."""


@final
class Secret:
    """One secret string: no repr, no format, no pickle, no copy, no hash; only `reveal()`."""

    __slots__ = ("_text",)
    __hash__: ClassVar[None]  # type: ignore[assignment]  # a dict key would outlive its use

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the value itself; the caller is now responsible for where it goes."""
        return self._text

    def __len__(self) -> int:
        return len(self._text)

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return _equal(_utf8(self._text), _utf8(other._text))

    def __reduce__(self) -> NoReturn:  # what pickle, copy and deepcopy ask
        raise TypeError("a Secret cannot be pickled or copied")


@final
class Value:
    """What a token consists of: one or more named fields (`token` alone is the usual case)."""

    __slots__ = ("_fields",)
    __hash__: ClassVar[None]  # type: ignore[assignment]

    def __init__(self, fields: Mapping[str, Secret]) -> None:
        if not fields:
            raise ValueError("a value needs at least one field")
        self._fields = dict(sorted(fields.items()))

    @classmethod
    def of(cls, token: str) -> "Value":
        """A value with the single field `token`."""
        return cls({TOKEN_FIELD: Secret(token)})

    @property
    def names(self) -> tuple[str, ...]:
        """The field names, sorted."""
        return tuple(self._fields)

    @property
    def token(self) -> Secret:
        """The field that authenticates: `token`, or the only one there is."""
        if TOKEN_FIELD in self._fields:
            return self._fields[TOKEN_FIELD]
        return next(iter(self._fields.values()))

    def field(self, name: str) -> Secret:
        """The field called `name`; KeyError if there is none."""
        return self._fields[name]

    @classmethod
    def decoded(cls, fields: Mapping[str, bytes]) -> "Value":
        """The value of what `encoded` returned; ValueError if it is empty or not UTF-8."""
        return cls({name: Secret(raw.decode("utf-8", "surrogatepass")) for name, raw in fields.items()})

    def encoded(self) -> dict[str, bytes]:
        """Its fields as UTF-8, as secret as they are. Text that UTF-8 cannot encode (lone surrogates) is kept."""
        return {name: _utf8(secret.reveal()) for name, secret in self._fields.items()}

    def digest(self) -> bytes:
        """SHA-256 over all fields (32 bytes): the input of fingerprints, as secret as a weak token is guessable."""
        import hashlib  # takes as long to import as a small commit to scan

        parts = hashlib.sha256()
        for name, raw in self.encoded().items():
            for part in (name.encode(), raw):
                parts.update(len(part).to_bytes(4, "big") + part)
        return parts.digest()

    def __repr__(self) -> str:
        return f"Value({', '.join(self._fields)})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Value):
            return NotImplemented
        return _equal(self.digest(), other.digest())

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Value cannot be pickled or copied")


def token_digests() -> Callable[[bytes], bytes]:
    """What gives the digest of a value with the single field `token`, for searches that ask for very many."""
    from hashlib import sha256  # as above

    heads = [_TOKEN_PART + length.to_bytes(4, "big") for length in range(_USUAL_LENGTHS)]

    def digest(token: bytes) -> bytes:
        length = len(token)
        head = heads[length] if length < _USUAL_LENGTHS else _TOKEN_PART + length.to_bytes(4, "big")
        return sha256(head + token).digest()

    return digest


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _equal(one: bytes, other: bytes) -> bool:
    """In a time that says nothing of where they differ."""
    import hmac  # as above

    return hmac.compare_digest(one, other)
