"""What can be said of a candidate: its traits, each a few words that `scan --explain` shows as they are."""

import base64
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from math import log2

from tokenguard.detection.judging.candidate import JudgedValue
from tokenguard.detection.judging.characters import CharacterModel
from tokenguard.detection.judging.file_kind import kind_of_place
from tokenguard.detection.stand_ins import (
    is_common,
    is_encrypted,
    is_kept_elsewhere,
    is_published,
    is_stand_in,
    is_typed,
    words_of,
)
from tokenguard.token_formats.table import has_prefix_only

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PLACEHOLDER = re.compile(
    r"(?i)your[-_ ]?|example|sample|change[-_ ]?me|place[-_ ]?holder|dummy|fake|replace|redacted|insert|todo|fixme|mock"
    r"|x{4}|\*{3}|\.{3}|foo|bar(?![a-z])|baz|lorem|hunter2|s3cr[e3]t|not[-_ ]?a?[-_ ]?real|<[^>]*>|test|demo|enter"
)
WRAPPED = "a line of a wrapped block"
STAND_IN = "it stands for a value"
MADE_UP = "it was filled up, or typed in a row"
_FILLED = re.compile(r"(?i:x{8,}|(.)\1{7,})|EXAMPLE")
PUBLIC = "a name for what is public"
_PUBLIC = re.compile(
    r"(?i)(?:^|[^a-z]|(?-i:(?<=[a-zA-Z])(?=[A-Z][a-z])))(?:public|publish(?:able)?|csrf|xsrf|authenticity|site[_-]?key)"
    r"|publicToken|(?:page|pagination|continuation|next|previous|sync|lifecycle[_-]?action|client[_-]?request)[_-]?token"
    r"|auth[_-]?(?:user|source|method|type|provider|mode|mechanism|scheme|realm)(?:[_-]?name)?$|idempotency[_-]?(?:token|key)"
    r"|(?:algolia|typesense|meili(?:search)?)[_-]?\w*search[_-]?(?:only[_-]?)?(?:api[_-]?)?key|search[_-]?only[_-]?(?:api[_-]?)?key|(?:group|partition|cache|sort|row|foreign|routing|object|dedup)[_-]?key(?![a-z])"
)
MADE_UP_NAME = "a name for what is made up"
_MADE_UP_NAME = re.compile(
    r"(?i)^(?:mock|fake|dummy|example|sample|invalid|bogus)|[_-](?:mock|fake|dummy|example|sample)(?:[_-]|$)"
)
LOOKALIKE = "a vendor's prefix, but not the form of its tokens"
REVISION = "a name for a revision or a digest"
_REVISION = re.compile(
    r"(?i)srcrev|(?:^|[_.-])(?:version|rev|ref|commit|sha|checksum|digest|hash|revision|etag|integrity|fp|fingerprint|thumbprint)$"
    r"|(?-i:[a-z](?:Checksum|Digest|Hash))$"
)
_INTEGRITY = re.compile(r"(?:^|[=:])sha(?:256|384|512)-[A-Za-z0-9+/]{43,88}={0,2}$")
_ANNOTATED = re.compile(r"(?i)(?:checksum/|last-hash-)[\w./-]*[\"']?[ \t]*[:=][ \t]*[\"']?\Z")
"""The keys under which charts and operators of Kubernetes keep the digest of a Secret."""
PROGRAM = "a word of programs"
_PROGRAM = re.compile(
    r"(?i)utf-?(?:8|16|32)(?:[bl]e)?|iso-?8859-\d{1,2}|us-ascii|windows-125\d|(?-i:KEYWORD|LITERAL)\d|urn:[a-z0-9][\w:.-]+"
    r"|(?:19|20)\d\d-[01]\d-[0-3]\d(?:T[\d:.Z+-]*)?|\d{2,5}(?:/[a-z]{0,24}\d{0,2})+|(?:19|20)\d{6}(?:\d{4}|\d{6})?[_-][a-z_]{4,}|\d+(?:\.\d+){2}(?:\([^()\s]+\))+"
)
"""A character set, a keyword's kind, a name in a registry, a date, a port and a path, a dated name, and a version with
peers."""
IDENTIFIER = "a name for an identifier"
_IDENTIFIER = re.compile(r"(?i)(?:identifier|uuid|guid)$")
_ID = re.compile(r"[0-9a-fA-F-]{8,}")
GUEST = "base64 of what anybody knows"
ELSEWHERE = "it says where a secret is kept"
_BEGUN = 120
"""Characters before a value that may belong to what it is a part of."""
ENCRYPTED = "it is encrypted"
_ENCRYPTED_FILE = words_of("enc gpg age asc sops")
PUBLIC_KEY = "a public key"
_PUBLIC_KEY = re.compile(r"age1[ac-hj-np-z02-9]{58}")
FILE = "the beginning of a file"
_FILE = re.compile(
    r"LS0tLS1CRUdJTiBDRVJUSUZJQ0FUR|(?:iVBORw0KGgo|/9j/[24]|R0lGOD[dl]h|UklGR|PHN2Zy|PD94bWwg|JVBERi0|d09GR|d09GM|AAEAAAA|T1RUTw|UEsDB|AAABAA|AGFzbQ)"
    r"[A-Za-z0-9+/]{64}"
)
"""In base64: certificates, pictures, documents, fonts and archives."""
SANDBOX = "a key of a sandbox"
_SANDBOX = re.compile(r"(?i)(?:^|[_-])(?:sandbox|sdbx|sbx)[_-]")
_NO_SIGNATURE = re.compile(r"eyJ[\w-]+\.[\w-]*\.[\w-]{0,19}")
HOST = "a host and its port"
_HOST = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+:\d{2,5}")
CUT_SHORT = "it is cut short"
KEY = "a key of AES behind a name for one"
CONNECTION = "part of a connection string"
_CONNECTION = re.compile(
    r"(?i)(?<![\w.])(?:server|data source|host(?:name)?|addr(?:ess)?|initial catalog|database|db(?:name|q)|driver"
    r"|provider)=[^\s;\"'=][^;\"'=]*;"
)
"""A setting of one that names a server or a database, as ADO.NET, ODBC and libpq for .NET write it."""
_REFERENCE = re.compile(r"[$%#@]\{|\{\{|\}\}|^\$|^%[\w(]|^<|^\[|^&|^!|\$\(|%s|%d|^env[.:(]|process\.env|\bos\.environ")
_DIGEST = re.compile(
    r"(?:0x)?(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{56}|[0-9a-fA-F]{64}|[0-9a-fA-F]{96}|[0-9a-fA-F]{128})"
)
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("a UUID", re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")),
    ("an integrity hash", re.compile(r"(?:sha\d{3}|md5)[-:=].+")),
    ("a hex digest", _DIGEST),
    ("hex", re.compile(r"(?:0x)?[0-9a-fA-F]{8,}")),
    ("digits", re.compile(r"[\d.,:+-]+")),
    ("a version", re.compile(r"v?\d+(?:\.\d+){1,4}[\w.+-]{0,40}")),
    ("a date", re.compile(r"\d{4}-\d\d-\d\d(?:[T ].*)?")),
    ("a web address", re.compile(r"[a-z+]{2,10}://.*|www\..*")),
    ("an e-mail address", re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    (
        "a file's path",
        re.compile(
            r"(?:[~.]{0,2}/)?[\w.@-]+(?:/[\w.@-]+)+/?|[\w-]+\.(?:json|ya?ml|txt|pem|key|crt|py|js|ts|go|rb|md|html|xml|sh|conf)"
        ),
    ),
    ("a call", re.compile(r".*[\w\])]\(.*")),
    ("an index", re.compile(r".*\w\[.*\].*")),
    ("a dotted name", re.compile(r"[A-Za-z_$][\w$]*(?:(?:\.|::|->)[A-Za-z_$][\w$]*)+")),
    ("snake_case", re.compile(r"[a-z]+(?:_[a-z]+)+")),
    ("kebab-case", re.compile(r"[a-z]+(?:-[a-z]+)+")),
    ("UPPER_CASE", re.compile(r"[A-Z]+(?:_[A-Z]+)+")),
    ("camelCase", re.compile(r"[A-Za-z][a-z]+(?:[A-Z][a-z]+)+")),
    ("one lower-case word", re.compile(r"[a-z]+")),
    ("one word with a capital", re.compile(r"[A-Z][a-z]+")),
    ("capitals", re.compile(r"[A-Z]+")),
    ("a word and digits", re.compile(r"[A-Za-z]{3,}[-_@!]?\d{1,6}[!@#$]?")),
    (
        "a password hash",
        re.compile(
            r"(?:[\w.-]{1,40}:)?\$(?:apr1|2[aby]|argon2|6|5|1|pbkdf2)[\w-]*\$.*|(?:pbkdf2|argon2|bcrypt|scrypt|sha\d|md5)_?\w*\$.*"
        ),
    ),
    ("a JSON Web Token", re.compile(r"eyJ[\w-]+\.[\w-]+\.?[\w-]*")),
    ("base64 with padding", re.compile(r"[A-Za-z0-9+/]{8,}={1,2}")),
    ("letters and digits", re.compile(r"[A-Za-z0-9]+")),
    ("letters, digits, - and _", re.compile(r"[\w-]+")),
    ("base64", re.compile(r"[A-Za-z0-9+/]+")),
)
_LENGTHS = (4, 6, 8, 10, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 64, 80, 128)
_WRAPPED = (60, 64, 70, 76, 77)
"""Where programs break the lines of base64; one may end in a backslash."""
_LONG, _RANDOM = 16, -1.0
_SECRETS = words_of("password passwd pwd pass secret token key apikey credential auth authorization bearer")
_PASSWORDS = words_of("password passwd pwd pass")
_SAME_AS = dict.fromkeys(
    ("authtok", "bindpw", "masterauth", "passcode", "passphrase", "passwort", "psk", "requirepass", "rootpw"),
    "password",
)
"""Names of settings that the labelled data has seldom, or not at all."""
_SAME_AS |= {f"{name}s": name for name in ("credential", "key", "password", "token")}
_SAYS_NOTHING = words_of("base value string")
"""Words after which a name ends as it does without them."""
_CIPHER = re.compile(r"(?i)aes|cipher|crypt|secret|hmac|sign|master|private")
"""In names of keys; others in base64 may be public, as those of counters of visits."""
HEX_KEY = "32 bytes in hex behind a name for a key"
_HEX_KEY = re.compile(r"[0-9a-f]{64}")
_KEY_BYTES, _KEY_IN_BASE64 = (16, 32), (24, 44)
_LEAST_LOGIN = 12
_GOES_ON = re.compile(r"[ \t;}]|&\w+=")
MIXED = "random, behind a name for passwords"
_PASSWORD_LENGTHS, _AT_RANDOM = range(10, _LONG), -2.0
"""Of passwords that a generator made, shorter than what is random behind any name for secrets."""
_WORDY = 0.6
"""Bits for each character above which a value is made of words."""
_COMMENT = re.compile(r"^\s*(?://|#|\*|--|;|/\*|<!--|'''|\"\"\")")
_ASSERTION = re.compile(r"(?i)assert|expect|should|\beq\b|toBe|toEqual|require\.")
_DIGESTS = re.compile(
    r"(?i)sha-?\d{1,3}|md5|integrity|checksum|digest|commit|etag|fingerprint|revision|\bhash(?!(?:_?map|_?table|_?set|ing|ed)\b)|crc|uuid|guid"
)


def traits(candidate: JudgedValue, model: CharacterModel) -> Iterator[str]:
    """Every trait, in a fixed order, none twice."""
    value, name = candidate.value, candidate.name
    yield f"found as {candidate.source}"
    wordiness = model.wordiness(value)
    yield from _of_value(value, name, wordiness)
    yield from _against(value, name)
    plain = _plain(value)
    user, colon, password = plain.partition(":")
    if colon:
        yield "base64 of a login"
    if plain and (is_stand_in(plain) or (colon and (password == user or is_common(password)))):
        yield GUEST
    words = _words(name)
    yield from dict.fromkeys(f"the name has {word}" for word in words if not word.isdigit())
    if words:
        yield f"the name ends in {words[-1]}"
        if _CIPHER.search(name) and words[-1] in _SECRETS and _is_key(value):
            yield KEY
        elif _HEX_KEY.fullmatch(value) and words[-1] == "key" and _CIPHER.search(name) and not _in_example(candidate):
            yield HEX_KEY
        if len(value) >= _LONG and words[-1] in _SECRETS and wordiness < _RANDOM:
            yield "a random value behind a name for secrets"
            if _FORMS[0][1].fullmatch(value):
                yield "a UUID behind a name for secrets"
        elif (
            words[-1] in _PASSWORDS and len(value) in _PASSWORD_LENGTHS and wordiness < _AT_RANDOM and _is_mixed(value)
        ):
            yield MIXED
        yield f"the name has {min(len(words), 4)} words"
    else:
        yield "no name"
        yield f"no name, found as {candidate.source}"
        if len(value) in _WRAPPED or candidate.after.startswith(("\\n", "\\r")):
            yield WRAPPED
    yield from _of_place(candidate, "of words" if wordiness > _WORDY else "of no words")


def _in_example(candidate: JudgedValue) -> bool:
    """Whether its file is a test, an example or others' code: guides and tests show what a key looks like."""
    return bool(kind_of_place(candidate.path)[2])


def _words(name: str) -> list[str]:
    """The last ones of a name, without what only says that it has a value: `secret_key_base`, `tokenValue`."""
    words = [_SAME_AS.get(word.lower(), word.lower()) for word in _WORD.findall(name)]
    while len(words) > 1 and words[-1] in _SAYS_NOTHING:
        words.pop()
    return words[-6:]


def _is_mixed(value: str) -> bool:
    """Whether it has capitals, small letters and digits, as a generator is told to use."""
    return not (value.isupper() or value.islower()) and any(map(str.isdigit, value)) and any(map(str.isalpha, value))


def _is_key(value: str) -> bool:
    """Whether it is base64 of as many bytes as keys of AES have, and of no text."""
    if len(value) not in _KEY_IN_BASE64 or not value.endswith("="):
        return False
    try:
        key = base64.b64decode(value, validate=True)
    except ValueError:
        return False
    return len(key) in _KEY_BYTES and len(set(key)) > len(key) // 2 and not key.isascii()


def _of_value(value: str, name: str, wordiness: float) -> Iterator[str]:
    form = next((title for title, pattern in _FORMS if pattern.fullmatch(value)), "with other characters")
    yield f"looks like {form}"
    length = next((limit for limit in _LENGTHS if len(value) <= limit), 999)
    yield f"at most {length} characters"
    wordy = max(min(round(wordiness * 2), 4), -6)
    yield f"wordiness {wordy / 2}"
    yield f"wordiness {wordy / 2}, {'short' if len(value) < 12 else 'medium' if len(value) < 24 else 'long'}"  # noqa: PLR2004 - of a password, of a key
    counts = Counter(value)
    entropy = -sum(count / len(value) * log2(count / len(value)) for count in counts.values()) if value else 0
    yield f"entropy {round(entropy * 2) / 2}"
    yield f"{_kinds(value)}"
    if value and max(counts.values()) * 2 > len(value):
        yield "one character for the most part"
    if _steps(value) * 2 > len(value):
        yield "a sequence"
    lower = value.lower()
    if _PLACEHOLDER.search(value):
        yield "a placeholder"
    if (
        is_stand_in(value)
        or is_stand_in(_first(value))
        or (value.isalpha() and lower in map(str.lower, _WORD.findall(name)))
    ):
        yield STAND_IN
    if is_common(lower):
        yield "a common password"
    if _REFERENCE.search(value):
        yield "a reference"
    if name and (lower in name.lower() or name.lower() in lower):
        yield "its own name"
    if any(word in lower for word in ("password", "secret", "token", "passwd", "key", "auth", "credential")):
        yield "a word for secrets in the value"
    if " " in value:
        yield "spaces"


def _first(value: str) -> str:
    """A value without what follows it: a rule takes an unquoted one to the end of its line."""
    return _GOES_ON.split(value, 1)[0]


def _against(value: str, name: str) -> Iterator[str]:
    """What says so clearly that it is not a secret that it is not left to what was learned."""
    if _FILLED.search(value) or is_typed(value) or is_published(value):
        yield MADE_UP
    if has_prefix_only(value):
        yield LOOKALIKE
    if _HOST.fullmatch(value):
        yield HOST
    if _SANDBOX.search(value):
        yield SANDBOX
    if value.endswith(("...", "\u2026")) or _NO_SIGNATURE.fullmatch(value):
        yield CUT_SHORT
    if _INTEGRITY.search(value):
        yield REVISION
    if _FILE.match(value):
        yield FILE
    if _PROGRAM.fullmatch(value):
        yield PROGRAM
    yield from _of_name(value, name)


def _of_name(value: str, name: str) -> Iterator[str]:
    """The same of its name, and of a key that is public by its form."""
    if _PUBLIC_KEY.fullmatch(value):
        yield PUBLIC_KEY
    if _PUBLIC.search(name) and "private" not in name.lower():
        yield PUBLIC
    if _MADE_UP_NAME.search(name):
        yield MADE_UP_NAME
    if _IDENTIFIER.search(name) and _ID.fullmatch(value):
        yield IDENTIFIER


def _plain(value: str) -> str:
    """What it is base64 of, if that is printable: a name and a password, or a word."""
    if len(value) < _LEAST_LOGIN or len(value) % 4:
        return ""
    try:
        plain = base64.b64decode(value, validate=True).decode("ascii")
    except ValueError:
        return ""
    return plain if plain.isprintable() else ""


def _kinds(value: str) -> str:
    kinds = [
        title
        for title, has in (
            ("capitals", any(char.isupper() for char in value)),
            ("small letters", any(char.islower() for char in value)),
            ("digits", any(char.isdigit() for char in value)),
            ("signs", not value.replace("_", "").replace("-", "").isalnum()),
        )
        if has
    ]
    return "of " + ", ".join(kinds)


def _steps(value: str) -> int:
    """How many characters follow the one before in the alphabet or among the digits, or are the same."""
    return sum(0 <= ord(after) - ord(before) <= 1 for before, after in pairwise(value))


def _of_place(candidate: JudgedValue, make: str) -> Iterator[str]:
    group, extension, kinds = kind_of_place(candidate.path)
    before, after = candidate.before, candidate.after
    yield f"a file of {group}"
    yield f"a .{extension} file"
    for title in kinds:
        yield f"a path of {title}"
        yield f"a path of {title}, found as {candidate.source}"
        yield f"a path of {title}, a value {make}"
        yield f"a path of {title}, a file of {group}"
    yield from _against_there(candidate, extension)
    if _COMMENT.match(before):
        yield "a comment"
    if _ASSERTION.search(before):
        yield "an assertion"
    if _DIGESTS.search(before[-60:]):
        yield "a digest's name before it"
    if candidate.long_line:
        yield "a long line"
    yield f"{_edge(before[-1:])} before it"
    yield f"{_edge(after[:1])} after it"
    quotes = (before + after).count('"') + (before + after).count("'")
    yield f"{min(quotes // 2, 4)} pairs of quotes on the line"
    if "://" in before:
        yield "a web address before it"
    if (";" in before and _CONNECTION.search(before)) or (after[:1] == ";" and _CONNECTION.search(after)):
        yield CONNECTION
    if re.search(r"(?i)\b(?:import|require|include|from|href|src|class|id)\b", before):
        yield "a reference word before it"
    if re.search(r"[!=]=\s*[\"'`]?$", before):
        yield "a comparison"


def _against_there(candidate: JudgedValue, extension: str) -> Iterator[str]:
    """What says so by the file."""
    begun = candidate.before[-_BEGUN:]
    in_encrypted_file = extension in _ENCRYPTED_FILE and candidate.source.endswith("Entropy String")
    if in_encrypted_file or is_encrypted(candidate.value, begun):
        yield ENCRYPTED
    if _DIGEST.fullmatch(candidate.value) and (_REVISION.search(candidate.name) or _ANNOTATED.search(begun)):
        yield REVISION
    if is_kept_elsewhere(candidate.value, begun):
        yield ELSEWHERE


def _edge(char: str) -> str:
    if not char:
        return "the line's edge"
    if char in "\"'`":
        return "a quote"
    return "white space" if char.isspace() else char if not char.isalnum() else "a letter or digit"
