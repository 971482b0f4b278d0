"""Holds a provider file to a vendor's OpenAPI description: its requests are ones that the API takes, its pointers lead
to what the API answers.

Bodies are validated by the jsonschema library. Of an answer it is asked whether the description declares what a pointer
leads to, since most descriptions allow further properties, so that a mistyped name would pass a validation.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from tokenguard.domain.names import LABEL_LIMIT, new_label, token_name
from tokenguard.providers.generic import request_template
from tokenguard.providers.generic.description import (
    FORM,
    Create,
    Description,
    Replace,
    Revoke,
    RevokeValue,
    Rows,
    Update,
)
from tokenguard.providers.generic.file_checks import recorded
from tokenguard.providers.generic.pointer import JsonPointer
from tokenguard.providers.paging import PagingKind
from tokenguard.providers.route import Route

SAMPLES: Mapping[str, str | int] = {
    "label": "prod-post-abcd1234", "scope": "AC" + "0" * 32, "permissions": "read", "permission": "read", "id": "42",
    "expires_date": "2027-02-27", "expires_time": "2027-02-27T12:00:00Z", "expires_unix": 1803470400,
    "expires_seconds": 7776000,
}  # fmt: skip
Section = Create | Replace | Rows | Revoke | RevokeValue | Update


class Spec:
    """One published description, of OpenAPI 3 or Swagger 2, in one file or in several that refer to each other."""

    def __init__(self, path: Path) -> None:
        self._files: dict[str, Any] = {}
        self.tree = self._file(path.resolve(), top=True)
        if not isinstance(self.tree, dict) or not isinstance(self.tree.get("paths"), dict):
            raise TypeError("it describes no paths")
        servers = self.tree.get("servers") or [{"url": self.tree.get("basePath", "")}]
        self._bases = {urlsplit(each["url"]).path.rstrip("/") for each in servers} | {""}

    def _file(self, path: Path, *, top: bool = False) -> Any:
        """A file, in which references to others, and within others, are absolute."""
        if str(path) not in self._files:
            text = path.read_text(encoding="utf-8-sig")
            tree = json.loads(text) if path.suffix == ".json" else yaml.load(text, yaml.CSafeLoader)
            self._files[str(path)] = _absolute(tree, path, top=top)
        return self._files[str(path)]

    def resolved(self, node: Any) -> Any:
        """What a `$ref` leads to."""
        while isinstance(node, dict) and "$ref" in node:
            file, _, place = node["$ref"].partition("#")
            found: Any = self._file(Path(file)) if file else self.tree
            for part in filter(None, place.split("/")):
                found = found[part.replace("~1", "/").replace("~0", "~")]
            node = found
        return node

    def _inlined(self, node: Any, depth: int = 8) -> Any:
        """A schema with what stands in other files in place, and without what an answer may leave out."""
        if isinstance(node, list):
            return [self._inlined(each, depth) for each in node]
        if not isinstance(node, dict):
            return node
        if isinstance(ref := node.get("$ref"), str) and not ref.startswith("#"):
            return self._inlined(self.resolved(node), depth - 1) if depth else {}
        return {key: self._inlined(each, depth) for key, each in node.items()}

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        """The operation that a request goes to; a path without placeholders comes first."""
        found = []
        for template, operations in self.tree["paths"].items():
            wanted = template.strip("/").split("/")
            for base in self._bases:
                parts = path.removeprefix(base).strip("/").split("/")
                if path.startswith(base) and len(parts) == len(wanted) and all(
                    want == part or want.startswith("{") for want, part in zip(wanted, parts, strict=True)
                ):  # fmt: skip
                    found.append((sum(each.startswith("{") for each in wanted), operations))
        for _, operations in sorted(found, key=lambda each: each[0]):
            if method.lower() in operations:
                shared = operations.get("parameters", [])
                operation = self.resolved(operations[method.lower()])
                return {**operation, "parameters": [*shared, *operation.get("parameters", [])]}
        return None

    def body_schema(self, operation: dict[str, Any], kind: str) -> Any:
        """What the body must be; None if there is none of that kind."""
        if "requestBody" in operation:
            content = self.resolved(operation["requestBody"]).get("content", {})
            return content.get(kind, {}).get("schema")
        bodies = [self.resolved(each) for each in operation["parameters"] if self.resolved(each).get("in") == "body"]
        return bodies[0].get("schema") if bodies else None

    def answer_schema(self, operation: dict[str, Any]) -> Any:
        """What a success holds; None if it has no body."""
        for status, said in sorted(operation["responses"].items(), key=lambda each: str(each[0])):
            if str(status).startswith("2") and (schema := self._schema_of(said)) is not None:
                return schema
        return None

    def _schema_of(self, said: Any) -> Any:
        answer = self.resolved(said)
        content = answer.get("content", {})
        return answer.get("schema") or next((each.get("schema") for each in content.values()), None)

    def answer_faults(self, operation: dict[str, Any], answer: Any) -> list[str]:
        """What is wrong with the answer to a request that succeeded, or whose refusal has the status of a success.

        The description of such a refusal is under `default`; one that allows anything more excuses nothing.
        """
        schema = self.answer_schema(operation)
        found = self.validate(schema, answer, partly=True) if schema is not None else []
        refusal = self.resolved(self._schema_of(operation["responses"].get("default", {})) or {})
        closed = refusal.get("additionalProperties") is False
        return [] if closed and not self.validate(refusal, answer, partly=True) else found

    def declares(self, schema: Any, pointer: JsonPointer) -> bool:
        """Whether a schema names everything on the way that a pointer leads, to a text, number or boolean."""
        return any(_is_scalar(each) for each in self._reached([schema], list(pointer.keys)))

    def _reached(self, schemas: list[Any], keys: list[str]) -> Iterator[Any]:
        for schema in self._alternatives(schemas):
            if not keys:
                yield schema
            elif keys[0] in schema.get("properties", {}):
                yield from self._reached([schema["properties"][keys[0]]], keys[1:])
            elif keys[0].lstrip("-").isdigit() and "items" in schema:
                yield from self._reached([schema["items"]], keys[1:])

    def _alternatives(self, schemas: list[Any]) -> Iterator[dict[str, Any]]:
        for node in schemas:
            schema = self.resolved(node)
            yield schema
            for key in ("allOf", "anyOf", "oneOf"):
                yield from self._alternatives(schema.get(key, []))

    @cached_property
    def _of_bodies(self) -> Any:
        """A validator that does not require of a request what only answers have (`readOnly`)."""

        def required(validator: Any, names: list[str], instance: Any, schema: Any) -> Iterator[ValidationError]:
            known = schema.get("properties", {})
            sent = [name for name in names if not self.resolved(known.get(name, {})).get("readOnly")]
            yield from Draft202012Validator.VALIDATORS["required"](validator, sent, instance, schema)

        return extend(Draft202012Validator, {"required": required})

    def validate(self, schema: Any, instance: Any, *, partly: bool = False) -> list[str]:
        """What the library finds wrong with a body; `partly`: with an answer, whose properties may be missing and numbers
        may be texts."""
        whole = {**self.tree, **self._inlined(self.resolved(schema))}
        errors = (Draft202012Validator if partly else self._of_bodies)(whole).iter_errors(instance)
        return [f"{each.json_path}: {each.message[:160]}" for each in errors if not (partly and _is_of_a_part(each))]


def _is_scalar(schema: Any) -> bool:
    kinds = schema.get("type", [])
    of = set(kinds if isinstance(kinds, list) else [kinds])
    return not of & {"object", "array"} and not {"properties", "items", "allOf", "anyOf", "oneOf"} & schema.keys()


def _absolute(node: Any, path: Path, *, top: bool) -> Any:
    if isinstance(node, list):
        return [_absolute(each, path, top=top) for each in node]
    if not isinstance(node, dict):
        return node
    made = {key: _absolute(each, path, top=top) for key, each in node.items()}
    if isinstance(ref := made.get("$ref"), str) and not ref.startswith("#"):
        file, _, place = ref.partition("#")
        made["$ref"] = f"{(path.parent / file).resolve()}#{place}"
    elif isinstance(ref, str) and not top:
        made["$ref"] = f"{path}{ref}"
    return made


def _is_of_a_part(error: ValidationError) -> bool:
    """Whether an error only says that something is left out, or that an id or a date is a text."""
    if error.validator in {"anyOf", "oneOf"}:
        branches = {each.schema_path[0] for each in error.context}
        return not branches or any(
            all(_is_of_a_part(each) for each in error.context if each.schema_path[0] == branch) for branch in branches
        )
    scalar = isinstance(error.instance, str | int | None)
    return error.validator == "required" or (
        error.validator in {"type", "enum", "pattern", "maxLength", "minLength"} and scalar
    )


UNUSABLE = {
    ("", "is valid under each of"): "the description allows anything in two ways",
    ("meilisearch", "'uid' is a required property"): "the description wants what the vendor's page calls optional",
    ("vercel", "the API has no parameter until"): "the description names the parameters of pages, but not at this list",
    ("sendgrid", "the API answers in pages (limit)"): "the vendor's page says that the answer holds all",
    ("cloudflare", "no answer has /result/0/"): "the description leaves open what a row of this list has",
    ("linode", "the API has no parameter page"): "the description names the parameters of pages, but not at this list",
}
"""Remarks on what a description itself has wrong, by service, with the reason."""


PAGED = frozenset({
    "after", "cursor", "has_more", "limit", "list_metadata", "next", "next_cursor", "next_page", "offset", "page",
    "page_size", "pages", "pagination", "paging", "per_page", "starting_after",
})  # fmt: skip
"""Parameters of a list, and keys at the top of its answer, that say that it has pages."""


@dataclass(frozen=True)
class Difference:
    """Something that the file says and the description does not."""

    section: str
    says: str
    service: str = ""

    @property
    def excused(self) -> str:
        """Why it is not a fault of the file; empty if it is one."""
        of_it = {text: reason for (service, text), reason in UNUSABLE.items() if service in {"", self.service}}
        return next((reason for text, reason in of_it.items() if text in self.says), "")

    def __str__(self) -> str:
        return f"{self.section}: {self.says}"


def differences(described: Description, spec: Spec) -> Iterator[Difference]:
    """All of them: in the file's requests and pointers, and in the requests and answers of its service on loopback."""
    for each in (*_written(described, spec), *_played(described, spec)):
        yield replace(each, service=described.name)


def _played(described: Description, spec: Spec) -> Iterator[Difference]:
    """What goes over the wire when a token is created, listed and revoked."""
    said = set[str]()
    base = urlsplit(described.base_url).path
    for asked in recorded(described, str(SAMPLES["scope"]), tuple(_permissions(described, spec, base))):
        operation = spec.operation(asked.method, base + asked.path)
        if operation is None:
            continue
        body = spec.body_schema(operation, FORM if described.form else described.media_type)
        found = spec.validate(body, asked.body) if body is not None and asked.body is not None else []
        if asked.status < 300 and asked.answer:
            found += [f"answer: {each}" for each in spec.answer_faults(operation, asked.answer)]
        for each in found:
            if each not in said:
                said.add(each)
                yield Difference(f"{asked.method} {asked.path}", each)


def _permissions(described: Description, spec: Spec, base: str) -> list[str]:
    """Permissions that a token can be asked for with."""
    create = described.create
    if described.permissions or create is None:
        return list(described.permissions)[:1]
    path = base + "/" + "/".join(create.route.fill({key: str(each) for key, each in SAMPLES.items()}))
    operation = spec.operation(create.route.method, path)
    schema = spec.body_schema(operation, FORM if described.form else described.media_type) if operation else None
    return _allowed(spec, schema, create.body) if schema is not None and create.body else ["read"]


def _written(described: Description, spec: Spec) -> Iterator[Difference]:
    base = urlsplit(described.base_url).path
    sections: list[tuple[str, Section | None]] = [
        ("create", described.create), ("list", described.rows), *(("revoke", each) for each in described.revoke),
        ("revoke_value", described.revoke_value), ("replace", described.replace), ("update", described.update),
    ]  # fmt: skip
    for name, section in sections:
        if section is None:
            continue
        path = base + "/" + "/".join(section.route.fill({key: str(each) for key, each in SAMPLES.items()}))
        operation = spec.operation(section.route.method, path)
        if operation is None:
            yield Difference(name, f"the API has no {section.route.method} {path}")
            continue
        yield from _body(spec, name, section, operation, described)
        yield from _query(spec, name, section, operation)
        yield from _answer(spec, name, section, operation)
    yield from _probe(described, spec, base)


def _probe(described: Description, spec: Spec, base: str) -> Iterator[Difference]:
    probe = described.probe
    if probe is None or not isinstance(probe.route, Route):
        return
    path = base + "/" + "/".join(probe.route.fill({}))
    operation = spec.operation("GET", path)
    if operation is None:
        if described.name not in PROBED_ELSEWHERE:
            yield Difference("probe", f"the API has no GET {path}")
        return
    schema = spec.answer_schema(operation)
    for pointer in (probe.scope, probe.scope_name):
        if pointer is not None and not spec.declares(schema, pointer):
            yield Difference("probe", f"no answer has {'/'.join(pointer.keys)}")


PROBED_ELSEWHERE = frozenset({"datadog", "pinecone", "sendgrid"})
"""Their probe goes to a part of the API that has a description of its own."""


def _permissions_at(spec: Spec, schema: Any, rows: Rows, permissions: JsonPointer) -> JsonPointer:
    """The place of one of a row's permissions, or of the text that holds all."""
    place = JsonPointer((*rows.items.keys, "0", *permissions.keys))
    one = JsonPointer((*place.keys, "0"))
    return one if spec.declares(schema, one) else place


def _labels(described: Description) -> list[str]:
    """What tokens are called there, for names of every kind that the inventory takes."""
    can = described.label_limit or LABEL_LIMIT, described.label_punctuation
    return [
        new_label(token_name(name), 1, *can, letter_first=described.label_letter_first)
        for name in ("prod/post", "3d/post", "v1.2/my_app/x--y", "/".join(["9" * 63] * 6))
    ]


def _body(
    spec: Spec, name: str, section: Section, operation: dict[str, Any], described: Description
) -> Iterator[Difference]:
    form = described.form or (isinstance(section, RevokeValue) and section.form)
    body = None if isinstance(section, Rows) else section.body
    schema = spec.body_schema(operation, FORM if form else described.media_type)
    if body is None:
        if schema is not None and spec.resolved(operation.get("requestBody", {})).get("required"):
            yield Difference(name, "the API wants a body")
        return
    if schema is None:
        yield Difference(name, "the API takes no such body")
        return
    permissions = list(described.permissions)[:1] or _allowed(spec, schema, body)
    for label in _labels(described):
        filled = request_template.fill(
            body, {**SAMPLES, "label": label, "permission": permissions[0], "token": "ghp_" + "0" * 36}, permissions
        )
        found = spec.validate(schema, filled)
        yield from (Difference(name, each) for each in found)
        if found:
            break
    known = {key for each in spec._alternatives([schema]) for key in each.get("properties", {})}
    keys = filled.keys() if isinstance(filled, dict) else set()  # a list of changes has no keys of its own
    yield from (Difference(name, f"the API takes no {key}") for key in keys - known if known)


def _allowed(spec: Spec, schema: Any, body: Any) -> list[str]:
    """A permission that the API knows, if it lists them."""
    names = [key for key, text in body.items() if text in ("{permissions}", "{permission}")]
    for each in spec._alternatives([schema]):
        for name in names:
            declared = spec.resolved(each.get("properties", {}).get(name, {}))
            allowed = declared.get("enum") or spec.resolved(declared.get("items", {})).get("enum")
            if allowed:
                return [allowed[0]]
    return ["read"]


def _query(spec: Spec, name: str, section: Section, operation: dict[str, Any]) -> Iterator[Difference]:
    if isinstance(section, RevokeValue):
        return
    asked = {key for key, _ in section.query}
    if isinstance(section, Rows):
        paging = section.paging
        asked |= {key for key, _ in paging.start}
        asked |= {paging.cursor} if paging.kind == "cursor" else set()
        asked |= {paging.offset} if paging.kind == "offset" else set()
    known = {spec.resolved(each)["name"] for each in operation["parameters"] if spec.resolved(each)["in"] == "query"}
    if isinstance(section, Rows) and section.paging.kind is PagingKind.NONE:
        top = {
            key for each in spec._alternatives([spec.answer_schema(operation)]) for key in each.get("properties", {})
        }
        yield from (Difference(name, f"the API answers in pages ({key})") for key in sorted((top | known) & PAGED))
    yield from (Difference(name, f"the API has no parameter {key}") for key in sorted(asked - known))


def _answer(spec: Spec, name: str, section: Section, operation: dict[str, Any]) -> Iterator[Difference]:
    if isinstance(section, Revoke | RevokeValue | Update):
        return
    schema = spec.answer_schema(operation)
    if schema is None:
        yield Difference(name, "the API answers nothing")
        return
    if isinstance(section, Create | Replace):
        pointers = [
            *section.value.values(),
            *([section.id] if section.id else []),
            *([section.hint] if section.hint else []),
        ]
    else:
        rows = [section.id, section.label, *section.more.values(), *([section.status.field] if section.status else [])]
        pointers = [JsonPointer((*section.items.keys, "0", *each.keys)) for each in rows]
        pointers += [each for each in (section.following, section.total) if each is not None]
        if section.permissions is not None:
            pointers.append(_permissions_at(spec, schema, section, section.permissions))
    for pointer in pointers:
        if not spec.declares(schema, pointer):
            yield Difference(name, f"no answer has /{'/'.join(pointer.keys)}")
