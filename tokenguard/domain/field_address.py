"""Addresses of external fields (`vault://MOUNT/PATH#FIELD`, `aws://REGION/NAME#FIELD`) and of folders.

A secret of another AWS account is addressed by its ARN in place of the name, the only way that AWS accepts there.
"""

import re
from urllib.parse import quote, unquote

from tokenguard.errors import InputError
from tokenguard.frozen import Frozen

LONGEST = 1_000
"""Characters of an address."""
_KEEP = "@+=:,~"
_SEGMENT = 255
_DEEPEST = 24
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+){1,3}-\d", re.ASCII)
_SECRET = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}", re.ASCII)
_ARN = re.compile(r"arn:aws(?:-[a-z]+)*:secretsmanager:(?P<region>[a-z0-9-]+):[0-9]{12}:secret:(?P<name>.+)", re.ASCII)
_WHOLE_NAME = re.compile(r".+-[A-Za-z0-9]{6}", re.ASCII)
"""How the name in an ARN ends; without these six characters AWS may find another secret, or none."""
FORM = "write vault://MOUNT/PATH#FIELD, or aws://REGION/NAME (or its ARN) with #JSON_FIELD where it is a JSON object"
"""How to write an address, as a hint says it."""


class VaultField(Frozen, frozen=True, kw_only=True):
    """One top-level field of a KV version 2 entry."""

    mount: str
    """The mount's path; several segments have %2F between them in the address."""
    path: str
    field: str

    @property
    def url(self) -> str:
        """The address in its one canonical spelling."""
        return f"vault://{_quoted(self.mount)}/{'/'.join(map(_quoted, self.path.split('/')))}#{_quoted(self.field)}"


class AwsField(Frozen, frozen=True, kw_only=True):
    """One top-level field of a secret that is a JSON object, or the whole text of a secret."""

    region: str
    secret: str
    """The secret's name, or its complete ARN."""
    field: str = ""
    """Empty: the whole text."""

    @property
    def url(self) -> str:
        """The address in its one canonical spelling."""
        return f"aws://{self.region}/{self.secret}" + (f"#{_quoted(self.field)}" if self.field else "")


class VaultFolder(Frozen, frozen=True, kw_only=True):
    """Everything of a mount at and below a path."""

    mount: str
    path: str = ""
    """Empty: the whole mount."""

    @property
    def url(self) -> str:
        """The address in its one canonical spelling."""
        return "/".join([f"vault://{_quoted(self.mount)}", *(_quoted(each) for each in self.path.split("/") if each)])


class AwsFolder(Frozen, frozen=True, kw_only=True):
    """Every secret of a region whose name begins so."""

    region: str
    prefix: str = ""


def parse_folder(url: str) -> VaultFolder | AwsFolder:
    """Read `vault://MOUNT[/PREFIX]` or `aws://REGION[/PREFIX]`; InputError (exit 2), which shows nothing of it."""
    scheme, separator, rest = url.partition("://")
    first, _, path = rest.partition("/")
    if separator and first and "#" not in url and len(url) <= LONGEST:
        if scheme == "vault":
            return VaultFolder(mount=_mount(first), path=_path(path.rstrip("/")) if path.rstrip("/") else "")
        if scheme == "aws" and _REGION.fullmatch(first) and (not path or _SECRET.fullmatch(path)):
            return AwsFolder(region=first, prefix=path)
    raise InputError(
        "not the address of a folder of secrets", hint="write vault://MOUNT/PREFIX or aws://REGION/PREFIX, without #"
    )


def parse_field(url: str) -> VaultField | AwsField:
    """Read an address; InputError (exit 2), which shows nothing of it, if it is not one.

    What an address cannot hold as it is (a space, a slash within a segment) is written as %XX.
    """
    scheme, separator, rest = url.partition("://")
    place, mark, field = rest.partition("#")
    first, slash, path = place.partition("/")
    field = _plain(field) if mark else ""
    if not separator or not slash or len(url) > LONGEST or (mark and not field):
        raise _bad()
    if scheme == "vault" and field:
        return VaultField(mount=_mount(first), path=_path(path), field=field)
    if scheme == "aws" and _REGION.fullmatch(first) and _is_secret(path, first):
        return AwsField(region=first, secret=path, field=field)
    raise _bad()


def _is_secret(text: str, region: str) -> bool:
    """Whether it is the name of a secret, or the complete ARN of one in that region."""
    found = _ARN.fullmatch(text)
    if found is None:
        return bool(_SECRET.fullmatch(text))
    name = found["name"]
    return found["region"] == region and bool(_SECRET.fullmatch(name)) and bool(_WHOLE_NAME.fullmatch(name))


def _mount(text: str) -> str:
    return "/".join(_plain(each) for each in unquote(text).split("/"))


def _path(text: str) -> str:
    segments = [_plain(segment) for segment in text.split("/")]
    if len(segments) > _DEEPEST or any("/" in segment for segment in segments):
        raise _bad()
    return "/".join(segments)


def _plain(part: str) -> str:
    """One decoded part: visible text that no path can climb with."""
    text = unquote(part)
    if not 0 < len(text) <= _SEGMENT or not text.isprintable() or text.strip() != text or text in {".", ".."}:
        raise _bad()
    return text


def _quoted(part: str) -> str:
    return quote(part, safe=_KEEP)


def _bad() -> InputError:
    return InputError("not the address of a field of a secret", hint=FORM)
