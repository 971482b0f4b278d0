"""Reads credentials that the configuration refers to as `env:VARIABLE` or `file:PATH`."""

import re
from collections.abc import Mapping

from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError
from tokenguard.files import check_private_file, expanded, read_limited, shown

SERVICE_ACCOUNT = "file:/var/run/secrets/kubernetes.io/serviceaccount/token"
"""A pod's own identity: the cluster puts it there, as a link that everybody in the pod may read, and renews it."""
_MOST = 65_536
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)


def read_credential(
    source: str, environ: Mapping[str, str], *, table: str, what: str = "credential", private: bool = True
) -> Secret:
    """The credential that a table of the configuration names.

    Args:
        source: `env:VARIABLE` or `file:PATH`.
        environ: the process's environment.
        table: for errors: `[vault]`.
        what: for errors: the key in that table.
        private: a file must be readable by us alone.

    Raises:
        InputError: it names neither, or what it names is not there or not one word.
    """
    kind, _, rest = source.partition(":")
    if kind == "env" and rest:
        return _checked(read_variable(rest, environ, what=what, table=table), table)
    if kind != "file" or not rest:
        raise InputError(
            f"credential of {table} is not given",
            hint='use "env:VARIABLE" or "file:PATH"; the configuration never contains the credential itself',
        )
    path = expanded(rest)
    try:
        if private:
            check_private_file(path)
        text = read_limited(path, _MOST).decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise InputError(
            f"the credential of {table} cannot be read: {shown(path)}", hint=f"see {table} credential"
        ) from None
    return _checked(text, table)


def read_variable(name: str, environ: Mapping[str, str], *, what: str, table: str) -> str:
    """What a variable of the environment holds; InputError if that is nothing."""
    if not _VARIABLE.fullmatch(name):
        raise InputError(f"{what} of {table} names no variable", hint='write "env:VARIABLE"')
    text = environ.get(name, "").strip()
    if not text:
        raise InputError(f"the variable {name}, named by {table} {what}, is not set", hint=f"export {name}")
    return text


def text_or_variable(given: str, environ: Mapping[str, str], *, what: str, table: str) -> str:
    """What a setting says, or the variable that it names as `env:VARIABLE` holds; InputError if that is nothing."""
    if not given.startswith("env:"):
        return given
    return read_variable(given.removeprefix("env:"), environ, what=what, table=table)


def _checked(text: str, table: str) -> Secret:
    if not text or not text.isprintable() or " " in text:
        raise InputError(
            f"the credential of {table} is not one word of plain characters", hint=f"see {table} credential"
        )
    return Secret(text)
