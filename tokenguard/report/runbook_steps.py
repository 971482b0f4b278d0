"""The second half of a runbook: what to decide, type, click and expect, and how to prove that it is over."""

from collections.abc import Iterator
from datetime import timedelta

from tokenguard.domain.token import ConsumerKind, CredentialKind
from tokenguard.markdown import block, bullets, code, exact, numbered, plain, table
from tokenguard.ports.provider import Method
from tokenguard.report.runbook_facts import Matter, known
from tokenguard.rotation.prompts import create_task, revoke_task

LABEL = "LABEL"
"""Stands for the name that the new token must get; the rotation shows it when it asks."""


def action(matter: Matter) -> Iterator[str]:
    """The sections from the decision to the last click."""
    record = matter.record
    if record.kind is CredentialKind.OAUTH_GRANT:
        yield "## How to end it"
        yield "The vendor holds the value: there is nothing to rotate here. End the grant at the provider, then:"
        yield block([matter.command("retire", record.name)])
        yield _by_hand(matter, revoke=True)
        return
    yield "## Decide"
    yield _decide(matter)
    yield "**In doubt it is compromised:** an outage ends, a leaked token does not."
    yield "## Before you start"
    yield bullets(_needs(matter))
    yield block([matter.command("doctor"), matter.command("rotate", record.name, "--plan")])
    yield "## Planned rotation"
    yield block([matter.command("rotate", record.name)])
    yield numbered([*_making(matter), *_handing(matter, planned=True), *_revoking(matter), _proving(matter)])
    yield "## Compromised rotation"
    yield block([matter.command("rotate", record.name, "--compromised", "--reason", "WHAT HAPPENED")])
    yield numbered([*_revoking(matter), *_making(matter), *_handing(matter, planned=False), _proving(matter)])
    if Method.PERSON in {matter.can.mint, matter.can.revoke}:
        yield "## Where to click"
        yield _by_hand(matter, revoke=matter.can.revoke is Method.PERSON)


def _decide(matter: Matter) -> str:
    name = matter.record.name
    gap = "none: both tokens work until every consumer is confirmed"
    if not matter.can.overlap:
        gap = "**this provider ends the old token when a new one is made**"
    return table(
        ("What happened", "What to run", "Order", "Outage"),
        [
            ("It is due, or its maker or owner leaves", code(f"tokenguard rotate {name}"), "replace, then revoke", gap),
            (
                "It was seen in code, a log, a chat, a lost device, or used by a stranger",
                code(f"tokenguard rotate {name} --compromised"),
                "revoke, then replace",
                "from the revoke until each consumer has the new one",
            ),
            (
                "Nobody needs it any more",
                code(f"tokenguard retire {name}"),
                "revoke, nothing new",
                "for whoever still uses it",
            ),
        ],
    )


def _needs(matter: Matter) -> Iterator[str]:
    record = matter.record
    if Method.PERSON in {matter.can.mint, matter.can.revoke}:
        yield f"A person with the provider login {known(record.account)}, at a terminal, for about ten minutes."
    if Method.API in {matter.can.mint, matter.can.revoke}:
        yield f"An admin credential of {code(record.provider)} (without one nothing is begun)."
    yield "Read and write access to the store above. The second command changes nothing: it prints the plan."
    if record.location.adopted:
        yield f"Leave to read and replace {exact(record.location.adopted)} (`init --print-policy --adopt …`)."
    for consumer in record.consumers or ():
        if consumer.kind is ConsumerKind.PERSON:
            yield f"{plain(consumer.target)} within reach, to take the new value."


def _making(matter: Matter) -> Iterator[str]:
    match matter.can.mint:
        case Method.API:
            yield "tokenguard has the provider create a token under a fresh name that is on record before it exists."
        case Method.PERSON:
            yield (
                f"You create a token at the provider (see *Where to click*) under exactly the name shown as "
                f"{code(LABEL)}, and paste its value at the hidden prompt. Nothing is shown while you paste."
            )
        case Method.NEVER:
            yield "This provider gives no new tokens: the rotation ends here."
    checks = "that it is alive" if matter.can.probe else "only its form, since this provider cannot be asked"
    scope = " and leads to the scope above" if matter.can.verifies_scope else ""
    yield f"The value is stored and read back; then it is checked: {checks}{scope}. A wrong one is refused and named."


def _handing(matter: Matter, *, planned: bool) -> Iterator[str]:
    if matter.record.consumers is None:
        stops = "the rotation stops here (exit 3) until they are" if planned else "tell whoever may use it, now"
        yield f"Consumers are not declared: {stops}."
        return
    for consumer in matter.record.consumers:
        who = "You hand the value to" if consumer.kind is ConsumerKind.PERSON else "tokenguard delivers to"
        yield f"{who} {exact(consumer.shown)}; it counts only when it is confirmed."


def _revoking(matter: Matter) -> Iterator[str]:
    yield "The decision to revoke is put on record. From here on there is no `--abort`, only `--resume`."
    if matter.can.revoke is Method.API:
        yield "tokenguard has the provider revoke the old token by its id."
    else:
        yield "You revoke the old token at the provider (see *Where to click*) and say so; your word is then tested."


def _proving(matter: Matter) -> str:
    window = matter.can.death_window
    if not matter.can.probe:
        return "This provider cannot be asked: the old token's end stays your word, and the exit code stays 5."
    return (
        f"The old token must be refused {window.samples} times over {_span(window.length)}, while a live one is "
        "accepted. Only then is it proven dead; a time-out or an error page proves nothing."
    )


def _by_hand(matter: Matter, *, revoke: bool) -> str:
    record, provider = matter.record, matter.provider
    parts = [f"At {exact(provider.guide().where)}:"]
    if matter.can.mint is Method.PERSON and record.kind.has_value:
        parts += ["**Create**", numbered(map(plain, create_task(provider, record, LABEL).steps))]
    if revoke:
        task = revoke_task(provider, record, label=record.label, hint=record.hint, why="")
        parts += ["**Revoke**", numbered(map(plain, task.steps))]
        parts += ["Revoke that one token and no other: compare name and hint before you click."]
    return "\n\n".join(parts)


def afterwards(matter: Matter) -> Iterator[str]:
    """The sections from the exit code to the contacts."""
    record, name = matter.record, matter.record.name
    resume = code(matter.command("rotate", name, "--resume"))
    again = code(f"tokenguard rotate {name} --resume")
    yield "## What the exit code says"
    yield table(
        ("Exit", "It means", "Do"),
        [
            ("0", "done, and the old token was proven dead", "prove it, below"),
            ("2", "something typed or configured is not acceptable; nothing was changed", "read the `hint:` line"),
            ("3", "stopped before the revoke; both tokens work", f"{again}, or `--abort` in its place"),
            ("4", "store or provider unreachable, or gave no clear answer", f"wait, then {again}"),
            (
                "5",
                "**the old token is to die and is not proven dead: treat it as alive**",
                f"{again} until it exits 0",
            ),
            ("6", "the store was changed by somebody else", "stop; `tokenguard audit verify`; call the owner"),
            ("130", "Ctrl-C; nothing is lost", again),
        ],
    )
    yield "## How to prove it is over"
    yield block(
        matter.command(*words)
        for words in (("verify", name), ("show", name), ("audit", "log", name), ("audit", "verify"))
    )
    yield bullets(_proofs(matter))
    yield "## When it stops"
    yield bullets(
        [
            f"Whatever stopped it (crash, power, network, Ctrl-C): {resume}, from any machine that reaches the store.",
            "A token of the wrong scope, half a token, the old one again: it is refused, and you are asked anew.",
            "You do not know whether a token was created: say so when asked; the name on record finds or rules it out.",
            "A consumer could not be reached: repair it, then resume. A planned rotation has revoked nothing yet.",
            "Never revoke by hand what the tool did not ask for, and never paste a token anywhere but at its prompt.",
        ]
    )
    yield "## Contacts"
    yield bullets(
        [
            f"Owner: {known(record.owner)}",
            f"Deputy: {known(record.deputy)}",
            f"Made by: {known(record.made_by)}",
            *(f"User: {plain(c.target)}" for c in record.consumers or () if c.kind is ConsumerKind.PERSON),
        ]
    )


def _proofs(matter: Matter) -> Iterator[str]:
    yield "`verify` exits 0: the new token is alive and leads where it should."
    yield "`show` names the proof of the old one's death: `provisional` now."
    if matter.can.probe:
        later = _span(matter.can.confirm_after)
        yield f"After {later}, `verify` looks at the old token once more; from then on the proof is `confirmed`."
    yield "`audit log` shows intent and outcome of every step; `audit verify` exits 0: nobody changed that story."


def _span(length: timedelta) -> str:
    """A time span in the largest unit that fits."""
    seconds = length.total_seconds()
    for unit, size in (("hours", 3600), ("minutes", 60)):
        if seconds > size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} seconds"
