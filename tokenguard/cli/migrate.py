"""`migrate --to URL`: move everything to another store."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import click

from tokenguard.cli.base import command, pass_wiring
from tokenguard.errors import InputError
from tokenguard.http.address import Address
from tokenguard.migration.migration_plan import MovePlan, plan_move
from tokenguard.migration.move_store import check_ends, give_up, has_moved, move_store
from tokenguard.ports.store import Store
from tokenguard.shell.backends import backend_of
from tokenguard.shell.confirm import confirm
from tokenguard.shell.store_url import is_local, named_store
from tokenguard.shell.wiring import Wiring, close_store
from tokenguard.views.migration_view import show_moved, show_plan, show_taken_back


@command("migrate")
@click.option(
    "--to", "target", metavar="URL", default="", help="The new store, made with `init` and empty; or its name."
)
@click.option("--plan", "plan_only", is_flag=True, help="Say what would go along and what to mind; do nothing.")
@click.option("--abort", is_flag=True, help="Take back a move that is not finished: this store goes on as before.")
@click.option("--yes", is_flag=True, help="Do not ask before.")
@pass_wiring
def migrate(wiring: Wiring, target: str, *, plan_only: bool, abort: bool, yes: bool) -> None:
    """Move the store in use (`--store`) to another one: records, values, audit trails, open operations.

    Every token is read back and compared. From the first step on nothing changes here any more, and the new store opens
    when all is there; run the same command again after an interruption. This store then names the new one at every
    command (exit 4). Its values stay in it: destroy it when nobody reads from it any more.
    """
    _check_choice(target, plan_only=plan_only, abort=abort, yes=yes)
    if abort:
        with _opened(wiring, wiring.store_url) as source:
            _take_turn(wiring, source)
            show_taken_back(wiring.screen, give_up(source, wiring.clock, wiring.progress))
        return
    url = named_store(target, wiring.settings)
    with _opened(wiring, wiring.store_url) as source, _opened(wiring, url) as new:
        check_ends(source, new)
        _check_practice(source, new)
        plan = plan_move(source, new.url)
        if has_moved(source, new):
            show_moved(wiring.screen, plan=plan, again=True)
            return
        if plan_only or not wiring.screen.as_json:
            show_plan(wiring.screen, plan, price=backend_of(wiring, new.url).monthly_cost(plan.tokens))
        if plan_only:
            return
        if not yes:
            _confirm(wiring, plan)
        _move(wiring, source, new)
        show_moved(wiring.screen, plan=plan)


def _move(wiring: Wiring, source: Store, target: Store) -> None:
    for store in (source, target):
        _take_turn(wiring, store)
    wiring.unfinished = "the move is not finished: run the same command again, or take it back with `migrate --abort`"
    lag: timedelta = getattr(source, "lag", timedelta(0))
    move_store(source, target, wiring.clock, wiring.progress, lag=lag)


def _check_practice(source: Store, target: Store) -> None:
    """What was made at providers of this machine does not get into a store that others share."""
    if is_local(target.url) or getattr(target, "sandbox", False):
        return
    for snapshot in source.scan():
        record = snapshot.document.record
        if record.base_url and Address.parse(record.base_url).loopback:
            raise InputError(
                f"{record.name} is of a provider on this machine, and the new store is shared with others",
                hint="practise on a store of its own, made with `tokenguard init --sandbox`",
            )


def _take_turn(wiring: Wiring, store: Store) -> None:
    """Where one runner works at a time, be that one."""
    take = getattr(store, "acquire_lease", None)
    if take is not None:
        take(wiring.holder)


@contextmanager
def _opened(wiring: Wiring, url: str) -> Iterator[Store]:
    wiring.say(f"store: {url}")
    store = wiring.open_end_of_move(url)
    try:
        yield store
    finally:
        close_store(store)


def _confirm(wiring: Wiring, plan: MovePlan) -> None:
    """Ask the person who is there; a script has said what it wants by running the command."""
    if wiring.tty is None:
        return
    wiring.tty.show(f"Everything goes to {plan.target}; {plan.source} answers no more.")
    confirm(wiring.tty, "go on", undone="done")


def _check_choice(target: str, *, plan_only: bool, abort: bool, yes: bool) -> None:
    if abort and (target or plan_only or yes):
        raise InputError("--abort stands alone", hint="tokenguard migrate --abort")
    if not abort and not target:
        raise InputError("missing --to", hint="for example --to vault://kv/video, made with `init` and empty")
