"""A token that a command was asked to give to a program or a file."""

from dataclasses import dataclass

from tokenguard.domain.names import TokenName
from tokenguard.domain.secret import Value


@dataclass(frozen=True, slots=True)
class RequestedToken:
    """A token and the variable that receives its value."""

    name: TokenName
    variable: str

    def variables(self, value: Value) -> dict[str, str]:
        """Variable to text; a multi-field value takes one variable per field."""
        if len(value.names) == 1:
            return {self.variable: value.token.reveal()}
        return {f"{self.variable}_{name.upper()}": value.field(name).reveal() for name in value.names}
