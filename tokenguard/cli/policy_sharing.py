"""`policy publish` and `policy pull`: one policy for everybody who uses a store."""

from pathlib import Path

import click

from tokenguard.cli.base import command, pass_wiring
from tokenguard.domain.event import Event, Op
from tokenguard.errors import InputError
from tokenguard.policy.expression import compiled
from tokenguard.policy.loader import read_policy
from tokenguard.ports.shared_item import Item, share_detail, shared_items_of
from tokenguard.shell import organisation_policy
from tokenguard.shell.wiring import Wiring
from tokenguard.text import counted


@command("publish")
@click.argument("file", type=click.Path(path_type=Path))
@pass_wiring
def publish(wiring: Wiring, file: Path) -> None:
    """Put the policy in FILE into the store, with its layers and waivers in one, for `policy pull` everywhere.

    Whoever may write to the store may publish; its audit trail says who did, and when. Nobody's machine takes it by
    itself.
    """
    policy = read_policy(file, compiled)
    items, now, actor = shared_items_of(wiring.store), wiring.clock.now(), wiring.store.actor()
    there = items.read(Item.POLICY)
    before = organisation_policy.read_published(there.data) if there else None
    data = organisation_policy.published(policy, before, at=now, by=actor.id)
    made = organisation_policy.read_published(data)
    detail = {**share_detail(Item.POLICY, data), "version": made.version}
    event = Event(at=now, op=Op.SHARE, actor=actor, detail=detail)
    items.write(Item.POLICY, data, there.revision if there else "", [event])
    _report(wiring, made, "published")


@command("pull")
@click.option("--forget", is_flag=True, help="Do without the organisation's policy again.")
@pass_wiring
def pull(wiring: Wiring, *, forget: bool) -> None:
    """Take the policy over that was published to the store: it is in force here until the next pull.

    The hook and every command use it, without the store too. An older one than was pulled before is refused.
    """
    if forget:
        there = organisation_policy.forget()
        if wiring.screen.as_json:
            wiring.screen.document({"forgotten": there})
        else:
            wiring.screen.line("the organisation's policy is no longer in force here" if there else "there was none")
        return
    found = shared_items_of(wiring.store).read(Item.POLICY)
    if found is None:
        raise InputError("no policy was published to the store", hint="tokenguard policy publish FILE")
    _report(wiring, organisation_policy.keep(found.data), "in force")


def _report(wiring: Wiring, found: organisation_policy.Published, state: str) -> None:
    policy = found.read()
    facts = {
        "policy": policy.name,
        "version": found.version,
        "published": found.published,
        "published_by": found.published_by,
        "rules": len(policy.rules),
        "waivers": len(policy.waivers),
    }
    if wiring.screen.as_json:
        wiring.screen.document(facts)
    else:
        when = f"{found.published[:10]} by {found.published_by}"
        counts = f"{counted(len(policy.rules), 'rule')}, {counted(len(policy.waivers), 'waiver')}"
        wiring.screen.line(f"{state}: {policy.name}, version {found.version} of {when}: {counts}")
