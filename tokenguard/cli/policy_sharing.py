"""`policy publish` and `policy pull`: share one policy among all users of a store."""

from pathlib import Path

import click

from tokenguard.cli.base import PATH, command, pass_wiring
from tokenguard.domain.event import Event, Op
from tokenguard.errors import InputError
from tokenguard.policy.expression import compiled
from tokenguard.policy.loader import read_policy
from tokenguard.ports.shared_item import Item, share_detail, shared_items_of
from tokenguard.shell import organisation_policy
from tokenguard.shell.wiring import Wiring
from tokenguard.text import pluralize


@command("publish")
@click.argument("file", type=PATH)
@pass_wiring
def publish(wiring: Wiring, file: Path) -> None:
    """Publish the policy in FILE in the store, with its layers and waivers merged, for `policy pull`.

    Every user with write access to the store may publish; the audit trail records who and when. Machines use it only
    after `policy pull`.
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
@click.option("--forget", is_flag=True, help="Stop using the organisation's policy.")
@pass_wiring
def pull(wiring: Wiring, *, forget: bool) -> None:
    """Use the policy that is published in the store; it stays in effect here until the next pull.

    The hook and every command use it, also offline. An older version than the last one pulled is refused.
    """
    if forget:
        there = organisation_policy.forget()
        if wiring.screen.as_json:
            wiring.screen.document({"forgotten": there})
        else:
            wiring.screen.line("the organisation's policy is no longer in effect here" if there else "there was none")
        return
    found = shared_items_of(wiring.store).read(Item.POLICY)
    if found is None:
        raise InputError("no policy is published in the store", hint="tokenguard policy publish FILE")
    _report(wiring, organisation_policy.keep(found.data), "in effect")


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
        counts = f"{pluralize(len(policy.rules), 'rule')}, {pluralize(len(policy.waivers), 'waiver')}"
        wiring.screen.line(f"{state}: {policy.name}, version {found.version} of {when}: {counts}")
