"""The options that select tokens by what is known of them, shared by every command that works on several tokens."""

import functools
from collections.abc import Callable, Collection, Mapping
from typing import Any

import click

from tokenguard.cli.base import refuse_empty
from tokenguard.domain.token import RecordState
from tokenguard.errors import InputError
from tokenguard.frozen import replace
from tokenguard.inventory.selection import DueNow, Filter
from tokenguard.shell.wiring import Wiring

DUE_HELP = "Only tokens that are due, have leaked, or are of unknown age"
_GLOB_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._/-*?[]!")


def _text(name: str, parameter: str, metavar: str, words: str, **attributes: Any) -> Callable[..., Any]:
    """An option with one text. Click gets all that are given: of two teams, one must not be left out silently."""
    return click.option(name, parameter, metavar=metavar or None, help=words, multiple=True, **attributes)


_OPTIONS = {
    "name": _text("--name", "only_name", "GLOB", "Only names like video/*/prod/*."),
    "owner": _text("--owner", "only_owner", "TEAM", "Only tokens of this team."),
    "made_by": _text("--made-by", "only_made_by", "PERSON", "Only tokens that this person created."),
    "account": _text("--account", "only_account", "LOGIN", "Only tokens created with this provider login."),
    "provider": _text("--provider", "only_provider", "P", "Only tokens of this provider."),
    "scope": _text("--scope", "only_scope", "KIND:ID", "Only tokens of this scope."),
    "environment": _text("--env", "only_environment", "E", "Only tokens of this environment."),
    "state": _text(
        "--state",
        "only_state",
        "",
        "Only tokens in this state; includes retired ones.",
        type=click.Choice(list(map(str, RecordState))),
    ),
    "leaked": click.option("--leaked", "only_leaked", is_flag=True, help="Only tokens whose value has leaked."),
}

_OPTION_OF = {"made_by": "--made-by", "environment": "--env"}
"""Options that are not called as what they select by."""


def selects(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which gets them as one argument: `wanted`, a `Filter`."""

    @functools.wraps(function)
    def command(*args: Any, **given: Any) -> Any:
        asked = {name: _only(_OPTION_OF.get(name, f"--{name}"), given.pop(f"only_{name}")) for name in _OPTIONS}
        return function(*args, wanted=_filter(asked), **given)

    for option in reversed(_OPTIONS.values()):
        command = option(command)
    return command


def _only(option: str, given: Any) -> Any:
    """The one value of an option, empty if it was left out; InputError for an empty text, and for several."""
    if not isinstance(given, tuple):
        return given
    for value in given:
        refuse_empty(option, value)
    if len(given) > 1:
        raise InputError(f"{option} is given twice", hint="run the command once for each value")
    return given[0] if given else ""


def selects_due(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same options, and `--due` as a part of the selection."""
    option = click.option("--due", "only_due", is_flag=True, help=f"{DUE_HELP}.")

    @functools.wraps(function)
    def command(*args: Any, only_due: bool, wanted: Filter, **given: Any) -> Any:
        wiring = click.get_current_context().find_object(Wiring) if only_due else None
        if wiring is not None:
            wanted = replace(wanted, due=DueNow(wiring.policy, wiring.clock.now()))
        return function(*args, wanted=wanted, **given)

    return option(selects(command))


_KEYS = ("name", "owner", "made-by", "account", "provider", "scope", "env", "state", "leaked")


def selects_where(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--where FIELD=TEXT` to a command whose other options have the selection's names; gives `wanted` too."""

    @functools.wraps(function)
    def command(*args: Any, where: tuple[str, ...], **given: Any) -> Any:
        return function(*args, wanted=_filter(_asked(where)), **given)

    return click.option(
        "--where",
        multiple=True,
        metavar="FIELD=TEXT",
        help=f"Only tokens whose FIELD is TEXT: {', '.join(_KEYS[:-1])}, or leaked=yes; repeatable.",
    )(command)


def _asked(where: tuple[str, ...]) -> dict[str, Any]:
    """What was asked for, under the names of `_OPTIONS`; InputError without a word of what was typed."""
    asked: dict[str, Any] = {"state": "", "leaked": False}
    for text in where:
        key, _, wanted = text.partition("=")
        name = {"env": "environment", "made-by": "made_by"}.get(key, key)
        possible: Mapping[str, Collection[str]] = {"leaked": {"yes"}, "state": set(RecordState)}
        faults = {
            "is not FIELD=TEXT": not wanted,
            "names a field that does not exist": key not in _KEYS,
            f"names {key} twice": bool(asked.get(name)),
            f"asks for a value that {key} cannot have": wanted not in possible.get(name, {wanted}),
        }
        if (fault := next((words for words, found in faults.items() if found), None)) is not None:
            raise InputError(
                f"--where {fault}",
                hint=f"fields are {', '.join(_KEYS[:-1])}, and leaked=yes; a state is one of {', '.join(RecordState)}",
            )
        asked[name] = wanted == "yes" if name == "leaked" else wanted
    return asked


def _filter(asked: dict[str, Any]) -> Filter:
    """InputError for what no token can have, so that a typing mistake is not read as an empty result."""
    texts = {name: text for name, text in asked.items() if isinstance(text, str) and text and name != "state"}
    pattern = texts.pop("name", "")
    if not _GLOB_CHARACTERS.issuperset(pattern):
        raise InputError("--name matches no token's name", hint="write a pattern such as 'video/*/prod/*', in quotes")
    if texts:
        from tokenguard.usecases.given_facts import changes_from  # a plain `list` starts without it

        changes_from(texts)
    state = RecordState(asked["state"]) if asked["state"] else None
    known_as = _known_as(texts)
    return Filter(name=pattern, state=state, leaked=asked["leaked"], due=None, known_as=known_as, **texts)


def _known_as(texts: dict[str, str]) -> tuple[str, ...]:
    """All names of the person that is asked for, by the file of people."""
    name = texts.get("made_by") or texts.get("account")
    wiring = click.get_current_context().find_object(Wiring) if name else None
    found = wiring.people.find(name) if wiring is not None and name else None
    return (found.name, *found.aliases) if found is not None else ()
