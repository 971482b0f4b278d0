"""Manual tasks at a provider: the provider's guide, filled in for one token. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime

from tokenguard.domain.journal import Mode
from tokenguard.domain.liveness import DeathControl, DeathProof
from tokenguard.domain.token import Consumer, Record
from tokenguard.ports.operator import Task
from tokenguard.ports.provider import Method, Provider
from tokenguard.text import pluralize, safe_text

_CONTROLS = {
    DeathControl.NONE: "with no control",
    DeathControl.TOKEN: "while a live one was accepted",
    DeathControl.ADMIN: "while the admin credential was accepted",
}


def evidence_words(proof: DeathProof) -> str:
    """Describe the evidence of a proof of death."""
    if proof.controlled_by is DeathControl.LIST:
        return "it is missing from the provider's complete list"
    return f"refused {pluralize(proof.samples, 'time')}, {_CONTROLS[proof.controlled_by]}"


def create_task(provider: Provider, record: Record, label: str) -> Task:
    """Return the task to create a token named `label`."""
    guide = provider.guide()
    return Task(
        title=f"create a token at {provider.name} for {record.name}",
        where=_where(provider),
        steps=_filled(guide.create, record, label=label),
        why=f"the name {label} identifies the token; if you stop here, tokenguard finds the token by this name",
    )


def copy_task(provider: Provider, record: Record, label: str) -> Task:
    """Return the task to take over the value of the token `label`, which is created and still shown."""
    return Task(
        title=f"copy the token {label} at {provider.name} for {record.name}",
        where=provider.guide().where,
        steps=("copy the value that is on screen; do not create another token",),
        why="the token exists already: two tokens of one name could not be distinguished",
    )


def revoke_task(
    provider: Provider,
    record: Record,
    *,
    label: str,
    hint: str = "",
    keep: str = "",
    made_at: datetime | None = None,
    login: str = "",
    why: str,
) -> Task:
    """Return the task to revoke the token `label`, created at `made_at` if known; `keep` names the one to keep.

    `login` is the one it was created with, if a person would look for it under another.
    """
    guide = provider.guide()
    steps = [*_filled(guide.revoke, record, label=label, hint=hint)]
    named = safe_text(label, one_line=True, limit=120)
    if label and not any(named in step for step in steps):  # a provider file may have no words for it
        ending = safe_text(hint, one_line=True, limit=60)
        steps.insert(0, f"revoke the token named {named}" + (f" ({ending})" if ending else ""))
    if not label:
        made = f"; it was created on {made_at:%Y-%m-%d}" if made_at else ""
        steps.insert(
            0, f"the token's name is not on record{made}: make sure that you have the right token before you revoke it"
        )
    if login:
        steps.insert(0, f"the token was created with the login {safe_text(login, one_line=True, limit=120)}")
    if keep and provider.capabilities.mint is Method.PERSON:
        made = f": look for one created on {made_at:%Y-%m-%d}" if made_at else ""
        steps += [
            f"if no token has that name, it was typed differently when it was created{made}",
            f"do not revoke the one named {safe_text(keep, one_line=True, limit=120)}: it is the new token",
        ]
    return Task(
        title=f"revoke a token at {provider.name} for {record.name}",
        where=_where(provider),
        steps=tuple(steps),
        why=why,
    )


def grant_task(provider: Provider, record: Record) -> Task:
    """Return the task to end a grant, which has no value: an account's access for an application."""
    account = safe_text(record.account or "the account that granted it", one_line=True, limit=120)
    return Task(
        title=f"remove the access of {record.name} at {provider.name}",
        where=f"the connected applications of {account} at {provider.name}",
        steps=(
            f"sign in as {account} and open the list of connected applications or integrations",
            f"remove {safe_text(record.label or record.purpose or record.name, one_line=True, limit=120)}",
        ),
        why="the vendor holds this access: there is no value to revoke",
    )


def delivery_task(record: Record, consumer: Consumer, mode: Mode) -> Task:
    """Return the task to deliver the new value to a person, in an operation of this mode."""
    ended = mode in {Mode.IN_PLACE, Mode.COMPROMISED}
    return Task(
        title=f"deliver the new {mode.unit} of {record.name} to {consumer.target}",
        where=consumer.target,
        steps=(
            f"give {consumer.target} the new value, for example with `tokenguard show {record.name} --reveal`",
            "make sure that the new value is in use there, and that the old one is not",
        ),
        why=f"the old {mode.unit} is revoked, or about to be: consumers fail until they use the new one"
        if ended
        else "the old token is revoked after this: consumers that still use it will fail",
    )


def trace_task(provider: Provider, record: Record, label: str) -> Task:
    """Return the task to find out the outcome of an interrupted attempt."""
    steps = [f"look in the list for every token named exactly {label}", "answer below with what you find"]
    if provider.capabilities.mint is Method.PERSON:
        steps.insert(1, "a token just created under a mistyped name counts as that token")
    return Task(
        title=f"look for the token {label} at {provider.name}",
        where=_where(provider),
        steps=tuple(steps),
        why=f"a previous run for {record.name} stopped here: a token may have been created without being saved",
    )


def _where(provider: Provider) -> str:
    """Return the place that the guide names; without one the provider's address."""
    return provider.guide().where or provider.base_url or provider.name


def _filled(steps: tuple[str, ...], record: Record, *, label: str, hint: str = "") -> tuple[str, ...]:
    fields = {
        "label": safe_text(label, one_line=True, limit=120),
        "hint": safe_text(hint, one_line=True, limit=60),
        "scope": str(record.scope or ""),
        "scope_name": safe_text(record.scope_name, one_line=True, limit=120),
        "permissions": ", ".join(record.permissions) or "as few as possible",
    }
    by_id = fields | {"scope_name": fields["scope_name"] or (record.scope.id if record.scope else "")}
    return tuple(_step(step, fields if "{scope}" in step else by_id) for step in steps)


def _step(step: str, fields: Mapping[str, str]) -> str:
    """One step, without the parts whose facts are not on record."""
    for name in (name for name, text in fields.items() if not text):
        step = re.sub(rf" ?\([^()]*\{{{name}\}}[^()]*\)", "", step)
        step = re.sub(rf"(?: (?:named|called|for|in|of))? ?\{{{name}\}}", "", step)
    return step.format_map(fields)
