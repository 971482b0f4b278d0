"""What a person is asked to do at a provider: the provider's guide, filled in for one token. Pure."""

from tokenguard.domain.token import Record
from tokenguard.ports.operator import Task
from tokenguard.ports.provider import Guide, Provider
from tokenguard.text import safe_text

UNNAMED = "the old token (its name at the provider is not on record)"


def create_task(provider: Provider, record: Record, label: str) -> Task:
    """Make a token called `label`."""
    guide = provider.guide()
    return Task(
        title=f"create a token at {provider.name} for {record.name}",
        where=guide.where,
        steps=_filled(guide.create, record, label=label),
        why=f"the name {label} ties what you create to this step; if you stop here, it is how the token is found again",
    )


def revoke_task(provider: Provider, record: Record, *, label: str, hint: str = "", why: str) -> Task:
    """End the token called `label`."""
    guide = provider.guide()
    return Task(
        title=f"revoke a token at {provider.name} for {record.name}",
        where=guide.where,
        steps=_filled(guide.revoke, record, label=label or UNNAMED, hint=hint),
        why=why,
    )


def trace_task(provider: Provider, record: Record, label: str) -> Task:
    """Find out what became of an earlier attempt."""
    guide = provider.guide()
    return Task(
        title=f"look for the token {label} at {provider.name}",
        where=guide.where,
        steps=(f"look in the list for a token named exactly {label}", "say below what you find"),
        why=f"an earlier step for {record.name} was interrupted here: the token may exist, and nobody knows its value",
    )


def where_of(guide: Guide) -> str:
    """The place, fit for one line."""
    return safe_text(guide.where, one_line=True, limit=200)


def _filled(steps: tuple[str, ...], record: Record, *, label: str, hint: str = "") -> tuple[str, ...]:
    fields = {
        "label": safe_text(label, one_line=True, limit=120),
        "hint": safe_text(hint, one_line=True, limit=60) or "not known",
        "scope": str(record.scope or "not known"),
        "scope_name": safe_text(record.scope_name, one_line=True, limit=120)
        or (record.scope.id if record.scope else "?"),
        "permissions": ", ".join(record.permissions) or "the least that works",
    }
    return tuple(step.format_map(fields) for step in steps)
