"""What a command answered: its exit code and what it wrote."""

import json
from dataclasses import dataclass
from typing import Any

from tokenguard.cli.app import COMMANDS


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str
    arguments: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """The command that was called; empty where only the program itself was."""
        return next((word for word in self.arguments if word in COMMANDS), "")

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> str:
        return next((line for line in self.err.splitlines() if line.startswith("error: ")), "")

    @property
    def hint(self) -> str:
        return next((line for line in self.err.splitlines() if line.startswith("hint: ")), "")


class Refusal(str):
    """The text of an error, and the answer that it stood in."""

    __slots__ = ("answer",)
    answer: Answer

    @classmethod
    def of(cls, answer: Answer) -> "Refusal":
        refusal = cls(answer.error.removeprefix("error: "))
        refusal.answer = answer
        return refusal
