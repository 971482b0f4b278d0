"""The JSON Schema of a manifest, made of the same table that reads it: for editors, which complete and check by it."""

from collections.abc import Mapping
from typing import Any

from tokenguard.domain.field_address import LONGEST
from tokenguard.domain.names import MAX_SEGMENTS, SEGMENT
from tokenguard.domain.token import CredentialKind
from tokenguard.provisioning.manifest import DesiredState
from tokenguard.provisioning.manifest_fields import FIELDS, INCLUDED, INHERITED, OVERLAID, TOP, FieldType
from tokenguard.provisioning.parse import MAX_ITEMS, MAX_LINE

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NAME = rf"^{SEGMENT.pattern}(?:/{SEGMENT.pattern}){{0,{MAX_SEGMENTS - 1}}}$"
_PATH = {"type": "string", "pattern": r"^[A-Za-z0-9_][A-Za-z0-9._/-]*\.ya?ml$", "maxLength": 200}
_OF_SORT: Mapping[FieldType, Mapping[str, Any]] = {
    FieldType.WORD: {"type": "string", "pattern": f"^{SEGMENT.pattern}$"},
    FieldType.LINE: {"type": "string", "maxLength": MAX_LINE},
    FieldType.SCOPE: {"type": "string", "pattern": r"^[a-z][a-z0-9_-]{0,31}:[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"},
    FieldType.KIND: {"enum": [each.value for each in CredentialKind]},
    FieldType.STATE: {"enum": [each.value for each in DesiredState]},
    FieldType.ISSUE: {"enum": [True, False, "guided"]},
    FieldType.PERMISSIONS: {"type": "array", "items": {"type": "string"}, "maxItems": MAX_ITEMS, "uniqueItems": True},
    FieldType.DAY: {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
    FieldType.DAYS: {"type": "integer", "minimum": 1, "maximum": 365},
    FieldType.LOCATION: {"type": "string", "pattern": "^(vault|aws)://.", "maxLength": LONGEST},
    FieldType.CONSUMERS: {
        "type": "array", "items": {"type": "string", "pattern": "^[a-z][a-z0-9-]*:."}, "maxItems": MAX_ITEMS,
        "uniqueItems": True,
    },
}  # fmt: skip


def schema() -> dict[str, Any]:
    """The schema of a whole manifest; included files and overlays are smaller ones of the same kind."""
    parts = {
        "version": {"const": 1, "description": "The version of this format."},
        "include": {"type": "array", "items": _PATH, "description": "Files below this one's folder, read with it."},
        "defaults": {
            **_fields(INHERITED),
            "description": "Defaults for every token of this file and of its includes.",
        },
        "environments": {
            "type": "object",
            "description": "Changes in one environment, chosen with --env: here, or in a file.",
            "propertyNames": _OF_SORT[FieldType.WORD],
            "additionalProperties": {"anyOf": [_PATH, _tokens(OVERLAID, also={"version": {"const": 1}})]},
        },
        "tokens": {
            **_by_name(tuple(FIELDS)),
            "description": "The tokens by name, such as video/publisher/prod/upload.",
        },
    }
    return {
        "$schema": DIALECT,
        "title": "tokenguard manifest",
        "description": f"Declares tokens for `tokenguard plan`. An included file has {', '.join(INCLUDED)}.",
        "type": "object",
        "required": ["version"],
        "additionalProperties": False,
        "properties": {name: parts[name] for name in TOP},
    }


def _fields(names: tuple[str, ...]) -> dict[str, Any]:
    properties = {name: {**_OF_SORT[FIELDS[name].sort], "description": FIELDS[name].says} for name in names}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _by_name(names: tuple[str, ...]) -> dict[str, Any]:
    return {"type": "object", "propertyNames": {"pattern": _NAME}, "additionalProperties": _fields(names)}


def _tokens(names: tuple[str, ...], *, also: Mapping[str, Any]) -> dict[str, Any]:
    properties = {**also, "tokens": _by_name(names)}
    return {"type": "object", "additionalProperties": False, "properties": properties}
