"""Words of names that secrets are given to, and what a value behind such a name has to be."""

import re

_KEYS = (
    "api|access|private|secret|encryption|encrypt|auth|signing|sign|master|account|storage|session|cookie|app"
    "|application|consumer|client|service|license|admin|hmac|jwt|deploy|shared|subscription|web|host|server|fernet"
    "|validation|decryption"
)
WORDS = (
    r"passw(?:or)?d|passwort|passphrase|passcode|(?:[_.-]|\b|db|ssh|smtp|mail|user|admin|root|sql|store|key|ftp|login|ldap|redis)pass|pwd|[_.-]pw\b|secret|token|credential|authorization"
    rf"|bearer|(?:{_KEYS})[_.-]?key|\bkey\b|[_-]key\b|(?-i:[a-zA-Z]Key)\b|api[_.-]?auth|\bauth\b|salt|otp"
    r"|connection[_-]?string|webhook"
    r"|\bpsk\b|authtok|requirepass|masterauth|bindpw|rootpw"
)
"""Of which a name that sounds secret has one, in any case."""
SCHEME = re.compile(r"(?i)(?:bearer|basic|token|apikey)(?::|[ \t]+|%20)")
"""What stands before the credentials of a header."""
REFERENCE = re.compile(
    r"[$%]?[({\[<*&]|\#\{|(?:pass|env|file|fd):|\$|%[(s]|!|https?:|/dev/|null\b|none\b|true\b|false\b|undefined\b|(?i:x+|\.+|\*+)$"
    r"|:[A-Za-z_]\w*$|[A-Za-z]+:$"
)
"""How a value begins that stands for one kept elsewhere."""
_LEAST_QUOTED, LEAST_BARE, _MOST = 4, 6, 400
_LEAST_PLAIN_KEY = 16
_OTHER_WORD = re.compile(r"(?i)(?:key(?:ing|board|stone|note|word|frame|code|pad|ed)|token(?:iz|is)|secretar)")
_PLAIN = re.compile(r"(?i)^(?:[_-]?(?:key|auth|salt|otp|webhook)|.(?-i:Key))\W*$")


def may_be_secret(value: str, name: str, *, quoted: bool) -> bool:
    """Whether a value given to a name is more than a reference, a sign or a short word."""
    if _OTHER_WORD.search(name):
        return False
    least = _LEAST_QUOTED if quoted else LEAST_BARE
    if _PLAIN.search(name.rstrip("\"'`:= \t")):
        least = _LEAST_PLAIN_KEY
        if value.isalpha():
            return False
    if not least <= len(value) <= _MOST or any(char.isspace() for char in value):
        return False
    return has_alnum(value) and REFERENCE.match(value) is None


def has_alnum(value: str) -> bool:
    """Whether a letter or a digit is in it."""
    return any(char.isalnum() for char in value)
