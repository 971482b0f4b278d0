"""`migrate --to URL`: migrates to another store."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import click

from tokenguard.cli.base import break_glass_option, command, pass_wiring
from tokenguard.domain.event import Detail
from tokenguard.domain.second_person import SensitiveKind
from tokenguard.errors import InputError
from tokenguard.http.address import Address
from tokenguard.migration.migration_plan import MovePlan, plan_move
from tokenguard.migration.move_store import abort_move, check_ends, has_moved, move_store
from tokenguard.ports.store import Store
from tokenguard.shell.backends import backend_of
from tokenguard.shell.opened_stores import close_store
from tokenguard.shell.store_url import named_store, takes_practice_tokens
from tokenguard.shell.wiring import Wiring
from tokenguard.text import pluralize
from tokenguard.usecases.confirm import confirm
from tokenguard.usecases.notify_at_once import notify_before_exit
from tokenguard.views.migration_view import show_moved, show_plan, show_taken_back


@command("migrate")
@click.option(
    "--to",
    "target",
    metavar="URL",
    default="",
    help=("URL or configured name of the new store: empty, created with `init`."),
)
@click.option("--plan", "plan_only", is_flag=True, help="Show what would be migrated, with warnings; change nothing.")
@click.option("--abort", is_flag=True, help="Undo an unfinished migration; this store is then used as before.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@break_glass_option
@pass_wiring
def migrate(wiring: Wiring, target: str, *, plan_only: bool, abort: bool, yes: bool) -> None:
    """Migrate the store in use (`--store`) to another one: records, values, audit trails, open operations.

    Every token is read back and compared. From the first step on, the old store is read-only, and the new store opens
    once everything is copied; after an interruption, run the same command again. Afterwards every command on the old
    store exits 4 and names the new one. The old store still holds its values: destroy it once no consumer reads from
    it.
    """
    _check_choice(target, plan_only=plan_only, abort=abort, yes=yes)
    if abort:
        with _opened(wiring, wiring.store_url) as source:
            _take_turn(wiring, source)
            show_taken_back(wiring.screen, abort_move(source, wiring.clock, wiring.progress))
        return
    url = named_store(target, wiring.settings)
    with _opened(wiring, wiring.store_url) as source, _opened(wiring, url) as new:
        check_ends(source, new)
        _check_practice(source, new)
        plan = plan_move(source, new.url)
        if has_moved(source, new):
            wiring.break_glass = ""  # nothing goes first
            show_moved(wiring.screen, plan=plan, again=True)
            return
        if plan_only or not wiring.screen.as_json:
            show_plan(wiring.screen, plan, price=backend_of(wiring, new.url).monthly_cost(plan.tokens))
        if plan_only:
            report_open_requests(wiring, source)
            return
        approved = _approval(wiring, source, new)
        if not yes:
            _confirm(wiring, plan)
        _notify_of_break_glass(wiring, source, new)
        _move(wiring, source, new, approved)
        show_moved(wiring.screen, plan=plan)


def _approval(wiring: Wiring, source: Store, target: Store) -> Detail:
    """The approval of a second person, for a migration that has not begun; what is begun is only finished."""
    second = wiring.second_person_at(source)
    begun = source.move() is not None
    return second.authorise([] if begun else second.of_whole_store(SensitiveKind.MIGRATE, ("to", target.url)))


def _notify_of_break_glass(wiring: Wiring, source: Store, target: Store) -> None:
    """Before the migration, after which the old store cannot be read: the message names the new one."""
    if wiring.break_glass:
        wiring.store, wiring.store_url = source, target.url
        notify_before_exit(wiring)
        wiring.break_glass = ""


def report_open_requests(wiring: Wiring, source: Store) -> None:
    """How many requests and reviews are open: who may close them depends on the new store's identities."""
    waiting = wiring.second_person_at(source).waiting()
    reviews = sum(bool(each.forced) for each in waiting)
    if waiting:
        open_ones = f"{pluralize(reviews, 'review')} and {pluralize(len(waiting) - reviews, 'request')} are open"
        wiring.progress.note(f"{open_ones}: close them before the migration (`tokenguard request` lists them)")


def _move(wiring: Wiring, source: Store, target: Store, approved: Detail) -> None:
    for store in (source, target):
        _take_turn(wiring, store)
    wiring.unfinished = "the migration is not finished: run the same command again, or undo it with `migrate --abort`"
    lag: timedelta = getattr(source, "lag", timedelta(0))
    move_store(source, target, wiring.clock, wiring.progress, lag=lag, approved=approved)


def _check_practice(source: Store, target: Store) -> None:
    """Keep tokens of practice providers out of shared stores."""
    if takes_practice_tokens(target.url, lambda: target):
        return
    for snapshot in source.scan():
        record = snapshot.document.record
        if record.base_url and Address.parse(record.base_url).loopback:
            raise InputError(
                f"{record.name} belongs to a practice provider on this machine, and the new store is shared",
                hint="use a store created with `tokenguard init --sandbox`",
            )


def _take_turn(wiring: Wiring, store: Store) -> None:
    """Acquire the store's runner lease, where only one runner may work at a time."""
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
    """Ask for confirmation on a terminal; in a script, running the command is the confirmation."""
    if wiring.tty is None:
        return
    wiring.tty.show(f"Everything is migrated to {plan.target}; {plan.source} is then no longer usable.")
    confirm(wiring.tty, "go on", undone="done")


def _check_choice(target: str, *, plan_only: bool, abort: bool, yes: bool) -> None:
    if abort and (target or plan_only or yes):
        raise InputError("--abort cannot be combined with other options", hint="tokenguard migrate --abort")
    if not abort and not target:
        raise InputError("missing --to", hint="for example --to vault://kv/video; create it with `init` first")
