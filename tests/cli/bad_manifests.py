"""Manifests that are refused: each with `⟦` where its one error must point, and a word of what it must say."""

MARK = "⟦"
BASE = {
    "provider": "fake",
    "scope": "drive:d1",
    "environment": "prod",
    "owner": "video",
    "purpose": "uploads",
}
LONG = "x" * 201
VALUE = "ghp_" + "tgcanaryAbc123" * 3
OPAQUE = "tG7canAry" * 5


def token(**fields: str) -> str:
    """A manifest of one token, complete but for the fields given; a field of None is left out."""
    given = {**BASE, **fields}
    lines = [
        f"    {text}" if text.startswith(MARK) else f"    {name}: {text}"
        for name, text in given.items()
        if text is not None
    ]
    return "version: 1\ntokens:\n  a/b:\n" + "\n".join(lines) + "\n"


def field(name: str, written: str) -> str:
    """One field as it is written, with the error at its key."""
    return token(**{name: f"{MARK}{name}: {written}"})


def item(name: str, before: str, written: str, after: str = "") -> str:
    """One item of a list, with the error at the item."""
    return token(**{name: f"[{before}{MARK}{written}{after}]"})


_WORDS = ["''", "Upper", "-dash", "a/b", "'two words'", "x" * 64, "[list]", "{a: b}", "~", '"\\u200b"', "ä"]
_LINES = [
    LONG,
    '"two\\nlines"',
    '" edge"',
    "[list]",
    "{a: b}",
    "~",
    '"\\u202e"',
    '"\\x1b[2J"',
    "|\n      two\n      lines",
]
_FIELDS = {
    "provider": _WORDS,
    "environment": _WORDS,
    "owner": _WORDS,
    "purpose": [*_LINES, OPAQUE],
    "deputy": [*_LINES, OPAQUE],
    "made_by": [*_LINES, OPAQUE],
    "scope_name": _LINES,
    "account": _LINES,
    "notes": _LINES,
    "scope": ["drive", "':x'", "Drive:x", "'drive:'", "drive:x/y", "[drive:x]", "~", "'drive:x y'", "drive:" + "x" * 129],
    "kind": ["token", "API_TOKEN", "''", "~", "[api_token]"],
    "state": ["deleted", "'on'", "~", "pending"],
    "issue": ["yes", "api", "~", "[true]", "True"],
    "due": ["tomorrow", "2027-13-01", "2027-02-30", "27-01-01", "2027-01-01T00:00:00Z", "20270101", "~", "[2027-01-01]"],
    "value_within": ["0", "-1", "366", "1.5", "two", "1_0", "0x10", "~"],
    "permissions": ["posts:read", "{a: b}", "~"],
    "consumers": ["person:x", "{a: b}", "~", "true"],
}  # fmt: skip
_ITEMS = {
    "permission with a space": ("permissions", "", "'a b'", ""),
    "permission that is a list": ("permissions", "", "[a]", ""),
    "permission empty": ("permissions", "", "''", ""),
    "permission null": ("permissions", "a, ", "~", ""),
    "permission twice": ("permissions", "a, ", "a", ""),
    "permission that is a value": ("permissions", "", OPAQUE, ""),
    "consumer without a kind": ("consumers", "", "x", ""),
    "consumer of no kind": ("consumers", "", "ftp:x", ""),
    "consumer empty": ("consumers", "", "'person:'", ""),
    "consumer null": ("consumers", "", "~", ""),
    "consumer that is a mapping": ("consumers", "", "{dotenv: x}", ""),
    "consumer that is a list": ("consumers", "'person:x', ", "[a]", ""),
    "consumer twice": ("consumers", "'person:x', ", "'person:x'", ""),
    "consumer relative": ("consumers", "", "dotenv:app/.env#T", ""),
    "consumer at home": ("consumers", "", "dotenv:~/.env#T", ""),
    "consumer of somebody's home": ("consumers", "", "dotenv:~root/.env#T", ""),
    "consumer above": ("consumers", "", "dotenv:/srv/../etc/x#T", ""),
    "consumer with a dot": ("consumers", "", "dotenv:/srv/./x#T", ""),
    "consumer with two slashes": ("consumers", "", "dotenv:/srv//x#T", ""),
    "consumer without a variable": ("consumers", "", "dotenv:/srv/x", ""),
    "consumer with a bad variable": ("consumers", "", "'dotenv:/srv/x#A B'", ""),
    "consumer with a control character": ("consumers", "", '"dotenv:/srv/\\tx#T"', ""),
    "consumer that is a folder": ("consumers", "", "dotenv:/#T", ""),
    "command with a path": ("consumers", "", "command:/bin/sh", ""),
    "command with words": ("consumers", "", "'command:sh -c id'", ""),
    "person with a value": ("consumers", "", f"'person:{OPAQUE}'", ""),
    "person with an escape": ("consumers", "", '"person:\\x1b[2J"', ""),
}
_WHOLE = {
    "nothing": (f"{MARK}", "mapping"),
    "a list": (f"{MARK}[]\n", "mapping"),
    "text": (f"{MARK}hello\n", "mapping"),
    "only a comment": (f"{MARK}# nothing\n", "mapping"),
    "no version": (f"{MARK}tokens: {{}}\n", "version: this must be 1"),
    "another version": (f"{MARK}version: 2\n", "version: this must be 1"),
    "a version of text": (f"{MARK}version: one\n", "version: this must be 1"),
    "a version of a list": (f"{MARK}version: [1]\n", "version: this must be 1"),
    "version twice": (f"version: 1\n{MARK}version: 1\n", "a key occurs twice"),
    "an unknown key": (f"version: 1\n{MARK}token: {{}}\n", "unknown key"),
    "a key that is a value": (f"version: 1\n{MARK}{VALUE}: x\n", "value of a token"),
    "tokens is a list": (f"version: 1\n{MARK}tokens: []\n", "tokens: this must be a mapping"),
    "tokens is text": (f"version: 1\n{MARK}tokens: x\n", "tokens: this must be a mapping"),
    "a token is text": (f"version: 1\ntokens:\n  {MARK}a/b: x\n", "this must be a mapping"),
    "a token is null": (f"version: 1\ntokens:\n  {MARK}a/b:\n", "this must be a mapping"),
    "a token is a list": (f"version: 1\ntokens:\n  {MARK}a/b: []\n", "this must be a mapping"),
    "a name in capitals": (f"version: 1\ntokens:\n  {MARK}A/b: {{}}\n", "not a valid token name"),
    "a name of seven segments": (f"version: 1\ntokens:\n  {MARK}a/b/c/d/e/f/g: {{}}\n", "not a valid token name"),
    "a name that climbs": (f"version: 1\ntokens:\n  {MARK}../b: {{}}\n", "not a valid token name"),
    "an empty name": (f"version: 1\ntokens:\n  {MARK}'': {{}}\n", "not a valid token name"),
    "a name twice": (f"version: 1\ntokens:\n  a/b: {{}}\n  {MARK}a/b: {{}}\n", "a key occurs twice"),
    "an unknown field": (token(more=f"{MARK}value: x"), "unknown key"),
    "a field of the store": (token(more=f"{MARK}fingerprint: x"), "unknown key"),
    "a base_url": (token(more=f"{MARK}base_url: https://x.example"), "unknown key"),
    "a field twice": (token(more=f"{MARK}owner: x"), "a key occurs twice"),
    "defaults is a list": (f"version: 1\n{MARK}defaults: []\n", "defaults: this must be a mapping"),
    "defaults with a state": (f"version: 1\ndefaults:\n  {MARK}state: retired\n", "unknown key"),
    "defaults with consumers": (f"version: 1\ndefaults:\n  {MARK}consumers: []\n", "unknown key"),
    "defaults with a wrong field": (f"version: 1\ndefaults:\n  {MARK}owner: A B\n", "owner: this is not valid"),
    "include is text": (f"version: 1\n{MARK}include: a.yaml\n", "include: this must be a list"),
    "include of 101": (f"version: 1\n{MARK}include: [{', '.join(['a.yaml'] * 101)}]\n", "more than 100"),
    "environments is a list": (f"version: 1\n{MARK}environments: []\n", "environments: this must be a mapping"),
    "an environment with a bad name": (f"version: 1\nenvironments:\n  {MARK}A B: {{}}\n", "valid environment name"),
    "an environment is a list": (f"version: 1\nenvironments:\n  {MARK}prod: []\n", "must be a mapping"),
    "an environment is null": (f"version: 1\nenvironments:\n  {MARK}prod:\n", "must be a mapping"),
    "an environment with defaults": (f"version: 1\nenvironments:\n  prod:\n    {MARK}defaults: {{}}\n", "unknown key"),
    "an environment that adds a token": (
        f"version: 1\nenvironments:\n  prod:\n    tokens:\n      {MARK}a/b: {{}}\n", "no token of that name"),
    "an environment that changes the owner": (
        token() + f"environments:\n  prod:\n    tokens:\n      a/b:\n        {MARK}owner: x\n", "unknown key"),
    "an environment that retires": (
        token() + f"environments:\n  prod:\n    tokens:\n      a/b: {{{MARK}state: retired}}\n", "unknown key"),
    "an environment that changes the provider": (
        token() + f"environments:\n  prod:\n    tokens:\n      a/b: {{{MARK}provider: x}}\n", "unknown key"),
    "environments, and none is chosen": (token() + f"{MARK}environments: {{prod: {{}}}}\n", "no environment is chosen"),
    "no provider": (token(provider=None).replace("  a/b", f"  {MARK}a/b"), "provider is missing"),
    "no scope": (token(scope=None).replace("  a/b", f"  {MARK}a/b"), "scope is missing"),
    "no environment": (token(environment=None).replace("  a/b", f"  {MARK}a/b"), "environment is missing"),
    "no owner": (token(owner=None).replace("  a/b", f"  {MARK}a/b"), "owner is missing"),
    "no purpose": (token(purpose=None).replace("  a/b", f"  {MARK}a/b"), "purpose is missing"),
    "a purpose of nothing": (token(purpose="''").replace("  a/b", f"  {MARK}a/b"), "purpose is missing"),
    "a grant that is delivered": (
        token(kind="oauth_grant", consumers="['person:x']").replace("  a/b", f"  {MARK}a/b"), "has no value"),
    "two tokens in one place": (
        token(consumers="['dotenv:/srv/.env#T']") + f"  {MARK}a/c: {{provider: fake, scope: drive:d1, environment: prod, "
        "owner: x, purpose: y, consumers: ['dotenv:/srv/.env#T']}\n", "delivered to the same place"),
    "too many consumers": (token(consumers=f"{MARK}consumers: [{', '.join(f'person:p{n}' for n in range(51))}]"),
                           "more than 50"),
    "an unknown provider": (token(provider="nobody").replace("  a/b", f"  {MARK}a/b"), "provider cannot be used"),
    "a provider that makes none by API": (
        token(provider="manual", issue="true").replace("  a/b", f"  {MARK}a/b"), "has no API to create tokens"),
    "a value in a field": (token(purpose=f"{MARK}{VALUE}").replace(f"    {MARK}", f"    purpose: {MARK}"), "value of a token"),
    "a value in a comment": (f"version: 1\n# {MARK}{VALUE}\n", "value of a token"),
    "a value in a list": (f"version: 1\ninclude: [{MARK}{VALUE}]\n", "value of a token"),
    "a Descript value": (f"version: 1\n# {MARK}dx_bearer_tgcanary00:dx_secret_tgcanary00\n", "value of a token"),
    "a lookup of the environment": (token(owner="video").replace("uploads", f"{MARK}${{HOME}}"), "cannot contain variables or references"),
    "a command": (token().replace("uploads", f"{MARK}$(id)"), "cannot contain variables or references"),
    "a template": (token().replace("uploads", f"'{MARK}{{{{ env }}}}'"), "cannot contain variables or references"),
    "a template of another kind": (token().replace("uploads", f"'{MARK}<% x %>'"), "cannot contain variables or references"),
    "an anchor": (f"version: 1\ntokens: {MARK}&a {{}}\n", "anchors"),
    "an alias": (f"version: 1\ntokens: {MARK}*a\n", "not allowed"),
    "a merge key": (f"version: 1\ntokens:\n  a/b:\n    {MARK}<<: {{}}\n", "merge keys"),
    "a tag": (f"version: {MARK}!!int 1\n", "tags"),
    "a tag that runs code": (f"version: {MARK}!!python/object/apply:os.system [id]\n", "tags"),
    "two documents": (f"version: 1\n{MARK}---\nversion: 1\n", "more than one document"),
    "a directive": (f"{MARK}%YAML 1.1\n---\nversion: 1\n", "directives"),
    "a tab": (f"version: 1\ntokens:\n{MARK}\ta/b: {{}}\n", "valid YAML"),
    "an open bracket": (f"version: 1\ntokens: {{\n{MARK}", "valid YAML"),
    "an open quote": (f"version: 1\ntokens: 'x\n{MARK}", "valid YAML"),
    "a wrong indentation": (f"version: 1\n tokens{MARK}: {{}}\n", "valid YAML"),
    "a key that is a list": (f"version: 1\ntokens: {{? {MARK}[a] : b}}\n", "not plain text"),
    "an empty key": (f"version: 1\ntokens: {{{MARK}~: x}}\n", "not a valid token name"),
    "a control character": (f"version: 1\n# {MARK}\x07\n", "does not allow"),
    "a deep nest": (f"version: 1\ntokens: {'[' * 31}{MARK}[\n", "nested deeper"),
}  # fmt: skip


def cases() -> dict[str, tuple[str, str]]:
    """Every case by its name: the marked text, and a part of the error."""
    found = {
        f"{name} {number}": (field(name, text), name)
        for name, texts in _FIELDS.items()
        for number, text in enumerate(texts)
    }
    found |= {name: (item(*parts), parts[0].rstrip("s")) for name, parts in _ITEMS.items()}
    return found | _WHOLE


def placed(marked: str) -> tuple[str, int, int]:
    """The text without its mark, and the mark's line and column."""
    before = marked[: marked.index(MARK)]
    return marked.replace(MARK, "", 1), before.count("\n") + 1, len(before) - before.rfind("\n")
