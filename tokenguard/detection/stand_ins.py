"""Values that only stand for a secret: placeholders, rows, repeated pieces, published keys, references, ciphertexts."""

import re
import string
from itertools import pairwise

_STAND_IN = re.compile(
    r"(?i)example|your[-_]?|placeholder|change[-_]?me|replace|dummy|x{6}|0{8}|12345678|insert|todo|\.{3}|secrets\.|environ"
)
_FILLED_UP = re.compile(r"[-_.]?[#*x.]{4}")


def words_of(text: str) -> frozenset[str]:
    """The words of a text, for tables of them."""
    return frozenset(text.split())


_NOTHING = words_of(
    """null none nil true false undefined unset empty default yes no string str int bool boolean required
    optional password passwd secret token key username user admin root value text name email basic bearer"""
)
_COMMON = words_of(
    """password password1 password123 passw0rd secret secret123 pass1234 pass123 changeit admin123 letmein
    qwerty qwerty123 123456 12345678 1234 12345 postgres mysql root admin guest test testing p@ssw0rd"""
)
_STANDS_IN = re.compile(
    r"(?i)<.*>|\[.*\]|\{.*\}|x{3,}|\*{3,}|\.{3,}|[-_]+"
    r"|(?:please[-_ ]?)?(?:change|replace|fill|enter|insert|set)[-_ ]?"
    r"(?:me|this|it|in|here)?[-_!]*\d{0,3}"
    r"|(?:your?|my|the|some|an?|any|new|old|other|test|example|dummy|fake|sample|super|top|s)"
    r"[-_ .]?(?:[a-z]+[-_ ])*(?:password|passwd|pass|pwd|secret|token|key|api[-_]?key|here|value|credentials?)"
    r"[-_ \d]{0,4}"
    r"|(?:password|secret|token|passwd|pass|value)[-_ ]?(?:here|value|\d{0,3})|todo|tbd|n/a|redacted|hidden|removed"
    r"|(?:foo|bar|baz|qux)(?:[-_ ]?(?:foo|bar|baz|qux))*\d{0,3}|(?:wrong|bogus|incorrect|invalid)"
    r"(?:[-_ ]?(?:password|passwd|pass|pwd|secret|token|key))?"
    r"|example|sample|always|never|optional|on_create|.*[-_](?:password|passwd|secret|token)"
)
_SAYS_SO = words_of(
    """placeholder dummy fake mock mocked redacted filtered masked scrubbed sanitized sanitised obfuscated insert
    replace enter put goes here your sample example changeme tbd todo"""
)
_BESIDE = words_of(
    """a an and any api app auth access account admin api be before by client code credential credentials data database
    db default deploy development for form from generate generated get go hash here id in insecure is it its key login
    long me my name need new no not of on only or own pass passphrase passwd password phrase private prod production
    pwd random real root salt secret secrets secure service set some staging string test testing tests text that the
    this to token unique url use user username value very with you"""
)
"""Words of values that only stand for a secret: of the first table such a value has one, of the second any others."""
_FEW_DIGITS = 3
_TEMPLATE = r"(?P<mark>__|@@?|%%?|~~?|\#\#?|\$\$)[A-Za-z][\w.-]*(?P=mark)|\#\{[^{}]*\}|<%.*%>"
"""A name between the marks that a program looks for to put the value there."""
_MANAGERS = (
    r"vault|(?:open)?bao|(?:aws|gcp|az)?-?s?sm|asm|awsssm|awssm|aws-?secrets(?:manager)?|secretsmanager"
    r"|gcp(?:-?secrets?(?:-?manager)?)?|gsm|berglas|op|bws|akv|azkv|(?:azure-?)?key-?vault|azurekv|doppler|infisical|keeper"
    r"|keyring|conjur|sops|tss|lpass|pass|k8s|kubernetes|kube|secrets?|env|file|ref"
)
"""How references to entries of secret managers begin, in the tools that resolve them."""
_OF_REFERENCE = string.ascii_letters + string.digits + "_.,:#?&=/{}$+~%-@("
_PATH = r"[\w.,:#?&=/{}$+~%-]"
_ELSEWHERE = re.compile(
    rf"(?i)(?:^|[\s\"'=(,])(?:(?:[a-z]{{2,12}}\+)?(?:{_MANAGERS})://{_PATH}*"
    rf"|arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:\d*:{_PATH}*|ocid1\.[a-z0-9]+\.{_PATH}*"
    rf"|https://[\w-]+\.vault\.[a-z.]{{3,40}}/(?:secrets|keys|certificates)/{_PATH}*|@Microsoft\.KeyVault\([^)\s]*\)?"
    r"|projects/[\w-]+/(?:locations/[\w-]+/)?secrets/[\w./-]*)\Z"
)
_NAMED_ELSEWHERE = re.compile(
    rf"(?i)(?:{_MANAGERS}):(?:/?[\w.-]+/[\w./-]*(?:\#[\w.-]*)?|(?-i:[A-Z][A-Z0-9]*_[A-Z0-9_]*))"
)
_CIPHERTEXT = re.compile(
    r"(?:(?:ENC|DEC|EJ)?[(\[].{16,}[)\]]|\{cipher\}|vault:v\d+:|\$ANSIBLE_VAULT|encrypted:[A-Za-z0-9+/=]{40}"
    r"|wcFMA[A-Za-z0-9+/=]{100}|v1:[A-Za-z0-9+/=]{8,24}:|Ag[A-D][A-Za-z0-9+/=]{200}"
    r"|(?:kms:)?AQ[EI]CAH[A-Za-z0-9+/=]{80}|CiQA[A-Za-z0-9+/=]{80})"
)
"""As Jasypt, Spring Cloud, Vault, Ansible, OpenPGP, dotenvx, Pulumi, Sealed Secrets, SOPS, ejson and the key services
of AWS and Google have it."""
_IN_CIPHERTEXT = re.compile(r"(?:ENC|EJ)\[[^\]\s\"']*\Z")
_LEAST_DISTINCT = 8
_LONGEST_ROW, _LONGEST_ROW_OF_LETTERS, _LONGEST_ROW_OF_HEX = 11, 8, 12
"""Of six letters, one often follows another by chance."""
_HEX = frozenset("abcdefABCDEF")
_ROWS = "abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl"
_LEAST_IN_ROW, _SHORT = 3, 10
_LONGEST_PIECE = 4
_PUBLISHED = frozenset(
    (
        "095101cf732c298a",
        "0b476bdf9acf2123",
        "2037abcaffb2b777",
        "27a9a42931dff7eb",
        "34d464f64a851dff",
        "37f8f09bdf12c2f2",
        "3a8b61d0f636b007",
        "3f370c9dd8225c63",
        "424742fc6538f5e7",
        "49f777db995e8260",
        "4c98242dcadc8b29",
        "53fe277c7b483940",
        "578592185588730b",
        "58f5b51b4b236ec8",
        "60a09e4357868c1e",
        "7f75367e78812551",
        "8335c55334821eef",
        "8731261cb72d8626",
        "8be5d113c0871ce1",
        "a19f89ab3555eac1",
        "a6a72fb29e3985c6",
        "a6c814bc555ae62c",
        "b26ab6529d20ebeb",
        "b295b46eca7f6cf2",
        "bb4978fbe7638de8",
        "bc1a50966c9e6486",
        "cf4d418ed3de92d7",
        "dc0fcf046c61640c",
        "e4a5542bb7fd7b67",
        "ea9bb1082cf95663",
        "eb540d2b6ee2a0a4",
        "f56e323494a6ffc2",
    )
)
"""The first 16 digits of the SHA-256 of keys in public programs of their vendors, such as a browser, and of examples in
standards and tutorials (RFC 7617, jwt.io, key URIs of one-time passwords, the accounts of Hardhat's, Anvil's and
Ganache's test chains)."""


def stands_for_another(value: str) -> bool:
    """Whether it is a word that stands for a token."""
    return len(set(value)) < _LEAST_DISTINCT or _STAND_IN.search(value) is not None


def is_stand_in(value: str) -> bool:
    """Whether it is nothing but a word or two for a secret that is to be put in its place."""
    return value.lower() in _NOTHING or _STANDS_IN.fullmatch(value) is not None or is_placeholder(value)


def is_placeholder(value: str) -> bool:
    """Whether it says that a secret is to be put in its place, or is what a template has there."""
    return re.fullmatch(_TEMPLATE, value) is not None or _says_so(value)


def _says_so(value: str) -> bool:
    """Whether its words say so: `insert-token-here`, `fake_secret_for_tests`."""
    words = re.findall("[a-z]+", value.lower())
    if _SAYS_SO.isdisjoint(words) or sum(map(str.isdigit, value)) > _FEW_DIGITS:
        return False
    return all(word in _SAYS_SO or word in _BESIDE for word in words)


def is_common(value: str) -> bool:
    """Whether lists of the most common passwords have it."""
    return value.lower() in _COMMON


def is_kept_elsewhere(value: str, before: str) -> bool:
    """Whether a value, with what stands right before it, says where a secret manager keeps the secret."""
    begins = len(before.rstrip(_OF_REFERENCE))
    whole = before[begins:] + value
    named = whole if before[begins - 1 : begins] in ('"', "'") else value
    return _NAMED_ELSEWHERE.fullmatch(named) is not None or _ELSEWHERE.search(whole) is not None


def is_encrypted(value: str, before: str) -> bool:
    """Whether a value is a ciphertext, or with what stands right before it is part of one."""
    return _CIPHERTEXT.match(value) is not None or _IN_CIPHERTEXT.search(before) is not None


def is_in_a_row(value: str, least: int = _LONGEST_ROW) -> bool:
    """Whether so many characters follow each other in the alphabet, among the digits, or are the same."""
    row = 1
    for before, after in pairwise(value.lower()):
        row = row + 1 if 0 <= ord(after) - ord(before) <= 1 or before + after == "90" else 1
        if row >= least:
            return True
    return False


def is_typed(value: str) -> bool:
    """Whether it has a long row, its letters are one, or it is rows or a piece twice: `a1B2c3…`, `abcd1234`."""
    letters = "".join(filter(str.isalpha, value))
    short = len(value) <= _SHORT and _is_typed_shortly(value.lower())
    least = _LONGEST_ROW_OF_HEX if _HEX.issuperset(letters) else _LONGEST_ROW_OF_LETTERS
    return short or is_in_a_row(value) or is_in_a_row(letters, least)


def _is_typed_shortly(value: str) -> bool:
    """Whether all of it is typed along rows of a keyboard or of the alphabet, or is the same twice."""
    half = value[: len(value) // 2]
    if len(half) >= _LEAST_IN_ROW and half * 2 == value:
        return True
    runs = [1]
    for before, after in pairwise(value):
        if any(before + after in row for row in _ROWS):
            runs[-1] += 1
        else:
            runs.append(1)
    return min(runs) >= _LEAST_IN_ROW and sum(runs) > _LEAST_IN_ROW


def is_continued_by_placeholder(after: str) -> bool:
    """Whether what follows a value stands for the rest of it."""
    return _FILLED_UP.match(after) is not None


def repeats(value: str) -> bool:
    """Whether it is a short piece three times or more."""
    most = min(_LONGEST_PIECE, len(value) // 3)
    return any(value == (value[:size] * len(value))[: len(value)] for size in range(1, most + 1))


def is_published(value: str) -> bool:
    """Whether its vendor publishes it, so that it opens nothing which is not open."""
    import hashlib  # few texts hold what has a vendor's form

    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:16] in _PUBLISHED
