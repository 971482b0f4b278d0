"""What is reported of something that was masked."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """One report of masking: which token, in what form and where, never the value."""

    name: str
    """The name the value was registered under; empty for a value that was known by its shape only."""
    mask: str
    """What stands in its place, without brackets."""
    form: str
    """`raw`, `base64`, `url` …; `pattern` for a shape."""
    channel: str
    """`logging:LOGGER`, `stdout`, `stderr`, `exception` …."""
    count: int
