"""The second half of a runbook: decisions, commands, clicks, expected results, and verification."""

from collections.abc import Iterator
from datetime import timedelta

from tokenguard.domain.token import ConsumerKind, CredentialKind
from tokenguard.domain.token_fields import STAND_INS
from tokenguard.markdown import block, bullets, code, exact, numbered, plain, table
from tokenguard.ports.provider import ByValue, Method
from tokenguard.report.runbook_facts import RunbookInput, known
from tokenguard.rotation.prompts import create_task, revoke_task

LABEL = "LABEL"
"""Placeholder for the new token's name, which the rotation shows when it asks."""


def decision(matter: RunbookInput) -> Iterator[str]:
    """The section that a reader needs first: which command to run."""
    record = matter.record
    if record.kind is CredentialKind.OAUTH_GRANT:
        yield "## How to revoke it"
        yield "The vendor has the value: there is nothing to rotate here. Revoke the grant at the provider, then:"
        yield block([matter.command("retire", record.name)])
        yield _by_hand(matter, revoke=True)
        return
    yield "## Decide"
    yield _decide(matter)
    yield "**If in doubt, treat it as compromised:** an outage is temporary, a leaked token stays valid."


def action(matter: RunbookInput) -> Iterator[str]:
    """The sections from the preparation to the last step; none for a grant, which the decision ends."""
    record = matter.record
    if record.kind is CredentialKind.OAUTH_GRANT:
        return
    yield "## Before you start"
    yield bullets(_needs(matter))
    yield block([matter.command("doctor"), matter.command("rotate", record.name, "--plan")])
    yield "## Planned rotation"
    yield block([matter.command("rotate", record.name)])
    yield numbered([*_making(matter), *_handing(matter, planned=True), *_revoking(matter), _proving(matter)])
    yield "## Compromised rotation"
    yield block([matter.command("rotate", record.name, "--compromised", "--reason", "WHAT HAPPENED")])
    yield numbered(
        [*_revoking(matter, leaked=True), *_making(matter), *_handing(matter, planned=False), _proving(matter)]
    )
    if matter.can.replaces:
        yield "## New value in place"
        yield "Only if a second token is not possible: consumers fail until each of them has the new value."
        yield block([matter.command("rotate", record.name, "--in-place")])
        yield numbered(_replacing(matter))
    if Method.PERSON in {matter.can.mint, matter.can.revoke}:
        yield "## Where to click"
        yield _by_hand(matter, revoke=matter.can.revoke is Method.PERSON)


def _decide(matter: RunbookInput) -> str:
    name = matter.record.name
    gap = "none: both tokens work until every consumer is confirmed"
    if not matter.can.overlap:
        gap = "**this provider revokes the old token when a new one is created**"
    return table(
        ("What happened", "What to run", "Order", "Outage"),
        [
            (
                "It is due, or its creator or owner leaves",
                code(matter.command("rotate", name)),
                "replace, then revoke",
                gap,
            ),
            (
                "It appeared in code, a log or a chat, was on a lost device, or was used by an unknown party",
                code(matter.command("rotate", name, "--compromised")),
                "revoke, then replace",
                "from the revocation until each consumer has the new one",
            ),
            (
                "It is no longer needed",
                code(matter.command("retire", name)),
                "revoke, nothing new",
                "for remaining consumers",
            ),
        ],
    )


def _needs(matter: RunbookInput) -> Iterator[str]:
    record = matter.record
    if Method.PERSON in {matter.can.mint, matter.can.revoke}:
        yield f"A person with the provider login {known(record.account)}, at a terminal, for about ten minutes."
    if Method.API in {matter.can.mint, matter.can.revoke}:
        yield f"An admin credential of {code(record.provider)} (required to start)."
    yield "Read and write access to the store above. The second command changes nothing: it prints the plan."
    if record.location.adopted:
        place = exact(record.location.adopted)
        yield f"Permission to read and replace {place} (`init --print-policy --adopt LOCATION`)."
    for consumer in record.consumers or ():
        if consumer.kind is ConsumerKind.PERSON:
            yield f"{plain(consumer.target)} reachable, to receive the new value."


def _making(matter: RunbookInput) -> Iterator[str]:
    match matter.can.mint:
        case Method.API:
            yield "tokenguard creates a token at the provider, under a new name that is recorded first."
        case Method.PERSON:
            yield (
                f"You create a token at the provider (see *Where to click*) under exactly the name shown as "
                f"{code(LABEL)}, and paste its value at the hidden prompt. Nothing is shown while you paste."
            )
        case Method.NEVER:
            yield "This provider issues no new tokens: the rotation ends here."
    checks = "that it is alive" if matter.can.probe else "only its format, since this provider cannot verify tokens"
    scope = " and that it has the scope above" if matter.can.verifies_scope else ""
    yield f"The value is stored and read back; then it is checked: {checks}{scope}. A wrong one is refused."


def _handing(matter: RunbookInput, *, planned: bool) -> Iterator[str]:
    if matter.record.consumers is None:
        stops = "the rotation stops here (exit 3) until they are" if planned else "inform possible users now"
        yield f"Consumers are not declared: {stops}."
        return
    for consumer in matter.record.consumers:
        who = "You hand the value to" if consumer.kind is ConsumerKind.PERSON else "tokenguard delivers to"
        yield f"{who} {exact(consumer.shown)}; it counts only once confirmed."


def _revoking(matter: RunbookInput, *, leaked: bool = False) -> Iterator[str]:
    yield (
        "The decision to revoke is recorded. From here on use `--resume`; `--abort` is refused unless the old token is "
        "shown to work."
    )
    if matter.can.revokes(matter.record):
        how = "its value" if matter.can.by_value is ByValue.ALWAYS else "its id"
        yield f"tokenguard revokes the old token at the provider by {how}."
    elif leaked and matter.can.by_value is ByValue.LEAKED:
        yield (
            "tokenguard shows the old token to the provider, which revokes it for good and may tell its owner; if the "
            "provider refuses, you revoke it (see *Where to click*)."
        )
    else:
        yield "You revoke the old token at the provider (see *Where to click*) and confirm; tokenguard verifies it."


def _replacing(matter: RunbookInput) -> Iterator[str]:
    yield "The decision is recorded. From here on only `--resume` is possible, not `--abort`."
    yield "The provider gives the token a new value and invalidates the old one. The token stays: do not revoke it."
    yield "If the answer is lost, neither value can be used until `--resume` gets another one."
    yield from _handing(matter, planned=False)
    yield _proving(matter, "value")


def _proving(matter: RunbookInput, unit: str = "token") -> str:
    window = matter.can.death_window
    if not matter.can.probe:
        return "This provider cannot verify tokens: the revocation stays asserted by you, and the exit code stays 5."
    return (
        f"The old {unit} must be refused {window.samples} times over {_span(window.length)}, while a live token is "
        "accepted. Only then is it proven dead; timeouts and error pages prove nothing."
    )


def _by_hand(matter: RunbookInput, *, revoke: bool) -> str:
    record, provider = matter.record, matter.provider
    parts = [f"At {exact(provider.guide().where)}:"]
    if matter.can.mint is Method.PERSON and record.kind.has_value:
        parts += ["**Create**", numbered(map(plain, create_task(provider, record, LABEL).steps))]
    if revoke:
        task = revoke_task(provider, record, label=record.label, hint=record.hint, why="")
        parts += ["**Revoke**", numbered(map(plain, task.steps))]
        parts += ["Revoke only that token: compare name and hint before you click."]
    return "\n\n".join(parts)


def closing_sections(matter: RunbookInput) -> Iterator[str]:
    """The sections from the exit code to the contacts."""
    record, name = matter.record, matter.record.name
    resume = code(matter.command("rotate", name, "--resume"))
    again = code(f"tokenguard rotate {name} --resume")
    yield "## Exit codes"
    yield table(
        ("Exit", "Meaning", "Do"),
        [
            ("0", "done, and the old token was proven dead", "verify it, see below"),
            ("2", "invalid input or configuration; nothing was changed", "read the `hint:` line"),
            ("3", "stopped before the revocation; both tokens work", f"{again}, or `--abort` instead of `--resume`"),
            ("4", "store or provider unreachable, or gave no clear answer", f"wait, then {again}"),
            (
                "5",
                "**revocation has started but is not proven: assume the token still works**",
                f"{again} until it exits 0",
            ),
            ("6", "the store was tampered with or is damaged", "stop; run `tokenguard audit verify`; call the owner"),
            ("130", "Ctrl-C; nothing is lost", again),
        ],
    )
    yield "## Verification"
    yield block(
        matter.command(*words)
        for words in (("verify", name), ("show", name), ("audit", "log", name), ("audit", "verify"))
    )
    yield bullets(_proofs(matter))
    yield "## When it stops"
    yield bullets(
        [
            f"After any interruption (crash, network, Ctrl-C): {resume}, on any machine with access to the store.",
            "A wrong token (another scope, half a token, or the old one) is refused, and you are asked again.",
            "If you do not know whether a token was created, say so when asked: its name is recorded.",
            "If a consumer could not be reached, repair it, then resume. A planned rotation has revoked nothing yet.",
            "Revoke only the tokens that tokenguard names, and paste a token only at its prompt.",
        ]
    )
    yield "## Contacts"
    yield bullets(
        [
            f"Owner: {known(record.owner)}",
            *(f"{each.label.capitalize()}: {known(each.of(record))}" for each in STAND_INS),
            f"Created by: {known(record.made_by)}",
            *(f"User: {plain(c.target)}" for c in record.consumers or () if c.kind is ConsumerKind.PERSON),
        ]
    )


def _proofs(matter: RunbookInput) -> Iterator[str]:
    yield "`verify` exits 0: the new token works and has the right scope."
    yield "`show` prints the proof that the old token is dead: `provisional` for now."
    if matter.can.probe:
        later = _span(matter.can.confirm_after)
        yield f"After {later}, `verify` rechecks the old token; the proof is then `confirmed`."
    yield "`audit log` shows intent and outcome of every step; `audit verify` exits 0: the log is unchanged."


def _span(length: timedelta) -> str:
    """A time span in the largest unit that fits."""
    seconds = length.total_seconds()
    for unit, size in (("hours", 3600), ("minutes", 60)):
        if seconds > size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} seconds"
