"""`store restore FILE`: a backup in the place of a local store, checked, and with an identity of its own."""

from pathlib import Path

import click

from tokenguard.cli.base import command, pass_wiring
from tokenguard.errors import InputError, NeedsPerson
from tokenguard.files import shown
from tokenguard.shell.confirm import confirm
from tokenguard.shell.local_store import restore_local
from tokenguard.shell.wiring import Wiring
from tokenguard.text import counted


@command("restore")
@click.argument("file", metavar="FILE", required=False)
@click.option("--in-place", is_flag=True, help="Accept the copy that you put into the store's directory yourself.")
@click.option("--yes", is_flag=True, help="Do not ask before.")
@pass_wiring
def restore(wiring: Wiring, *, file: str | None, in_place: bool, yes: bool) -> None:
    """Put FILE, which `store backup` made, in the place of the store.

    All of FILE is checked first. It opens with the keys that the store had when the backup was made. What is in the
    store's place now is moved to a directory beside it. The restored store gets an identity of its own, so that this
    machine takes it for a new store and not for an older state of the one before, and its audit trail says so.

    What was done after the backup is not in it: check the tokens with `tokenguard verify --all` afterwards.
    """
    if bool(file) == in_place:
        raise InputError("name one backup, or give --in-place", hint="tokenguard store restore FILE")
    directory, backup = wiring.local_directory, Path(file).expanduser().absolute() if file else None
    if not yes:
        _confirm(wiring, directory, backup)
    store, done = restore_local(directory, backup, wiring.environ, wiring.clock, wiring.ask_hidden)
    tokens = sum(1 for _ in store.scan())
    store.close()
    if wiring.screen.as_json:
        wiring.screen.document(
            {
                "restored": str(backup) if backup else None,
                "store_id": store.store_id,
                "earlier_store_id": done.earlier,
                "kept": str(done.kept) if done.kept else None,
                "tokens": tokens,
            }
        )
        return
    wiring.screen.line(f"restored: {counted(tokens, 'token')}, store id {store.store_id}")
    if done.kept is not None:
        wiring.screen.line(f"the files that were there: {shown(done.kept)}")
    wiring.screen.line("next: tokenguard verify --all")


def _confirm(wiring: Wiring, directory: Path, backup: Path | None) -> None:
    if wiring.tty is None:
        raise NeedsPerson("restoring a store is confirmed on a terminal", hint="give --yes")
    what = "the copy that is there is accepted" if backup is None else f"{shown(backup)} takes its place"
    wiring.tty.show(f"The store in {shown(directory)}: {what}. What was done since the backup is not in it.")
    confirm(wiring.tty, "restore it", undone="changed")
