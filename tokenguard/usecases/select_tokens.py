"""Finds the tokens that a command works on: by their names, or by what is known of them."""

import shlex
from collections.abc import Iterable, Sequence

from tokenguard.domain.document import Document, Snapshot
from tokenguard.domain.names import TokenName
from tokenguard.errors import InputError
from tokenguard.inventory.selection import ANY, Filter
from tokenguard.text import pluralize
from tokenguard.usecases.parts import HasProgress, HasStore
from tokenguard.usecases.token_lookup import known_token

_OPTIONS = "--owner TEAM; `tokenguard list` takes the same options"


def select_tokens(
    parts: HasStore, names: Sequence[TokenName], wanted: Filter, *, everything: bool = False, way: str = _OPTIONS
) -> list[Snapshot]:
    """The named tokens in the order given, or all that match; with `everything` retired ones too.

    Of a selection by state (`--due`, `--leaked`, `--state`) there may be none: then there is nothing to do.

    Args:
        parts: what it takes of the process.
        names: the names given.
        wanted: the selection.
        everything: whether all tokens are asked for.
        way: how tokens are selected, for a hint.

    Raises:
        InputError: nothing or both is asked for, a name is unknown, or no token has what else is asked for.
    """
    asked = sum((bool(names), everything, wanted != ANY))
    if asked != 1:
        both = f"token names{', --all' if everything else ''} and a selection exclude each other"
        raise InputError(
            both if asked else "no token was given",
            hint=f"name tokens, or select them, for example {way}",
        )
    if names:
        return [known_token(parts.store, name) for name in dict.fromkeys(names)]
    if everything:
        return list(parts.store.scan())
    known = list(parts.store.scan())
    found = [each for each in known if wanted.admits(each.document)]
    if not found:
        check_match(wanted, (each.document for each in known))
    return sorted(found, key=lambda each: each.document.record.name)


def report_selection(parts: HasProgress, wanted: Filter, found: Sequence[Snapshot], *, due: bool = False) -> None:
    """Say first what was selected, since a pattern may match more than was meant; `due`: only due ones of them."""
    if wanted != ANY and not found:
        options = (*wanted.options, *(("--due",) * due))
        parts.progress.note(f"nothing to do: no token matches {shlex.join(options)}")
    elif wanted != ANY:
        what = pluralize(len(found), "due token" if due else "token")
        parts.progress.note(f"selected: {what} with {shlex.join(wanted.options)}")


def check_match(wanted: Filter, known: Iterable[Document]) -> None:
    """After a selection that is empty: whether there is nothing to do, or what is asked for does not exist.

    Raises:
        InputError: no token has the name, the owner or what else is asked for, so exit 0 would claim that all are done.
    """
    meant = wanted.without_state
    if wanted.asks_state and (meant == ANY or any(map(meant.describes, known))):
        return
    raise InputError(
        f"no token matches {shlex.join(wanted.options)}",
        hint="`tokenguard list` shows the tokens; retired ones need --state retired",
    )
