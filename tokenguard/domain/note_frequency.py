"""When scans say that known tokens are not searched for."""

from enum import StrEnum, unique


@unique
class NoteFrequency(StrEnum):
    """`once`: on this machine, and again after they were searched for."""

    ONCE = "once"
    ALWAYS = "always"
    NEVER = "never"
