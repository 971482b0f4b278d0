"""The use case of `verify --reconcile`: compares a manually entered provider list with the inventory."""

import sys
from pathlib import Path
from typing import Any, Protocol

from tokenguard.domain.names import segment
from tokenguard.domain.provider_listing import ListedRow
from tokenguard.domain.scope import Scope
from tokenguard.errors import ExitCode, InputError, NeedsPerson
from tokenguard.files import read_named, shown
from tokenguard.inventory.list_reading import MAX_BYTES, MAX_ROWS, read_list, row_of
from tokenguard.inventory.reconciliation import Compared, ListingStatus, Reconciled, compare, in_place, keep
from tokenguard.inventory.views import moment
from tokenguard.text import pluralize
from tokenguard.usecases.parts import HasClock, HasPrinter, HasProgress, HasStore, HasTerminal

_TONES = {
    ListingStatus.LISTED: "green", ListingStatus.NOT_COMPARABLE: "yellow", ListingStatus.UNKNOWN: "yellow",
    ListingStatus.AMBIGUOUS: "yellow",
}  # fmt: skip
_WORDS = {
    ListingStatus.LISTED: "the provider lists it",
    ListingStatus.RENAMED: "the provider lists it under another name",
    ListingStatus.MISSING: "the provider does not list it: revoked, or of another account",
    ListingStatus.UNKNOWN: "no active token is in this list: check that it is complete and of the right account",
    ListingStatus.AMBIGUOUS: "a token of another name has the same hint, which identifies neither: compare by hand",
    ListingStatus.STILL_LISTED: "the provider still lists a value of this token that should be revoked",
    ListingStatus.NOT_COMPARABLE: "the record has neither the name nor the hint that the provider shows",
}


class ReconcileListingParts(HasClock, HasPrinter, HasProgress, HasStore, HasTerminal, Protocol):
    """What this use case takes."""


def reconcile(parts: ReconcileListingParts, target: str, source: str | None) -> ExitCode:
    """Read the list, then record and show the comparison.

    Args:
        parts: what it takes of the process.
        target: a provider, or a scope `KIND:ID`.
        source: a file, `-` for standard input, or None to ask the person at the terminal.

    Returns:
        FINDINGS if list and inventory differ in anything; UNREACHABLE if the list cannot say that a token is gone.

    Raises:
        InputError: no token of the inventory can be in this list, or the list cannot be read.
        NeedsPerson: there is no list, and no terminal to ask for it.
    """
    scope = Scope.parse(target) if ":" in target else None
    provider = "" if scope is not None else segment(target, what="provider")
    snapshots = in_place(parts.store.scan(), provider, scope)
    if not snapshots:
        raise InputError(
            "no token in the inventory has this provider or scope",
            hint="`tokenguard list` shows them; add the first ones with `tokenguard add` or `import`",
        )
    rows = _rows(parts, target, source)
    found = compare(snapshots, rows)
    now = parts.clock.now()
    for each in keep(parts.store, found, now):
        name = each.snapshot.document.record.name
        parts.progress.note(f"{name}: an operation is open, so nothing was recorded; repeat this afterwards")
    _print(parts, target, found, moment(now) or "")
    if found.unknown:
        return ExitCode.UNREACHABLE
    return ExitCode.OK if found.agrees else ExitCode.FINDINGS


def _rows(parts: HasTerminal, target: str, source: str | None) -> list[ListedRow]:
    if source == "-":
        return read_list(sys.stdin.buffer.read(MAX_BYTES + 1), source="standard input")
    if source is not None:
        path = Path(source)
        data = read_named(path, MAX_BYTES, hint="name a readable file, or - for stdin")
        return read_list(data, source=shown(path))
    return _asked(parts, target)


def _asked(parts: HasTerminal, target: str) -> list[ListedRow]:
    """The names as typed or pasted; asks again for an invalid line."""
    tty = parts.tty
    if tty is None:
        raise NeedsPerson(
            "a person has to enter the list of tokens", hint="give it with --from-file FILE, or - for stdin"
        )
    tty.show(f"Open the provider's settings and find the list of tokens of {target}.")
    tty.show("Type or paste the name of each token as shown there, one per line; an empty line ends the list.")
    tty.show("Names only, never a value. If the list is empty, press Enter at once.")
    rows: list[ListedRow] = []
    while len(rows) < MAX_ROWS and (line := tty.ask(f"{len(rows) + 1}: ")):
        try:
            rows.append(row_of(line))
        except InputError as error:
            tty.show(f"  {error.message}; {error.hint}")
    if not rows and tty.ask("The list is empty? Type yes to record that: ").lower() != "yes":
        raise NeedsPerson("not confirmed; nothing was recorded", hint="answer yes, or enter the names")
    return rows


def _print(parts: ReconcileListingParts, target: str, found: Reconciled, at: str) -> None:
    if parts.screen.as_json:
        parts.screen.document(_json(target, found, at))
        return
    rows: list[tuple[str, str, str, str]] = [
        (each.snapshot.document.record.name, each.standing.value, _listed_as(each), _WORDS[each.standing])
        for each in found.tokens
    ]
    tones = [_TONES.get(each.standing, "red") for each in found.tokens]
    rows += [
        ("", "unknown", row.label, "not in the inventory: find who created it, then add or revoke it")
        for row in found.strangers
    ]
    parts.screen.table(
        ("name", "result", "listed as", "meaning"), rows, tones=[*tones, *["red"] * len(found.strangers)]
    )
    parts.progress.note(
        f"recorded: {pluralize(found.rows, 'token')} listed for {target}; `check` and `report` use it for 30 days"
    )


def _listed_as(each: Compared) -> str:
    return each.row.label if each.row else ""


def _json(target: str, found: Reconciled, at: str) -> dict[str, Any]:
    return {
        "reconciled": target,
        "at": at,
        "listed": found.rows,
        "agrees": found.agrees,
        "tokens": [
            {
                "name": each.snapshot.document.record.name,
                "result": each.standing,
                "listed_as": _listed_as(each),
                "label": each.snapshot.document.record.label,
            }
            for each in found.tokens
        ],
        "unknown": [{"name": row.label, "hint": row.hint, "scope": row.scope} for row in found.strangers],
    }
