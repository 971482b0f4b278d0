"""`list`: lists the inventory, filtered or by due date."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import chain

import click

from tokenguard.cli.base import command, pass_wiring
from tokenguard.cli.selection_options import selects_due
from tokenguard.domain.document import Snapshot
from tokenguard.errors import InputError
from tokenguard.frozen import replace
from tokenguard.inventory.selection import ANY, Filter, SelectedToken, by_due, listed
from tokenguard.ports.clock import is_behind
from tokenguard.ports.store import Store
from tokenguard.shell.wiring import Wiring

_Found = tuple[str, SelectedToken]


@command("list")
@click.option(
    "--within",
    type=click.IntRange(0, 36_500),
    metavar="DAYS",
    help="Only tokens that become due within this number of days, and refused ones; most urgent first.",
)
@click.option("--all-stores", is_flag=True, help="Include every configured store.")
@click.option(
    "--format",
    "as_format",
    type=click.Choice(["text", "json", "csv"]),
    help="Output format; `tokenguard import --update` reads csv and json.",
)
@selects_due
@pass_wiring
def list_tokens(wiring: Wiring, *, within: int | None, all_stores: bool, as_format: str | None, wanted: Filter) -> None:
    """List tokens with provider, scope, environment, owner, state and due date.

    With --due or --within the most urgent come first: leaked ones, those of unknown age, then by date.
    """
    sort_by_due = wanted.due is not None or within is not None
    if within is not None:
        wanted = replace(wanted, due=None)
    as_csv = as_format == "csv"
    wiring.flags.format = "text" if as_csv else as_format or wiring.flags.format
    now = wiring.clock.now()
    stores = _stores(wiring) if all_stores else {"": wiring.store}
    scanned: Mapping[str, Iterable[Snapshot]] = {label: store.scan() for label, store in stores.items()}
    if sort_by_due:
        scanned = {label: list(each) for label, each in scanned.items()}
        if any(is_behind(now, each.document.latest) for each in chain(*scanned.values())):
            wiring.progress.note("this machine's clock is behind the timestamps in the store: due dates are wrong")
    found: Iterable[_Found] = (
        (label, each)
        for label, snapshots in scanned.items()
        for each in listed(snapshots, wanted, lambda: wiring.policy)
    )  # fmt: skip
    if sort_by_due:
        found = _by_due(list(found), now, None if within is None else timedelta(days=within))
    narrowed = wanted != ANY or sort_by_due
    if as_csv:
        from tokenguard.views.inventory_view import print_csv  # not for an empty store

        print_csv(wiring, found, labelled=all_stores)
    else:
        _print(wiring, found, labelled=all_stores, narrowed=narrowed)
    wiring.stores.check_listed_whole()


def _by_due(found: list[_Found], now: datetime, within: timedelta | None) -> list[_Found]:
    label_of = {each.snapshot.id: label for label, each in found}
    return [(label_of[each.snapshot.id], each) for each in by_due((each for _, each in found), now, within)]


def _stores(wiring: Wiring) -> dict[str, Store]:
    urls = wiring.settings.stores
    if not urls:
        raise InputError("no stores are configured", hint="add [stores.NAME] url = … for each")
    return {name: wiring.open_store(url) for name, url in urls.items()}


def _print(wiring: Wiring, found: Iterable[_Found], *, labelled: bool, narrowed: bool) -> None:
    as_json = wiring.screen.as_json
    tokens = [] if as_json else list(found)
    if not as_json and not tokens:
        taking_in = "no tokens; add them with `tokenguard add` or `tokenguard import`"
        wiring.progress.note("no token matches" if narrowed else taking_in)
        return
    from tokenguard.views.inventory_view import print_document, print_table  # not for an empty store

    if as_json:
        print_document(wiring, found, labelled=labelled)
    else:
        print_table(wiring, tokens, labelled=labelled)
