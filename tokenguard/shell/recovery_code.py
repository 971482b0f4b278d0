"""Hands out a recovery code in a private file or on the terminal, reserved before anything depends on it."""

from pathlib import Path
from types import TracebackType
from typing import Self

from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError, NeedsPerson
from tokenguard.file_replacement import replace_file
from tokenguard.files import create_private, expanded, not_written, shown
from tokenguard.shell.tty import Tty
from tokenguard.stores.local.recovery_words import new_recovery_code

_CREATE = "`tokenguard store add-slot --recovery` creates"


class RecoveryCodeHandover:
    """Creates a code and hands it out once. Leaving the context without `give` removes the reserved file.

    Args:
        file: the new file to write to, or None for the terminal.
        tty: the terminal, if there is one.
        done: what is done when the code is given, for `unfinished`: `the store is created`.

    Raises:
        InputError: the file exists, or cannot be written.
        NeedsPerson: there is neither a file nor a terminal.
    """

    def __init__(self, file: str | None, tty: Tty | None, *, done: str = "") -> None:
        if file is None and tty is None:
            raise NeedsPerson(
                "a recovery code is shown on a terminal only",
                hint="run it in a terminal, or give --recovery-file FILE",
            )
        self._path = expanded(file).absolute() if file else None
        self._tty = tty
        self._done = done
        self._given = False
        self.code: Secret = new_recovery_code()

    def __enter__(self) -> Self:
        if self._path is not None:
            _claim(self._path)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._path is not None and not self._given:
            self._path.unlink(missing_ok=True)

    @property
    def unfinished(self) -> str:
        """The hint for an interrupt when everything but `give` is done, or all of it."""
        if self._path is None:
            return f"{self._done}, and the code above opens it; {_CREATE} another one"
        if self._given:
            return f"{self._done}, and the code in {shown(self._path)} opens it"
        return f"{self._done}, without a recovery code; {_CREATE} one"

    def give(self) -> None:
        """Write or show the code; it is not kept afterwards."""
        if self._path is not None:
            _write(self._path, self.code)
        elif self._tty is not None:
            _show(self._tty, self.code)
        self._given = True


def _write(path: Path, code: Secret) -> None:
    """The store exists by now: a lost code can be replaced."""
    try:
        replace_file(path, code.reveal().encode() + b"\n")
    except OSError:
        raise InputError(
            f"the recovery code could not be written to {shown(path)}, and is lost",
            hint="everything else is done; `tokenguard store add-slot --recovery-file FILE` creates another one",
        ) from None


def _claim(path: Path) -> None:
    try:
        create_private(path, b"")
    except OSError as error:
        raise not_written(path, error) from None


def _show(tty: Tty, code: Secret) -> None:
    tty.show()
    tty.show("  This code opens the store if its other keys are lost. It is shown only once; write it down:")
    tty.show()
    tty.show(f"    {code.reveal()}")
    tty.show()
    tty.ask("  Press Enter when it is written down: ")
