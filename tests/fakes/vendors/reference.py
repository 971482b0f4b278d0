"""Holds a provider file to the examples of a vendor's reference page, where no usable OpenAPI description is published.

A page is Markdown as GitLab writes it: a block `plaintext` with the requests, a table whose first column has the
attributes, and a block `json` with an answer. Names are compared; types are not stated in a way that could be.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fakes.vendors.openapi import SAMPLES, Difference, Section
from tokenguard.providers.generic.description import Create, Description, Replace, Revoke, Rows, Update
from tokenguard.providers.generic.pointer import JsonPointer

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ATTRIBUTE = re.compile(r"^\| *`([^`]+)`", re.MULTILINE)
_REQUEST = re.compile(r"^(GET|POST|PUT|PATCH|DELETE) /?([^\s?]+)", re.MULTILINE)
_PAGING = frozenset({"page", "per_page"})
"""Parameters that the vendor documents once for all lists."""


@dataclass
class Operation:
    """One request, with what the page says of it."""

    method: str
    parts: list[str]
    attributes: set[str] = field(default_factory=set)
    answer: Any = None

    def takes(self, method: str, path: list[str]) -> bool:
        return (method, len(path)) == (self.method, len(self.parts)) and all(
            want.startswith(":") or want == part for want, part in zip(self.parts, path, strict=True)
        )


class Reference:
    """One page."""

    def __init__(self, page: Path) -> None:
        self.operations: list[Operation] = []
        text, end = page.read_text(), 0
        for block in _BLOCK.finditer(text):
            self._attributes(text[end : block.start()])
            end = block.end()
            if block[1] == "plaintext" and (found := _REQUEST.search(block[2])):
                self.operations.append(Operation(found[1], found[2].split("/")))
            elif block[1] == "json" and self.operations and self.operations[-1].answer is None:
                self.operations[-1].answer = json.loads(block[2])
        self._attributes(text[end:])

    def _attributes(self, text: str) -> None:
        if self.operations:
            self.operations[-1].attributes |= set(_ATTRIBUTE.findall(text))

    def operation(self, section: Section) -> Operation | None:
        path = list(section.route.fill({key: str(each) for key, each in SAMPLES.items()}))
        return next((each for each in self.operations if each.takes(section.route.method, path)), None)


def differences(described: Description, page: Reference) -> Iterator[Difference]:
    """What the requests and pointers of a file say and the page does not."""
    sections: list[tuple[str, Section | None]] = [
        ("create", described.create), ("list", described.rows), *(("revoke", each) for each in described.revoke),
        ("replace", described.replace), ("update", described.update),
    ]  # fmt: skip
    for name, section in sections:
        if section is None:
            continue
        operation = page.operation(section)
        if operation is None:
            yield Difference(name, f"the page has no {section.route.method} /{'/'.join(section.route.segments)}")
            continue
        sent = _sent(section)
        yield from (Difference(name, f"the page has no attribute {key}") for key in sorted(sent - operation.attributes))
        for pointer in _read(section):
            if not _leads(operation.answer, list(pointer.keys)):
                yield Difference(name, f"the example has no /{'/'.join(pointer.keys)}")


def _sent(section: Section) -> set[str]:
    if isinstance(section, Rows):
        return {key for key, _ in (*section.query, *section.paging.start)} - _PAGING
    return set(section.body) if isinstance(section.body, dict) else set()


def _read(section: Section) -> list[JsonPointer]:
    if isinstance(section, Create | Replace):
        return [*section.value.values(), *(each for each in (section.id, section.hint) if each is not None)]
    if not isinstance(section, Rows):
        assert isinstance(section, Revoke | Update)
        return []
    rows = [section.id, section.label, *section.more.values(), *([section.status.field] if section.status else [])]
    rows += [section.permissions] if section.permissions else []
    return [JsonPointer((*section.items.keys, "0", *each.keys)) for each in rows]


def _leads(tree: Any, keys: list[str]) -> bool:
    """Whether something stands there; a null does, as the example of a date that is not known."""
    for key in keys:
        if isinstance(tree, list) and key.isdecimal() and int(key) < len(tree):
            tree = tree[int(key)]
        elif isinstance(tree, dict) and key in tree:
            tree = tree[key]
        else:
            return False
    return True
