"""The terminal port: short questions to the person who runs a command."""

from typing import Protocol

from tokenguard.domain.secret import Secret


class Terminal(Protocol):
    """The terminal of a person who may be asked. Every question can be interrupted (KeyboardInterrupt)."""

    def show(self, text: str = "") -> None:
        """Print lines to the person; control characters become visible."""
        ...

    def ask(self, prompt: str, *, public: bool = False) -> str:
        """Ask for one line, without the spaces around it. What is pasted is shown only where the answer is `public`."""
        ...

    def ask_hidden(self, prompt: str) -> Secret:
        """Ask for one line without showing it; InputError if it is longer than a terminal hands over whole."""
        ...
