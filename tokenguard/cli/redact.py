"""`redact`: masks token values between standard input and standard output, as data arrives."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click

from tokenguard.cli.base import PATH, command, pass_wiring
from tokenguard.cli.token_name import TOKEN_NAME
from tokenguard.domain.names import TokenName, token_id
from tokenguard.domain.secret import Secret
from tokenguard.errors import ExitCode, InputError, TokenguardError
from tokenguard.output.save_file import check_page
from tokenguard.ports.store import Store
from tokenguard.posix import IS_POSIX
from tokenguard.redaction.known import MaskedValue, MatchSource, opaque_id
from tokenguard.redaction.matcher import Matcher
from tokenguard.redaction.stream import StreamRedactor
from tokenguard.shell.wiring import Wiring
from tokenguard.streams.learn_values import OwnRedactor, Recognise
from tokenguard.streams.pump import Channel, Pump, run_one
from tokenguard.usecases.masked_values import known_values
from tokenguard.usecases.report_leaks import report_leaks
from tokenguard.usecases.token_lookup import known_token

_CHANNEL = "stdin"


@command("redact")
@click.option(
    "-t", "--token", "names", metavar="NAME", type=TOKEN_NAME, multiple=True, help="Mask this token's values."
)
@click.option("--all", "everything", is_flag=True, help="Mask the values of every token in the store.")
@click.option("--own", is_flag=True, help="Mask known tokens by their pulled fingerprints; needs no store.")
@click.option("--from-env", "variables", metavar="VAR", multiple=True, help="Mask the value of this variable.")
@click.option("--names", "show_names", is_flag=True, help="Show token names in masks, instead of ids.")
@click.option("--fail-on-leak", is_flag=True, help="Exit 1 if anything was masked.")
@click.option(
    "--report",
    metavar="FILE",
    type=PATH,
    help="Write a JSON list of what was masked, without the values, to this file.",
)
@pass_wiring
def redact(
    wiring: Wiring,
    names: tuple[TokenName, ...],
    variables: tuple[str, ...],
    report: Path | None,
    *,
    everything: bool,
    own: bool,
    show_names: bool,
    fail_on_leak: bool,
) -> int:
    """Copy standard input to standard output with values masked.

    Without options, credentials are recognised by their format only. Text that may be the start of a value is held back
    until decided; everything else is written immediately (with --own, one word at a time). Ctrl-C ends only the program
    before the pipe. Exit 125: masking or writing failed, and the rest of the output was withheld.
    """
    if report is not None:
        check_page(report)
    known = [_from_environment(wiring, name) for name in variables]
    if names or everything:
        snapshots = list(wiring.store.scan()) if everything else [known_token(wiring.store, name) for name in names]
        known += known_values(wiring.store, snapshots, show_names=show_names)
    stream = OwnRedactor(known, _own_tokens(wiring)) if own else StreamRedactor(Matcher.of(known))
    channel = Channel(_CHANNEL, os.dup(0), 1, stream)
    with _deaf_to_interrupts():
        Pump([channel]).run() if IS_POSIX else run_one(channel)
    found, audited = channel.stream.found, bool(names or everything)
    if own:
        found, recordable = _with_names(wiring, found)
        audited = audited or recordable
    masked = report_leaks(wiring, {_CHANNEL: found}, report, audited=audited)
    if channel.failure:
        raise channel.failure
    return ExitCode.FINDINGS if fail_on_leak and masked else ExitCode.OK


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Ignore Ctrl-C, which goes to every program of a pipe: the last output of the one before is masked too."""
    if os.isatty(0) or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _own_tokens(wiring: Wiring) -> Recognise:
    """The pulled fingerprints; InputError if there are none, or they have expired."""
    from tokenguard.detection.match import TextMatch  # only --own needs the scanner
    from tokenguard.scanning.known_token_stage import load_own_tokens  # only --own needs the scanner

    stage = load_own_tokens(wiring.scan_key(), wiring.clock.now(), required=True).stage

    def recognise(data: bytes) -> Iterator[tuple[str, Secret]]:
        for match in stage(data) if stage else ():
            if isinstance(match, TextMatch):
                yield match.facts["token"], match.value

    return recognise


def _with_names(wiring: Wiring, found: Counter[MatchSource]) -> tuple[Counter[MatchSource], bool]:
    """The values masked by fingerprint, under their tokens' names, and whether a store can record them.

    Only a named store is opened, without asking for a passphrase at the end of a pipe.
    """
    if not found or not (wiring.flags.store or wiring.environ.get("TOKENGUARD_STORE")):
        return found, False
    wiring.flags = replace(wiring.flags, no_input=True)
    named: Counter[MatchSource] = Counter()
    try:
        for source, count in found.items():
            named[source._replace(name=_name_of(wiring.store, source.name))] += count
    except TokenguardError as error:
        wiring.progress.note(f"the leaks could not be recorded: {error.message}")
        return found, False
    return named, True


def _name_of(store: Store, name: str) -> str:
    """The name of the token with that id; any other text, such as a variable's name, is returned unchanged."""
    try:
        return store.load(token_id(name)).document.record.name
    except InputError:
        return name


def _from_environment(wiring: Wiring, name: str) -> MaskedValue:
    value = wiring.environ.get(name, "")
    if not value:
        raise InputError("a variable of --from-env is not set", hint="set the variable, or leave the option out")
    return MaskedValue(id=opaque_id(name), name=name, secret=Secret(value))
