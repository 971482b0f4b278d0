"""`audit log [NAME]`: who did what to which token, oldest first."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import click

from tokenguard.cli.base import command, pass_wiring
from tokenguard.cli.token_name import TOKEN_NAME
from tokenguard.domain.event import ChainedEvent, Event, Op
from tokenguard.domain.moment import day_hint, moment_of
from tokenguard.domain.names import TokenName
from tokenguard.errors import InputError
from tokenguard.inventory.views import entry_json, event_words
from tokenguard.ports.shared_item import shared_trails
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases.token_lookup import known_token

_AGO = re.compile(r"(\d{1,5})([hd])", re.ASCII)
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1)}


@command("log")
@click.argument("name", type=TOKEN_NAME, required=False)
@click.option("--since", metavar="WHEN", help="Entries since then: YYYY-MM-DD, or a period such as 36h or 7d.")
@click.option("--op", type=click.Choice(list(map(str, Op))), multiple=True, help="Only these operations; repeatable.")
@pass_wiring
def log(wiring: Wiring, name: TokenName | None, *, since: str | None, op: tuple[str, ...]) -> None:
    """Print audit entries, oldest first: of NAME, or of the store, its tokens and the items shared through it."""
    after = _moment(since, wiring.clock.now()) if since else None
    entries = [
        entry
        for entry in _entries(wiring, name)
        if (after is None or entry.event.at >= after) and (not op or entry.event.op in op)
    ]
    entries.sort(key=lambda entry: entry.event.at)
    if wiring.screen.as_json:
        wiring.screen.document({"entries": [entry_json(entry) for entry in entries]})
        return
    if not entries:
        wiring.progress.note("no entries")
    elif name is not None:  # which needs no column then
        wiring.screen.table(("when", "what", "who", "how"), [event_words(entry) for entry in entries])
    else:
        rows = [(event_words(entry)[0], _whose(entry.event), *event_words(entry)[1:]) for entry in entries]
        wiring.screen.table(("when", "token", "what", "who", "how"), rows)


def _entries(wiring: Wiring, name: TokenName | None) -> Iterator[ChainedEvent]:
    if name is not None:
        yield from wiring.store.history(known_token(wiring.store, name).id)
        return
    yield from wiring.store.history(None)
    for _, entries in wiring.store.trails():
        yield from entries
    for _, _, entries in shared_trails(wiring.store):
        yield from entries


def _whose(event: Event) -> str:
    return event.name or (f"(shared {event.detail['item']})" if "item" in event.detail else "(store)")


def _moment(text: str, now: datetime) -> datetime:
    if (ago := _AGO.fullmatch(text)) is not None:
        return now - int(ago[1]) * _UNITS[ago[2]]
    found = moment_of(text)
    if found is None:
        raise InputError("--since must be a date or a period", hint=f"{day_hint(text)}, or a period such as 36h or 7d")
    return found
