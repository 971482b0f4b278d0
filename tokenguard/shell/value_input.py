"""Reads a new value from a hidden prompt, a variable, a file or stdin. Never from an argument."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tokenguard.documents import load_json
from tokenguard.domain.secret import TOKEN_FIELD, Secret, Value
from tokenguard.domain.shape import MAX_LENGTH, check_value
from tokenguard.errors import InputError, NeedsPerson
from tokenguard.files import read_named
from tokenguard.ports.value_source import ValueOptions
from tokenguard.shell.tty import Tty, read_unseen

_LIMIT = MAX_LENGTH + 2  # a value and its line end


def value_of(text: str, fields: Sequence[str] = (TOKEN_FIELD,)) -> Value:
    """A value from what was given for it: the token alone, or a JSON object where it has several fields.

    Raises:
        InputError: it cannot be a token's value, or a field is missing, unknown or not text; it is never quoted.
    """
    if tuple(fields) == (TOKEN_FIELD,):
        return Value.of(check_value(text))
    wanted = ", ".join(f'"{name}"' for name in fields)
    hint = f"give a JSON object with {wanted}, each a text"
    try:
        tree = load_json(text.encode("utf-8", "surrogatepass"), source="the value", max_bytes=_LIMIT)
    except InputError:
        tree = None
    if not isinstance(tree, dict) or sorted(tree) != sorted(fields):
        raise InputError(f"the value has {len(fields)} fields", hint=hint)
    found = {}
    for name, part in tree.items():
        if not isinstance(part, str) or not part.isprintable() or " " in part or not part:
            raise InputError(f"the field {name} is not text, or contains white space", hint=hint)
        found[name] = Secret(check_value(part) if name == TOKEN_FIELD else part)
    return Value(found)


def read_value(
    source: ValueOptions,
    environ: Mapping[str, str],
    tty: Tty | None,
    name: str,
    fields: Sequence[str] = (TOKEN_FIELD,),
) -> Value:
    """Read and check a value.

    Args:
        source: where from; the hidden prompt if nothing was asked for.
        environ: for `--from-env`.
        tty: for the prompt; None without a terminal.
        name: whose value it is, for the prompt.
        fields: the names of its fields.

    Raises:
        InputError: there is nothing, or it cannot be a token's value; it is never quoted.
        NeedsPerson: it would have to be asked for, and there is no terminal.
    """
    asked = not (source.variable or source.file or source.stdin)
    if asked and tty is not None and tuple(fields) != (TOKEN_FIELD,):
        parts = {each: _text(source, environ, tty, f"{name}, field {each}") for each in fields}
        return value_of(json.dumps(parts), fields)
    return value_of(_text(source, environ, tty, name), fields)


def _text(source: ValueOptions, environ: Mapping[str, str], tty: Tty | None, name: str) -> str:
    if source.variable:
        if not environ.get(source.variable):
            raise InputError("the variable named by --from-env is not set", hint="export it for this run alone")
        return environ[source.variable]
    if source.file:
        hint = "name a file that exists and that you may read"
        return _decoded(read_named(Path(source.file), _LIMIT, hint=hint, instead="the file of --from-file"))
    if source.stdin:
        return _decoded(read_unseen(_LIMIT + 1))
    if tty is None:
        raise NeedsPerson(
            f"the value of {name} must be given",
            hint="without a terminal, use --from-env, --from-file or --stdin",
        )
    return tty.ask_hidden(f"value of {name} (it stays hidden): ").reveal()


def _decoded(data: bytes) -> str:
    """The text without its one line end; what is wrong with the rest, `check_value` says."""
    try:
        return data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise InputError(
            "the value is not UTF-8 text", hint="give the token alone, as the provider showed it"
        ) from None
