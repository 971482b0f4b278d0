"""What a team's own rule may ask of a token, by name and type; `known` lists those that a token has."""

from collections.abc import Mapping
from datetime import datetime

from tokenguard.domain.document import Document
from tokenguard.domain.liveness import ScopeVerdict

FIELDS: Mapping[str, str] = {
    "name": "text",
    "provider": "text",
    "kind": "text",
    "state": "text",
    "environment": "text",
    "purpose": "text",
    "owner": "text",
    "deputy": "text",
    "made_by": "text",
    "account": "text",
    "scope_kind": "text",
    "scope_id": "text",
    "scope_name": "text",
    "permissions": "texts",
    "consumers": "texts",
    "custody": "text",
    "location": "text",
    "base_url": "text",
    "label": "text",
    "notes": "text",
    "age_days": "number",
    "due_in_days": "number",
    "verdict": "text",
    "verified_days_ago": "number",
    "scope_right": "yes/no",
    "rotating": "yes/no",
    "known": "texts",
}
"""In the order in which they are documented."""

Fact = str | int | bool | list[str]


def facts(document: Document, now: datetime) -> dict[str, Fact]:
    """The fields of a token that are known, under the names that conditions use (`record.owner`)."""
    record = document.record
    texts = {
        "name": record.name,
        "provider": record.provider,
        "kind": record.kind.value,
        "state": record.state.value,
        "environment": record.environment,
        "purpose": record.purpose,
        "owner": record.owner,
        "deputy": record.deputy,
        "made_by": record.made_by,
        "account": record.account,
        "scope_name": record.scope_name,
        "custody": record.location.custody.value,
        "location": record.location.url,
        "base_url": record.base_url,
        "label": record.label,
        "notes": record.notes,
    }
    found: dict[str, Fact] = {name: text for name, text in texts.items() if text}
    found["rotating"] = document.busy
    if record.scope is not None:
        found["scope_kind"], found["scope_id"] = record.scope.kind, record.scope.id
    if record.permissions:
        found["permissions"] = list(record.permissions)
    if record.consumers is not None:
        found["consumers"] = [str(each) for each in record.consumers]
    since = record.rotated_at or record.created_at or record.added_at
    if since is not None:
        found["age_days"] = (now - since).days
    if record.due_at is not None:
        found["due_in_days"] = (record.due_at - now).days
    if (seen := record.seen) is not None:
        found["verdict"], found["verified_days_ago"] = seen.verdict.value, (now - seen.at).days
        if seen.scope_verdict is not ScopeVerdict.UNVERIFIED:
            found["scope_right"] = seen.scope_verdict is ScopeVerdict.RIGHT
    found["known"] = list(found)
    return {f"record.{name}": fact for name, fact in found.items()}
