"""`store backup FILE`: writes a verified copy of a local store, encrypted with the same keys."""

import click

from tokenguard.cli.base import PATH_TEXT, command, pass_wiring
from tokenguard.files import expanded, shown
from tokenguard.shell.local_store import open_local
from tokenguard.shell.wiring import Wiring


@command("backup")
@click.argument("file", metavar="FILE", type=PATH_TEXT)
@pass_wiring
def backup(wiring: Wiring, file: str) -> None:
    """Copy the store to the new FILE. The copy opens with the same keys; store it separately from them.

    `tokenguard store restore FILE` restores it.
    """
    place = expanded(file).absolute()
    store = open_local(wiring.local_directory, wiring.environ, wiring.clock, wiring.ask_hidden)
    store.backup(place)
    wiring.unfinished = f"the copy {shown(place)} is complete; nothing is left to do"
    if wiring.screen.as_json:
        wiring.screen.document({"backup": str(place), "store_id": store.store_id})
    else:
        wiring.screen.line(f"copied to {place}")
