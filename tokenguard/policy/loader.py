"""Reads policy files: known rules with known parameters; anything else is an error that names its place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

from tokenguard.documents import Tree, load_yaml
from tokenguard.domain.names import SEGMENT
from tokenguard.errors import InputError
from tokenguard.files import read_limited, shown
from tokenguard.policy.model import MaximumAge, Policy, QuietConsumers, RequiredFields, Severity
from tokenguard.text import safe_text

FORMAT = "1"
MAX_BYTES = 65_536
MAX_DAYS = 3_650
_FIELDS = ("owner", "scope", "purpose", "environment", "made_by", "account", "deputy")
_PACKAGED = (Path(__file__).parents[1] / "_policies", Path(__file__).parents[2] / "policies")
"""In a wheel, and in a checkout."""


def default_policy() -> Policy:
    """The policy that comes with the package."""
    return packaged_policy("default")


def packaged_policy(name: str) -> Policy:
    """A policy of `policies/` by its name; InputError if there is none."""
    if SEGMENT.fullmatch(name):
        for folder in _PACKAGED:
            if (path := folder / f"{name}.yaml").is_file():
                return read_policy(path)
    raise InputError(
        f"there is no policy called {safe_text(name, one_line=True, limit=60)!r}",
        hint="`default` comes with tokenguard",
    )


def read_policy(path: Path) -> Policy:
    """Read a policy file; InputError if it cannot be read or is not acceptable."""
    try:
        data = read_limited(path, MAX_BYTES)
    except OSError:
        raise InputError(f"cannot read the policy {shown(path)}", hint="name a file that exists") from None
    return load_policy(data, source=path.name)


def load_policy(data: bytes, *, source: str) -> Policy:
    """Make a policy of a YAML document.

    Args:
        data: the file's bytes.
        source: how errors name the file.

    Raises:
        InputError: unknown rule, unknown or missing key, a value of the wrong kind; or not plain YAML.
    """
    top = _Section(load_yaml(data, source=source, max_bytes=MAX_BYTES), source)
    if top.text("format") != FORMAT:
        top.refuse(f"the format is not {FORMAT}")
    name = top.text("name")
    rules: dict[str, Any] = {}
    for number, tree in enumerate(top.sequence("rules"), 1):
        section = _Section(tree, f"{source}: rule {number}")
        kind = section.text("id")
        if kind not in _RULES:
            section.refuse(f"an unknown rule; known are {', '.join(_RULES)}")
        attribute, make = _RULES[kind]
        if attribute in rules:
            section.refuse("a rule that was given before")
        rules[attribute] = make(section)
        section.finish()
    top.finish()
    return Policy(name=name, **rules)


@dataclass(slots=True)
class _Section:
    """One mapping of the file; what nobody asked for is refused by `finish`."""

    tree: Tree
    place: str

    def __post_init__(self) -> None:
        if not isinstance(self.tree, dict):
            self.refuse("a mapping is needed here")
        self.tree = dict(self.tree)

    def take(self, key: str) -> Tree:
        """The value under `key`, once."""
        if not isinstance(self.tree, dict) or key not in self.tree:
            self.refuse(f"{key} is missing")
        return self.tree.pop(key)

    def text(self, key: str) -> str:
        found = self.take(key)
        if not isinstance(found, str) or not found.strip():
            self.refuse(f"{key} is not text")
        return found.strip()

    def sequence(self, key: str) -> list[Tree]:
        found = self.take(key)
        if not isinstance(found, list):
            self.refuse(f"{key} is not a list")
        return found

    def days(self, key: str) -> timedelta:
        return self.as_days(self.take(key), key)

    def as_days(self, found: Tree, key: str) -> timedelta:
        if not isinstance(found, str) or not (found.isascii() and found.isdigit()) or len(found) > len(str(MAX_DAYS)):
            self.refuse(f"{key} is not a number of whole days")
        if not 1 <= int(found) <= MAX_DAYS:
            self.refuse(f"{key} is not between 1 and {MAX_DAYS:,} days")
        return timedelta(days=int(found))

    def common(self) -> dict[str, Any]:
        """What every rule has."""
        severity = self.text("severity")
        if severity not in set(Severity):
            self.refuse(f"severity is not one of {', '.join(Severity)}")
        words = {key: self.text(key) for key in ("why", "source", "fix")}
        return {"severity": Severity(severity), **words}

    def finish(self) -> None:
        if self.tree:
            self.refuse("a key that is not known here")

    def refuse(self, reason: str) -> NoReturn:
        raise InputError(f"{self.place}: {reason}", hint="correct the policy; policies/default.yaml is a complete one")


def _maximum_age(section: _Section) -> MaximumAge:
    days = section.take("days")
    if not isinstance(days, dict) or not all(SEGMENT.fullmatch(name) for name in days):
        section.refuse("days is not a mapping of environments to days")
    warn = sorted((section.as_days(each, "warn") for each in section.sequence("warn")), reverse=True)
    return MaximumAge(
        id="maximum-age",
        by_environment={name: section.as_days(each, "days") for name, each in days.items()},
        otherwise=section.days("otherwise"),
        warn=tuple(warn),
        **section.common(),
    )


def _quiet_consumers(section: _Section) -> QuietConsumers:
    return QuietConsumers(id="quiet-consumers", period=section.days("days"), **section.common())


def _required_fields(section: _Section) -> RequiredFields:
    found = section.sequence("fields")
    fields = tuple(name for name in _FIELDS if name in found)
    if len(fields) != len(found):
        section.refuse(f"fields holds something else than {', '.join(_FIELDS)}")
    return RequiredFields(id="required-fields", fields=fields, **section.common())


_RULES: Mapping[str, tuple[str, Callable[[_Section], Any]]] = {
    "maximum-age": ("maximum_age", _maximum_age),
    "quiet-consumers": ("quiet_consumers", _quiet_consumers),
    "required-fields": ("required_fields", _required_fields),
}
"""For each rule its attribute of `Policy`, and how it is read."""
