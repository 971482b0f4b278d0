"""`tokenguard.install()`: one call that covers a process, and one that takes it back."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Literal

from tokenguard.errors import InputError
from tokenguard.masking import current
from tokenguard.masking.current import known_of
from tokenguard.masking.hooks import Undo, hook_exceptions, hook_logging
from tokenguard.posix import require_posix
from tokenguard.redaction.known import MaskedValue

if TYPE_CHECKING:
    from tokenguard.masking.leak import Leak  # a program to which leaks are not reported has no use for it


class Installation:
    """What `install` put in place."""

    def __init__(self) -> None:
        self._undo: list[Undo] = []
        self._parts: set[str] = set()

    def add(self, part: str, hook: Callable[[], list[Undo]]) -> None:
        """Put one part in place, once."""
        if part not in self._parts:
            self._undo += hook()
            self._parts.add(part)

    def uninstall(self) -> None:
        """Put everything back; the values stay known."""
        with _LOCK:
            while self._undo:
                self._undo.pop()()
            self._parts.clear()


_LOCK = threading.RLock()
_INSTALLED = Installation()


def install(
    *,
    values: Mapping[str, str] | None = None,
    env: Iterable[str] = (),
    stdio: bool = False,
    fds: Literal["helper"] | None = None,
    on_leak: Callable[[Leak], None] | None = None,
    strict: bool = True,
    mask_form: Literal["brackets", "word"] | None = None,
) -> Installation:
    """Mask values in everything this process logs or reports; a further call adds values.

    Args:
        values: name to value. Names appear in reports only.
        env: names of environment variables whose values are masked; one that is not set, or empty, is logged as a
            warning.
        stdio: also wrap `sys.stdout` and `sys.stderr` (print, tracebacks, libraries that print).
        fds: `helper` also puts a helper process before descriptors 1 and 2 (C code, child processes).
        on_leak: called for everything that was masked, without the value.
        strict: raise InputError for a value that cannot be masked. If False, such values and missing variables are
            left out silently.
        mask_form: `brackets` (default): `[tokenguard:ID]`. `word`: `tokenguard-ID`, which needs no escaping in
            markup, JSON, logfmt and CSV. Later calls keep the form.
    """
    if isinstance(env, str):  # each letter of it would be a variable that is not set, and nothing would be masked
        raise InputError("`env` must be a list of variable names", hint=f"write env=[{env!r}]")
    if fds not in (None, "helper"):
        raise InputError("`fds` must be 'helper' or omitted", hint='write fds="helper"')
    if mask_form not in (None, "brackets", "word"):
        raise InputError("`mask_form` must be 'brackets' or 'word'", hint='write mask_form="word"')
    variables = {name: os.environ.get(name) for name in env}
    wanted = dict(values or {}) | {name: value for name, value in variables.items() if value}
    with _LOCK:
        current.mask_all(_maskable(wanted, strict=strict))
        if mask_form == "word":
            current.use_words()
        if on_leak is not None:
            current.report_to(on_leak)
        _INSTALLED.add("logging", hook_logging)
        _INSTALLED.add("exceptions", hook_exceptions)
        if stdio:
            _INSTALLED.add("stdio", _stdio)
        if fds == "helper":
            _INSTALLED.add("descriptors", _descriptors)
    missing = [name for name, value in variables.items() if not value]
    if missing and strict:
        logging.getLogger("tokenguard").warning("not masked, because not set: %s", ", ".join(missing))
    return _INSTALLED


def _maskable(wanted: Mapping[str, str], *, strict: bool) -> list[MaskedValue]:
    found = []
    for name, value in wanted.items():
        try:
            found.append(known_of(value, name))
        except InputError:
            if strict:
                raise
    return found


def _stdio() -> list[Undo]:
    from tokenguard.masking.stdio import hook_stdio  # only who asks for it pays

    return hook_stdio()


def _descriptors() -> list[Undo]:
    require_posix('`fds="helper"`')
    from tokenguard.masking.descriptors import Helper  # only who asks for it pays

    helper = Helper()
    helper.start(current.known())
    current.inform_helper(helper.update)
    return [helper.stop, lambda: current.inform_helper(None)]
