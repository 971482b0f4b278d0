"""Why output was withheld: nothing may pass unmasked, and nothing may be lost without a word."""

from tokenguard.errors import ExitCode, TokenguardError


class OutputWithheld(TokenguardError):
    """A program was not started, or not all of its output was shown: its exit code must not be mistaken for that."""

    exit_code = ExitCode.CLOSED


def masking_failed() -> OutputWithheld:
    """The engine raised: what it was given, and all that came after it, is not shown."""
    return OutputWithheld(
        "masking failed, and all output from there on was withheld",
        hint="run it again, and report it if it fails again",
    )


def not_read() -> OutputWithheld:
    """What comes can be read no more."""
    return OutputWithheld("not all output could be read", hint="check the source of the output, and run it again")


def not_written() -> OutputWithheld:
    """The other end is there, and takes nothing: a full disk."""
    return OutputWithheld(
        "not all output could be written", hint="free space where the output goes, or send it elsewhere"
    )
