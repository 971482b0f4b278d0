"""A recovery code on its way to a person: a private file or the terminal, claimed before anything depends on it."""

from pathlib import Path
from types import TracebackType
from typing import Self

from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError, NeedsPerson
from tokenguard.files import create_private, replace_file, shown
from tokenguard.shell.tty import Tty
from tokenguard.stores.local.recovery_words import new_recovery_code

ANOTHER_CODE = "`tokenguard store add-slot --recovery` makes another one"
"""What somebody does who has not kept the code that was shown."""


class RecoveryCodeHandover:
    """Makes a code and gives it away once. Leaving without `give` takes the claimed file back.

    Args:
        file: the new file it is to be written to, or None for the terminal.
        tty: the terminal, if somebody is there.

    Raises:
        InputError: the file is there already, or cannot be written.
        NeedsPerson: there is neither a file nor a terminal.
    """

    def __init__(self, file: str | None, tty: Tty | None) -> None:
        if file is None and tty is None:
            raise NeedsPerson("a recovery code is shown on a terminal only", hint="or give --recovery-file FILE")
        self._path = Path(file).expanduser().absolute() if file else None
        self._tty = tty
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

    def give(self) -> None:
        """Write or show the code; nothing keeps it after that."""
        if self._path is not None:
            _write(self._path, self.code)
        elif self._tty is not None:
            _show(self._tty, self.code)
        self._given = True


def _write(path: Path, code: Secret) -> None:
    """What the code opens exists by now, so that its loss is no reason to begin anew."""
    try:
        replace_file(path, code.reveal().encode() + b"\n")
    except OSError:
        raise InputError(
            f"the recovery code could not be written to {shown(path)}, and is lost",
            hint="everything else is done; `tokenguard store add-slot --recovery-file FILE` makes another one",
        ) from None


def _claim(path: Path) -> None:
    try:
        create_private(path, b"")
    except FileExistsError:
        raise InputError(f"there is a file at {shown(path)} already", hint="name a new file") from None
    except OSError:
        raise InputError(f"cannot write {shown(path)}", hint="name a new file in a directory of yours") from None


def _show(tty: Tty, code: Secret) -> None:
    tty.show()
    tty.show("  This code opens the store if its other keys are lost. It is shown this once; keep it on paper:")
    tty.show()
    tty.show(f"    {code.reveal()}")
    tty.show()
    tty.ask("  Press Enter when it is written down: ")
