"""Just enough of a shell's grammar to tell what a line of a CI script would print. No line is ever run."""

import re
from collections.abc import Iterator

_BREAKS = ("&&", "||", ";;", ";", "|&", "|", "&", "\n")
_OPENERS = re.compile(r"^(?:(?:then|do|else|if|while|until|!|\{|\(|time|command|builtin|sudo)(?=\s)\s*|[({]\s*)+")
_ASSIGNMENTS = re.compile(r"^(?:[A-Za-z_]\w*=(?:\"[^\"]*\"|'[^']*'|[^\s\"']*)\s+)+")
_TO_A_FILE = re.compile(r"(?<![0-9&])1?>>?\s*(?!&[12]\b|/dev/(?:std(?:out|err)|tty)\b)\S")


class ShellCommand:
    """One simple command of a pipeline.

    Args:
        text: as it was written, without what joins it to others.
    """

    def __init__(self, text: str) -> None:
        self.text = _ASSIGNMENTS.sub("", _OPENERS.sub("", text.strip()))
        self.words = self.text.split()
        self.name = self.words[0].rpartition("/")[2] if self.words else ""

    @property
    def writes_to_a_file(self) -> bool:
        """Whether its output goes somewhere else than into the log."""
        return _TO_A_FILE.search(_unquoted(self.text, blank=True)) is not None

    @property
    def expanded(self) -> str:
        """Its text without what single quotes keep from being expanded."""
        return _unquoted(self.text, blank=False)


def pipelines(line: str) -> Iterator[list[ShellCommand]]:
    """The pipelines of a line, each with its commands in order."""
    pipeline: list[ShellCommand] = []
    for text, joint in _pieces(line):
        pipeline.append(ShellCommand(text))
        if joint not in {"|", "|&"}:
            yield pipeline
            pipeline = []
    if pipeline:
        yield pipeline


def _pieces(line: str) -> Iterator[tuple[str, str]]:
    """What stands between the operators, each with the operator that follows it."""
    begun = at = depth = 0
    quote = ""
    while at < len(line):
        char, step = line[at], 1
        if char == "\\" and quote != "'":
            step = 2
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif line.startswith(("${{", "$("), at):
            depth += 1
        elif char in "})" and depth:
            depth -= line.startswith("}}", at) or char == ")"
        elif not depth and (joint := _joint(line, at)):
            yield line[begun:at], joint
            step = len(joint)
            begun = at + step
        at += step
    yield line[begun:], ""


def _joint(line: str, at: int) -> str:
    """The operator that begins here; the `&` of a redirection is none."""
    if line[at] == "&" and (line[at - 1 : at] in {">", "<"} or line[at + 1 : at + 2] == ">"):
        return ""
    return next((each for each in _BREAKS if line.startswith(each, at)), "")


def _unquoted(text: str, *, blank: bool) -> str:
    """The text without single-quoted parts; with `blank`, without double-quoted ones too."""
    parts, quote = [], ""
    for char in text:
        if quote:
            quote = "" if char == quote else quote
            keep = quote == '"' and not blank
        elif char in "'\"":
            quote, keep = char, False
        else:
            keep = True
        parts.append(char if keep else "")
    return "".join(parts)
