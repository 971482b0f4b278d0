"""`store slots|add-slot|remove-slot|rekey`: manage the keys of a local store."""

from datetime import datetime
from pathlib import Path

import click

from tokenguard.cli.base import PATH_TEXT, command, pass_wiring
from tokenguard.domain.event import Op
from tokenguard.errors import InputError, NeedsPerson
from tokenguard.inventory.views import moment
from tokenguard.ports.store import identity_of
from tokenguard.shell.local_store import LocalStore, SlotInfo, SlotKey, SlotKind, key_sources, open_local
from tokenguard.shell.recovery_code import RecoveryCodeHandover
from tokenguard.shell.unlock import new_passphrase, read_key_file, read_passphrase_file, strong
from tokenguard.shell.wiring import Wiring

_WORDS = {
    SlotKind.KEY_FILE: "a key file",
    SlotKind.PASSPHRASE: "a passphrase",
    SlotKind.KEYRING: "the OS keyring",
    SlotKind.RECOVERY: "a recovery code",
}


@command("slots")
@pass_wiring
def slots(wiring: Wiring) -> None:
    """List the key slots that open the store, and when each was added. Keys cannot be read back."""
    store = _open(wiring)
    found, added = store.slots(), _added(store)
    if wiring.screen.as_json:
        wiring.screen.document(
            {
                "slots": [
                    {"id": slot.id, "kind": slot.kind, "added_at": moment(added.get(slot.id)),
                     "person": _person(wiring, slot)}
                    for slot in found
                ]
            }
        )  # fmt: skip
    else:
        rows = [(slot.id, _WORDS[slot.kind], _day(added.get(slot.id)), _person(wiring, slot)) for slot in found]
        known = any(person for *_, person in rows)
        wiring.screen.table(("slot", "opens with", "added", "person")[: 3 + known], [row[: 3 + known] for row in rows])


def _person(wiring: Wiring, slot: SlotInfo) -> str:
    """Whose key opens it, by the file of people."""
    found = wiring.people.find(f"slot:{slot.id}")
    return found.name if found is not None else ""


@command("add-slot")
@click.option("--key-file", metavar="FILE", type=PATH_TEXT, help="A private file with the key: base64 of 32 bytes.")
@click.option(
    "--passphrase-file", metavar="FILE", type=PATH_TEXT, help="A private file with the passphrase in one line."
)
@click.option("--passphrase", is_flag=True, help="A passphrase, prompted for.")
@click.option("--recovery", is_flag=True, help="A new recovery code, shown on the terminal once.")
@click.option(
    "--recovery-file", metavar="FILE", type=PATH_TEXT, help="A new recovery code, written to a new private file."
)
@pass_wiring
def add(
    wiring: Wiring, *, key_file: str | None, passphrase_file: str | None, passphrase: bool, recovery: bool,
    recovery_file: str | None,
) -> None:  # fmt: skip
    """Add a key slot that opens the store; give exactly one of the options."""
    if sum(map(bool, (key_file, passphrase_file, passphrase, recovery, recovery_file))) != 1:
        raise InputError("give exactly one kind of key", hint="`tokenguard store add-slot --help` lists them")
    if recovery or recovery_file:
        with RecoveryCodeHandover(recovery_file, wiring.tty) as handover:
            slot = _open(wiring).add_slot(SlotKey.recovery(handover.code))
            remove = f"`tokenguard store remove-slot {slot.id}` removes it"
            wiring.unfinished = f"the slot of the new recovery code is {slot.id}; {remove}"
            handover.give()
    else:
        slot = _open(wiring).add_slot(_key(wiring, key_file, passphrase_file))
    _tell(wiring, "added", slot)


@command("remove-slot")
@click.argument("slot", metavar="SLOT")
@pass_wiring
def remove(wiring: Wiring, slot: str) -> None:
    """Remove the key slot SLOT. If the key or a copy of the store may have leaked, also run `store rekey`.

    The slot of the key in use is not removed: open the store with another key, which shows that the other key works.
    """
    store = _open(wiring)
    known = {each.id: each for each in store.slots()}
    if slot not in known:
        raise InputError("unknown key slot", hint="`tokenguard store slots` lists them")
    if len(known) > 1 and identity_of(store).id == f"slot:{slot}":
        raise InputError(
            "this slot belongs to the key that opened the store: without it you would be locked out",
            hint="give another key of the store (TOKENGUARD_KEY_FILE, for example), and run the same command again",
        )
    store.remove_slot(slot)
    _tell(wiring, "removed", known[slot])


@command("rekey")
@click.option(
    "--recovery-file",
    metavar="FILE",
    type=PATH_TEXT,
    help="Write the new recovery code to this file, instead of the terminal.",
)
@pass_wiring
def rekey(wiring: Wiring, recovery_file: str | None) -> None:
    """Re-encrypt everything under a new data key, after a key or a copy of the store may have leaked.

    The key in use is kept; all other slots are removed, and the recovery code is replaced. Earlier backups still open
    with the old keys: destroy them.
    """
    store = _open(wiring)
    key = key_sources(wiring.environ, wiring.ask_hidden).unlock(store.slots())
    wiring.unfinished = "the store may have a new data key and one key slot: run the same command again"
    if recovery_file is None and wiring.tty is None:
        done, fresh = store.rekey([key]), False
    else:
        with RecoveryCodeHandover(
            recovery_file, wiring.tty, done="the store is re-encrypted under a new key"
        ) as handover:
            done, fresh = store.rekey([key]), True
            store.add_slot(SlotKey.recovery(handover.code))
            wiring.unfinished = handover.unfinished
            handover.give()
            wiring.unfinished = handover.unfinished
    if wiring.screen.as_json:
        kept, dropped = ([{"id": slot.id, "kind": slot.kind} for slot in each] for each in (done.kept, done.dropped))
        wiring.screen.document({"kept": kept, "dropped": dropped, "new_recovery_code": fresh})
        return
    wiring.screen.line("re-encrypted under a new key")
    for slot in done.dropped:
        wiring.screen.line(f"removed: slot {slot.id} ({_WORDS[slot.kind]})")
    if not fresh:
        wiring.progress.note(
            "there is no recovery code now; create one: tokenguard store add-slot --recovery-file FILE"
        )


def _added(store: LocalStore) -> dict[str, datetime]:
    """When each slot was added, by the audit trail."""
    events = (entry.event for entry in store.history(None))
    return {
        str(event.detail["slot"]): event.at
        for event in events
        if event.op is Op.KEY_SLOT and event.detail.get("result") == "added"
    }


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "unknown"


def _open(wiring: Wiring) -> LocalStore:
    return open_local(wiring.local_directory, wiring.environ, wiring.clock, wiring.ask_hidden)


def _key(wiring: Wiring, key_file: str | None, passphrase_file: str | None) -> SlotKey:
    if key_file:
        return SlotKey.key_file(read_key_file(Path(key_file)))
    if passphrase_file:
        return SlotKey.passphrase(strong(read_passphrase_file(Path(passphrase_file))))
    ask = wiring.ask_hidden
    if ask is None:
        raise NeedsPerson(
            "not a terminal: a passphrase cannot be prompted for",
            hint="run it in a terminal, or give --passphrase-file FILE",
        )
    return SlotKey.passphrase(new_passphrase(lambda prompt: ask(f"{prompt} (it stays hidden): ")))


def _tell(wiring: Wiring, what: str, slot: SlotInfo) -> None:
    if wiring.screen.as_json:
        wiring.screen.document({what: {"id": slot.id, "kind": slot.kind}})
    else:
        wiring.screen.line(f"{what}: slot {slot.id} ({_WORDS[slot.kind]})")
