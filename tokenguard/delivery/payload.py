"""What of a value is handed over: its one text, checked once more on its way out."""

import json

from tokenguard.domain.secret import Value
from tokenguard.domain.shape import check_value
from tokenguard.errors import InputError


def one_text(value: Value) -> str:
    """The text of a value that has a single field; InputError if there are several, or it cannot be one line."""
    if len(value.names) > 1:
        raise InputError(
            f"the value has several fields ({', '.join(value.names)}), the target takes one",
            hint="deliver it with a command (`command:NAME`), which takes them all as JSON on stdin",
        )
    return check_value(value.token.reveal())


def as_stdin(value: Value) -> bytes:
    """What a command reads: the text alone without a newline, or one JSON object when there are several fields."""
    if len(value.names) == 1:
        return one_text(value).encode()
    return json.dumps({name: value.field(name).reveal() for name in value.names}).encode()
