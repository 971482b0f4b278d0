"""Secrets that are told by a form of their own: private keys, tokens in addresses, phrases of wallets.

Each form has a beginning that is looked for in every file at once, and an expression that is asked where it was seen.
"""

import base64
import re
from collections.abc import Callable, Iterator

from tokenguard.detection.stand_ins import is_published, is_stand_in, is_typed, stands_for_another
from tokenguard.frozen import Frozen

KNOWN_VARIABLE = "Token in a known variable"
_VARIABLES = (
    "DESCRIPT_API_TOKEN|DESCRIPT_API_KEY|DESCRIPT_TOKEN|AUTOPOSTING_API_KEY|"
    "AUTOPOSTING_TOKEN|OP_SERVICE_ACCOUNT_TOKEN|OP_CONNECT_TOKEN|DOPPLER_TOKEN|"
    "CLOUDFLARE_API_TOKEN|VAULT_TOKEN|GITLAB_TOKEN|SENDGRID_API_KEY|DOTENV_PRIVATE_KEY(?:_[A-Z0-9_]{1,40})?"
)
KNOWN_VARIABLE_PATTERN = (
    rf"(?<![A-Za-z0-9])(?:{_VARIABLES})(?![A-Za-z0-9_])[\"']?[ \t]{{0,8}}(?:[:=][ \t]{{0,8}}|[ \t])[\"']?"
    r"(?P<value>[A-Za-z0-9+/=_:.~%-]{20,512})(?![A-Za-z0-9({$])"
)
_ENCRYPTED_KEY = "-----BEGIN ENCRYPTED PRIVATE KEY-----"
_PUTTY, _STATIC, _IN_XML = "PuTTY-User-Key-File-3:", "-----BEGIN OpenVPN Static key V1-----", "<D>"
"""How private keys begin that detect-secrets does not know: of PuTTY since 0.75, of OpenVPN, and of .NET in XML."""
_SPACE_IN_ADDRESS = r"(?:%20|\+)"
_KEY_IN_ADDRESS = (
    rf"-----BEGIN{_SPACE_IN_ADDRESS}(?:[A-Z0-9]{{2,8}}{_SPACE_IN_ADDRESS}){{0,2}}PRIVATE{_SPACE_IN_ADDRESS}KEY-----"
)
_KEY_IN_HEX = r"(?i:2d2d424547494e20(?:[0-9a-f]{2}){0,20}50524956415445204b4559)"
"""How a private key in PEM begins in an address, and in hex."""
_CONDA = r"(?i:conda|quetz)[^\s\"'<>]{0,200}/t/[\w-]{16}"
_IN_CHANNEL = (
    r"(?i:conda|quetz)[^\s\"'<>]{0,200}?/t/(?P<value>(?:[a-z]{2}-)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|[A-Za-z0-9_-]{20,128})(?![\w.-])"
)
_FERNET = (
    r"(?i:fernet)[\w.-]{0,40}\\?[\"'\])]{0,2}[ \t]{0,8}(?:[:?]=|=>|[=:,(]|[ \t])[ \t]{0,8}[bru]{0,2}\\?[\"'`]?"
    r"(?P<value>[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]=)(?![\w=])"
)
"""A key of 32 bytes, as cryptography's `Fernet.generate_key` writes it."""
_GENERATED = r"\"(?:override_special|min_special)\\{0,3}\":"
"""An attribute of the passwords that Terraform's provider `random` makes; their value is in the same object."""
_RESULT = (
    r"(?s)\"id\\{0,3}\"\s{0,8}:\s{0,8}\\{0,3}\"none\\{0,3}\",(?:(?!\"result|\"id\\).){0,900}?"
    r"\"length\\{0,3}\"\s{0,8}:\s{0,8}\d(?:(?!\"id\\{0,3}\").){0,600}?"
    r"\"result\\{0,3}\"\s{0,8}:\s{0,8}\\{0,3}\"(?P<value>(?:[^\"\\\n]|\\u[0-9a-f]{4}|\\[\"\\/]){8,200}?)\\{0,3}\""
)
_LOGIN_LIST = (
    r"\bchpasswd:[ \t]*\n(?:[ \t]+(?:expire|users):[^\n]*\n){0,2}[ \t]+list:[ \t]*[|>]?[+-]?[ \t]*\n"
    r"(?P<value>(?:[ \t]*(?:-[ \t]+)?[\"']?[\w.-]{1,40}:[^\n]*(?:\n|\Z)){1,40})"
)
_LOGIN = r"(?m)^[ \t]*(?:-[ \t]+)?[\"']?[\w.-]{1,40}:(?!R(?:ANDOM)?\s|[\"'$*!{<])(?P<value>[^\s\"']{6,200})"
_TAKES_KEY = (
    r"(?:\b(?:Wallet|SigningKey|privateKeyTo\w{4,10}|from_?(?:private_?)?key|[fF]romPrivateKey|addPrivateKey|importKey)\("
    r"|\baccounts[\"']?[ \t]{0,4}[:=][ \t]{0,4}\[)\s{0,40}[\"'`]"
)
"""Where libraries and configurations of Ethereum take a key of secp256k1."""
_HEX_KEY = r"(?:0x)?[0-9a-fA-F]{64}"
_IN_PROFILE = r"<auth-user-pass>[ \t]*\n[^\n<]{1,80}\n(?P<value>[^\s<${]{6,200})[ \t]*\n"
_APP_ID = r"[?&](?:appid|APPID)=[0-9a-f]{32}"
"""The key of OpenWeather, whose name says that it is none."""
_FUNCTION = r"azurewebsites\.net/api/"
_CODE = rf"{_FUNCTION}[^\s\"'<>?]{{1,200}}\?(?:[^\s\"'<>]{{0,200}}&)?code=(?P<value>[\w/+%-]{{40,90}}={{0,2}})"
_DJANGO = r"\bSECRET_KEY\b"
_DJANGO_KEY = (
    r"\bSECRET_KEY[\"'\])]{0,3}[ \t]{0,8}[=:,][ \t]{0,8}[^\"'\n]{0,80}?[\"']"
    r"(?P<value>(?:django-insecure-)?[a-z0-9!@#$%^&*(_=+)-]{50})[\"']"
)
"""What `get_random_secret_key` makes: 50 characters of 50, signs among them, of which the first may be any."""
_LEAST_SIGNS = 3
_LDIF = r"(?:userPassword|olcRootPW)::"
TOGETHER = (_GENERATED, r"\bchpasswd:[ \t]*$", r"<auth-user-pass>[ \t]*$")
"""What begins forms that go over several lines."""
_PHRASE_NAME = (
    r"(?i:mnemonic|(?:seed|recovery|backup|secret|wallet)[_ -]?(?:phrase|words)|wallet[_ -]?seed|seed[_-]?mnemonic)"
)
_WORDS = r"[a-z]{3,8}(?: [a-z]{3,8}){11}(?:(?: [a-z]{3,8}){3}){0,4}"
_PHRASE = (
    rf"{_PHRASE_NAME}[\w.-]{{0,24}}\\?[\"'\])]{{0,2}}[ \t]{{0,4}}(?::[ \t]?(?:&str|string|str)[ \t]?)?"
    r"(?::=|=>|\?\?|\|\||[=:(,])[ \t]{0,4}(?:[A-Za-z.:]{1,24}\()?\\?[\"'`]?"
    rf"(?P<value>{_WORDS})(?! ?[A-Za-z0-9,.;:])"
)
_NO_WORDS = frozenset(
    ("the", "and", "for", "with", "from", "your", "are", "was", "not", "has", "words", "its", "but", "our", "only")
)
"""Words of sentences that no list of BIP-39 has."""
_LEAST_DISTINCT = 5 / 6
"""Of the words of a phrase: of 12 random ones two are rarely the same, in published ones most are."""

_LEAST_DIGITS = 10
"""Different digits of a random key of 32 bytes in hex: fewer are a filling, or a small number."""
_LEAST_VARIED = 16
"""Different characters of a key in base64: a random one has more than twenty."""


class SecretForm(Frozen, frozen=True):
    """One of them."""

    name: str
    begins: str
    """An expression of RE2 that matches within each secret of the form."""
    pattern: str
    """For Python; the secret is its group `value`."""
    accepts: Callable[[str], bool] = lambda _value: True
    each: str = ""
    """Where `value` is a list of secrets: what finds them in it, by a group of the same name."""


def _looks_random(value: str) -> bool:
    """Digits among letters: what a generator writes and a person does not."""
    digits = sum(char.isdigit() for char in value)
    return digits >= 2 and any(char.isalpha() for char in value)  # noqa: PLR2004 - one may be a version


def _is_assigned(value: str) -> bool:
    return not stands_for_another(value) and _looks_random(value)


def _is_varied(value: str) -> bool:
    return len(set(value)) >= _LEAST_VARIED and not is_typed(value) and not is_published(value)


def _is_varied_hex(value: str) -> bool:
    digits = value.lower()
    return len(set(digits)) >= _LEAST_DIGITS and not is_typed(digits) and not is_published(digits)


def _is_django_key(value: str) -> bool:
    signs = sum(not char.isalnum() for char in value)
    return signs >= _LEAST_SIGNS and _looks_random(value) and _is_varied(value)


def _is_plain_base64(value: str) -> bool:
    """Whether it is base64 of a password, and not of the hash of one."""
    try:
        plain = base64.b64decode(value, validate=True).decode("ascii")
    except ValueError:
        return False
    return plain.isprintable() and plain[:1] not in "{$" and not is_stand_in(plain)


def _is_in_path(value: str) -> bool:
    """Whether a part of an address is random, and not the title of a page."""
    return _is_assigned(value) and ("-" not in value[4:] or any(map(str.isupper, value)) or value[-13:-12] == "-")


def _is_phrase(value: str) -> bool:
    words = value.split()
    distinct = len(set(words)) >= len(words) * _LEAST_DISTINCT
    made_up = words == sorted(words) or is_published(value)
    return distinct and not made_up and not _NO_WORDS.intersection(words)


FORMS = (
    SecretForm(KNOWN_VARIABLE, _VARIABLES, KNOWN_VARIABLE_PATTERN, _is_assigned),
    SecretForm("Encrypted Private Key", _ENCRYPTED_KEY, rf"(?P<value>{_ENCRYPTED_KEY}\s{{1,8}}[A-Za-z0-9+/=\s]{{64}})"),
    SecretForm(
        "Private Key", _KEY_IN_ADDRESS, rf"(?P<value>{_KEY_IN_ADDRESS}(?:[A-Za-z0-9+/=]|%[0-9A-Fa-f]{{2}}){{64}})"
    ),
    SecretForm("Private Key", _KEY_IN_HEX, rf"(?P<value>{_KEY_IN_HEX}(?:[0-9A-Fa-f]{{2}}){{64}})"),
    SecretForm(
        "Private Key",
        _PUTTY,
        rf"(?P<value>{_PUTTY}[^\n]{{4,60}}\n(?:[^\n]{{0,200}}\n){{4,200}}?Private-MAC:[ ][0-9a-f]{{64}})",
    ),
    SecretForm("Private Key", _STATIC, rf"(?P<value>{_STATIC}\s[0-9a-f\s]{{200,1200}})"),
    SecretForm("Private Key", _IN_XML, rf"{_IN_XML}(?P<value>[A-Za-z0-9+/]{{80,1400}}={{0,2}})</D>"),
    SecretForm(
        "Private key of a wallet",
        rf"{_TAKES_KEY}{_HEX_KEY}[\"'`]",
        rf"{_TAKES_KEY}(?P<value>{_HEX_KEY})[\"'`]",
        _is_varied_hex,
    ),
    SecretForm("Token in a conda channel", _CONDA, _IN_CHANNEL, _is_in_path),
    SecretForm("Password in Terraform's state", TOGETHER[0], _RESULT),
    SecretForm("API key in an address", _APP_ID, r"[?&](?:appid|APPID)=(?P<value>[0-9a-f]{32})(?!\w)", _is_varied_hex),
    SecretForm("Key of an Azure function", _FUNCTION, _CODE, _is_varied),
    SecretForm(
        "Password in LDIF", _LDIF, rf"{_LDIF}[ \t]*(?P<value>[A-Za-z0-9+/]{{8,}}={{0,2}})(?!\w)", _is_plain_base64
    ),
    SecretForm("Django Secret Key", _DJANGO, _DJANGO_KEY, _is_django_key),
    SecretForm("Fernet Key", r"(?i:fernet)", _FERNET, _is_varied),
    SecretForm("Password of a login", TOGETHER[1], _LOGIN_LIST, each=_LOGIN),
    SecretForm("Password of a login", TOGETHER[2], _IN_PROFILE),
    SecretForm("Recovery phrase of a wallet", _PHRASE_NAME, _PHRASE, _is_phrase),
)


def places_of(form: SecretForm, text: str) -> Iterator[tuple[int, int]]:
    """Where the secrets of this form begin and end."""
    for found in re.finditer(form.pattern, text):
        span = found.span("value")
        if form.each:
            yield from (every.span("value") for every in re.compile(form.each).finditer(text, *span))
        elif form.accepts(found["value"]):
            yield span
