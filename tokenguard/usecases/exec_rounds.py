"""Runs the child of `exec` with current values; signals or restarts it when they change."""

import signal
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tokenguard.errors import TokenguardError
from tokenguard.process import inherited_umask
from tokenguard.redaction.known import MaskedValue, MatchSource
from tokenguard.redaction.matcher import Matcher, formats_only
from tokenguard.streams.child import run_masked, run_unmasked
from tokenguard.streams.environment import child_environment
from tokenguard.streams.program import Ended, Program
from tokenguard.streams.token_watch import TokenWatch
from tokenguard.text import safe_text
from tokenguard.usecases.parts import HasClock, HasEnvironment, HasProgress, HasSecondPerson, HasSettings, HasStore
from tokenguard.usecases.requested_token import RequestedToken

if TYPE_CHECKING:  # a program that is given no token starts without what reads and records them
    from tokenguard.usecases.disclose import Disclosure
    from tokenguard.usecases.mask_files import OutputFolder

RESTART = "restart"
ON_ROTATE = {"signal": signal.SIGHUP, RESTART: signal.SIGTERM}
"""The signal to the child after a token was replaced."""
_GRACE = 10.0
"""Seconds that a child has to exit before it is killed."""


class ExecRoundsParts(HasClock, HasEnvironment, HasProgress, HasSecondPerson, HasSettings, HasStore, Protocol):
    """What this use case takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSettings:
    """How a child is run."""

    show_names: bool
    masked: bool
    on_rotate: str | None
    check_every: int
    mask_files: Sequence[Path] = ()
    """Folders whose new files are masked at the end."""


def run_disclosed(
    parts: ExecRoundsParts,
    asked: Sequence[RequestedToken],
    program: Sequence[str],
    keep: Sequence[str],
    settings: ChildSettings,
) -> Ended:
    """Run a program with tokens, restarting it on demand; returns its exit and everything that was masked.

    Raises:
        TokenguardError: the child could not be started, or its tokens could not be read or recorded.
    """
    folders = _folders(settings)
    if asked:
        ended, matcher = _run_with_tokens(parts, asked, program, keep, settings)
    else:
        ended, matcher = _run(_program(parts, program, {}, keep), formats_only(), settings), formats_only()
    if not folders:
        return ended
    from tokenguard.usecases.mask_files import mask_output

    return mask_output(parts, folders, matcher, ended)


def _folders(settings: ChildSettings) -> "list[OutputFolder]":
    if not settings.mask_files:
        return []
    from tokenguard.usecases.mask_files import OutputFolder

    return [OutputFolder(path) for path in settings.mask_files]


def _run_with_tokens(
    parts: ExecRoundsParts,
    asked: Sequence[RequestedToken],
    program: Sequence[str],
    keep: Sequence[str],
    settings: ChildSettings,
) -> tuple[Ended, Matcher]:
    """Run it until it need not be restarted; returns its last exit, and what masks the values of all rounds."""
    from tokenguard.usecases.disclose import Disclosure, authorise_disclosure, command_line

    found: dict[str, Counter[MatchSource]] = {}
    known: list[MaskedValue] = []
    to = f"exec {safe_text(Path(program[0]).name, one_line=True)}"
    approved = authorise_disclosure(parts, asked, to, command_line(program))
    while True:
        disclosure = Disclosure(parts, asked, "exec", approved)
        what = _program(parts, program, disclosure.variables(), keep)
        _learn(parts, disclosure, known, settings)
        watch = _watch(parts, disclosure, known, settings)
        disclosure.intend()
        try:
            ended = _run(what, Matcher.of(known), settings, watch)
        except TokenguardError:
            disclosure.happened("not started")
            raise
        disclosure.happened(f"exit {ended.code}")
        for channel, counts in ended.found.items():
            found.setdefault(channel, Counter()).update(counts)
        if ended.failure or watch is None or not watch.fired or settings.on_rotate != RESTART:
            return replace(ended, found=found), Matcher.of(known)
        parts.progress.note("a token was replaced: restarting the program")


def _program(parts: ExecRoundsParts, argv: Sequence[str], given: Mapping[str, str], keep: Sequence[str]) -> Program:
    environment = child_environment(parts.environ, given, keep, withheld=parts.settings.credential_variables())
    return Program(argv=argv, environment=environment, umask=inherited_umask())


def _run(program: Program, matcher: Matcher, settings: ChildSettings, watch: TokenWatch | None = None) -> Ended:
    return run_masked(program, matcher, watch) if settings.masked else run_unmasked(program)


def _learn(parts: HasStore, disclosure: "Disclosure", known: list[MaskedValue], settings: ChildSettings) -> None:
    """Add new values to the masks."""
    if settings.masked:
        from tokenguard.usecases.masked_values import known_values

        snapshots = [given.snapshot for given in disclosure.given]
        fresh = known_values(parts.store, snapshots, show_names=settings.show_names)
        known += [each for each in fresh if not any(each.secret == old.secret for old in known)]


def _watch(
    parts: ExecRoundsParts, disclosure: "Disclosure", known: list[MaskedValue], settings: ChildSettings
) -> TokenWatch | None:
    if settings.on_rotate is None:
        return None
    from tokenguard.usecases.disclose import Disclosure

    held = {given.snapshot.id: given.live for given in disclosure.given}

    def look() -> Matcher | None:
        try:
            live = {token: parts.store.read_live(token) for token in held}
            if all(each is None or each == held[token] for token, each in live.items()):
                return None
            again = Disclosure(parts, [given.asked for given in disclosure.given], "exec", {})
            _learn(parts, again, known, settings)
        except TokenguardError:
            return None  # the next check may succeed; the child continues with its values
        held.update({token: each for token, each in live.items() if each is not None})
        return Matcher.of(known)

    grace = _GRACE if settings.on_rotate == RESTART else None
    return TokenWatch(look=look, tell=ON_ROTATE[settings.on_rotate], every=settings.check_every, grace=grace)
