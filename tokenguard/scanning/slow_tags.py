"""Tags by which a token is recognised in a file that others read: slow to compute, so that guessing costs."""

import hashlib

from tokenguard.domain.secret import Secret

DIGITS = 12
_COST = 1 << 12
"""4 MB and about 10 ms a token."""


class SlowTags:
    """Scrypt over the token and one salt; the same token again costs nothing.

    Args:
        salt: of all tags.
        cost: scrypt's N; a file that is committed has the full one.
    """

    def __init__(self, salt: bytes, cost: int = _COST) -> None:
        self._salt = salt
        self._cost = cost
        self._known: dict[bytes, str] = {}

    def tag(self, value: Secret) -> str:
        """The tag of a token, in 12 hex digits."""
        digest = hashlib.sha256(self._salt + value.reveal().encode("utf-8", "surrogatepass")).digest()
        if digest not in self._known:
            slow = hashlib.scrypt(digest, salt=self._salt, n=self._cost, r=8, p=1, dklen=DIGITS // 2)
            self._known[digest] = slow.hex()
        return self._known[digest]
