"""`store restore FILE`: restores a local store from a verified backup, with a new identity."""

from pathlib import Path

import click

from tokenguard.cli.base import PATH_TEXT, command, pass_wiring
from tokenguard.errors import InputError, NeedsPerson
from tokenguard.files import expanded, shown
from tokenguard.shell.local_store import check_restorable, restore_local
from tokenguard.shell.wiring import Wiring
from tokenguard.text import pluralize
from tokenguard.usecases.confirm import confirm


@command("restore")
@click.argument("file", metavar="FILE", type=PATH_TEXT, required=False)
@click.option("--in-place", is_flag=True, help="Accept a copy that you placed in the store's directory yourself.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@pass_wiring
def restore(wiring: Wiring, *, file: str | None, in_place: bool, yes: bool) -> None:
    """Restore the store from FILE, written by `store backup`.

    FILE is verified completely first. It opens with the keys that the store had at the time of the backup. The current
    store files are moved to `replaced-TIME` in the store's directory. The restored store gets a new identity, so that
    this machine does not take it for a rollback, and its audit trail records the restore.

    Changes after the backup are lost: verify the tokens with `tokenguard verify --all` afterwards.
    """
    if bool(file) == in_place:
        raise InputError("name one backup, or give --in-place", hint="tokenguard store restore FILE")
    directory, backup = wiring.local_directory, expanded(file).absolute() if file else None
    if backup is not None:
        check_restorable(directory, backup)
    if not yes:
        _confirm(wiring, directory, backup)
    wiring.unfinished = "it is not certain whether the store was restored: run the same command again"
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
    wiring.screen.line(f"restored: {pluralize(tokens, 'token')}, store id {store.store_id}")
    if done.kept is not None:
        wiring.screen.line(f"previous files: {shown(done.kept)}")
    wiring.screen.line("next: tokenguard verify --all")


def _confirm(wiring: Wiring, directory: Path, backup: Path | None) -> None:
    if wiring.tty is None:
        raise NeedsPerson("not a terminal: restoring a store must be confirmed", hint="give --yes")
    store = f"the store in {shown(directory)}"
    what = (
        f"The copy in {shown(directory)} becomes the store" if backup is None else f"{shown(backup)} replaces {store}"
    )
    wiring.tty.show(f"{what}. Changes since the backup are lost.")
    confirm(wiring.tty, "restore the store", undone="changed")
