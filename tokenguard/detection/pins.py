"""Pinned revisions: commits, image digests and hashes that say which content is meant, and open nothing.

Each has the exact length of what it claims to be, and its place says so: a name such as `rev` before it, the name of
the algorithm, or a lock file around it. A value of another length in the same place is none.
"""

import re
from collections.abc import Iterator
from functools import cache

_BYTES = {"md5": 16, "sha1": 20, "sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64}
_END = r"(?![A-Za-z0-9+/=_-])"


def _base64(size: int) -> str:
    whole, rest = divmod(size, 3)
    tail = {0: "", 1: "[A-Za-z0-9+/]{2}(?:==)?", 2: "[A-Za-z0-9+/]{3}=?"}[rest]
    return f"[A-Za-z0-9+/]{{{whole * 4}}}{tail}"


def _digest(size: int) -> str:
    return f"(?:[0-9A-Fa-f]{{{size * 2}}}|{_base64(size)})"


_COMMIT = f"(?:[0-9a-f]{{40}}|[0-9a-f]{{64}}){_END}"
# As pre-commit, CI includes, Nix, Cargo, pip, Go, Bazel, Swift, Ansible, Copier and labels of images have it.
_OF_COMMIT = (
    r"(?<![\w.$-])(?:rev|(?:org\.opencontainers\.image\.)?revision|ref|version|_?commit(?:[_-]?(?:sha|hash|id))?"
    r"|resolved[_-]ref|git[_-](?:commit|sha|rev|ref)|vcs[_-]ref)[\"']?[ \t]{0,8}[:=]{1,2}>?[ \t]{0,8}[\"']?"
)
_OF_ACTION = r"(?<![\w-])uses[\"']?[ \t]{0,8}:[ \t]{0,8}[\"']?[\w./-]{1,200}@"
_ASSIGNED = r"(?:sums?)?[\"']?[ \t]{0,8}(?:[:=]>?|[ \t]value=)?[ \t]{0,8}\(?[\"']?"
_OF_BOTTLE = r"[ \t]{1,8}(?:cellar:[ \t]{0,8}[^,]{1,80},[ \t]{0,8})?[a-z0-9_]{1,40}:[ \t]{0,8}[\"']"
_NAMED_DIGEST = "|".join(
    f"(?<![A-Za-z0-9_.-]){name.replace('sha', 'sha-?')}(?:{_ASSIGNED}|{_OF_BOTTLE}){_digest(size)}{_END}"
    for name, size in _BYTES.items()
)
_SELF_DESCRIBED = "|".join(
    [
        *(f"(?<![A-Za-z0-9_]){name}[-:=.]{_digest(size)}{_END}" for name, size in _BYTES.items()),
        f"(?<![A-Za-z0-9_])h1:{_base64(32)}{_END}",
        f"(?<![A-Za-z0-9_])zh:[0-9a-f]{{64}}{_END}",
    ]
)
_IN_LOCK = "|".join(
    [*(f"[0-9A-Fa-f]{{{size * 2}}}" for size in _BYTES.values()), *(f"{_base64(size)}" for size in (32, 48, 64))]
)
_LOCK = re.compile(
    r"(?:^|/)(?:[^/]+\.lock(?:\.(?:json|ya?ml|hcl|toml))?|[^/]+-lock\.(?:json|ya?ml)|go\.(?:work\.)?sum"
    r"|npm-shrinkwrap\.json|pylock(?:\.[^/]+)?\.toml|(?:Package|Cartfile)\.resolved|verification-metadata\.xml)$"
)
_SBOM = re.compile(
    r"(?:^|/)(?:[\w.-]*(?:sbom|spdx|cyclonedx|\.cdx)[\w.-]*|syft|bom)\.(?:json|xml|rdf)$|\.spdx(?:\.ya?ml)?$", re.ASCII
)
"""Bills of materials of SPDX, CycloneDX and Syft, which are full of digests and ids; another YAML file is rather a
workflow that makes one, or the configuration of such a program."""
_BUNDLE = '{"bundle":{"format":'
"""How a bundle of known tokens begins, which teams commit: one line of tags, ids and a signature."""
_IMAGE = re.compile(rf"[\w.:/-]{{1,400}}@sha256:[0-9a-f]{{64}}{_END}", re.ASCII)
_BEFORE, _AFTER = 600, 200
"""How far round a value its line is looked at: a line may be a whole file."""


def is_image(value: str) -> bool:
    """Whether it is the name of an image with its digest."""
    return _IMAGE.fullmatch(value) is not None


def is_lock_file(path: str) -> bool:
    """Whether a program writes files of this name that hold digests of packages and no secrets."""
    return _LOCK.search(path) is not None or is_of_materials(path)


def is_of_materials(path: str) -> bool:
    """Whether a file of this name is a bill of materials."""
    return _SBOM.search(path) is not None


def is_pinned(value: str, line: str, path: str, *, named: bool) -> bool:
    """Whether a value on this line is part of a pinned revision.

    Args:
        value: what a rule took for a secret.
        line: where it stands.
        path: of the file; in a lock file or a bundle of known tokens, every value of a digest's length counts, and in a
            bill of materials every value.
        named: whether names such as `rev`, and lock files, count too; else only what says itself that it is a digest.
    """
    if named and is_of_materials(path):
        return True
    value = value.rstrip("\\")  # before an escaped quote
    if named and (_LOCK.search(path) or line.startswith(_BUNDLE)) and re.fullmatch(_IN_LOCK, value, re.ASCII):
        return True
    found = list(places_of(value, line))
    return bool(found) and all(_is_within(at, at + len(value), line, named=named) for at in found)


def places_of(value: str, line: str) -> Iterator[int]:
    """Where the value stands. An expression for each value would take longer to compile than all else here to run."""
    at = line.find(value) if value else -1
    while at >= 0:
        yield at
        at = line.find(value, at + len(value))


def _is_within(start: int, end: int, line: str, *, named: bool) -> bool:
    begin = max(start - _BEFORE, 0)
    near = _places(named=named).finditer(line[begin : end + _AFTER])
    return any(begin + match.start() <= start and end <= begin + match.end() for match in near)


@cache
def _places(*, named: bool) -> re.Pattern[str]:
    every = f"{_SELF_DESCRIBED}|(?:{_OF_COMMIT}|{_OF_ACTION}){_COMMIT}|{_NAMED_DIGEST}" if named else _SELF_DESCRIBED
    return re.compile(every, re.ASCII)
