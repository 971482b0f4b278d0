"""`provider new`: asks for what a provider file needs, and writes it to begin with."""

import shlex
from pathlib import Path

import click

from tokenguard.cli.base import command, pass_wiring
from tokenguard.domain.names import segment
from tokenguard.errors import InputError
from tokenguard.files import shown, write_new
from tokenguard.frozen import replace
from tokenguard.shell.provider_descriptions import FileAnswers, new_description
from tokenguard.shell.tty import Tty
from tokenguard.shell.wiring import Wiring

_QUESTIONS = {
    "base_url": "address of the API, such as https://api.acme.example/v2 (empty: the example stays): ",
    "documentation": "page that documents it (empty: the example stays): ",
    "contract": "published OpenAPI description and its commit or date, if there is one (empty: none): ",
    "auth": "how requests carry a token: bearer, basic or header NAME (empty: bearer): ",
}
_CREATES = "who creates tokens, api or person (empty: api): "
_REVOKES = "who lists and revokes them, api or person (empty: api): "


@command("new")
@click.argument("name")
@click.option("--output", metavar="FILE", help="Write to this file, which must not exist, instead of standard output.")
@click.option("--base-url", default="", metavar="URL", help="What every request begins with.")
@click.option("--documentation", default="", metavar="URL", help="The vendor's page that describes the API.")
@click.option("--contract", default="", metavar="TEXT", help="A published OpenAPI description, and its commit or date.")
@click.option("--auth", default="", metavar="HOW", help="How requests carry a token: bearer, basic, header NAME.")
@click.option(
    "--by-person",
    type=click.Choice(["create", "all"]),
    default=None,
    help="create: only a person creates tokens; all: a person also lists and revokes them.",
)
@pass_wiring
def new(wiring: Wiring, /, name: str, *, output: str | None, by_person: str | None, **given: str) -> None:
    """Write a file that describes provider NAME, to begin with: an example of every key, with its explanation.

    On a terminal, options that are missing are asked for; an empty answer keeps the example. An answer that cannot be
    in a file is asked for again, and Ctrl-C prints the command with the answers so far. Replace what differs by what
    the provider's documentation says, leave out what it does not have, validate the file with `tokenguard provider
    lint`, and play it with `tokenguard provider test`.
    """
    segment(name, what="provider")
    if output is not None and Path(output).exists():
        raise _taken(output)
    answers = FileAnswers(**given, by_person=by_person or "")
    if wiring.tty is not None and output is not None:
        answers = _asked(wiring, wiring.tty, name, output, answers, by_person=by_person)
    if answers != FileAnswers():
        answers = replace(answers, today=f"{wiring.clock.now():%Y-%m-%d}")
    text = new_description(name, answers)
    if output is None:
        wiring.screen.text(text)
        return
    try:
        write_new(Path(output), text.encode())
    except OSError:
        raise _taken(output) from None
    wiring.progress.note(f"written to {shown(Path(output))}; validate it with: tokenguard provider lint {output}")


def _taken(output: str) -> InputError:
    return InputError(f"cannot create {shown(Path(output))}", hint="name a file that does not exist yet")


def _asked(
    wiring: Wiring, tty: Tty, name: str, output: str, answers: FileAnswers, *, by_person: str | None
) -> FileAnswers:
    """Ask for what was not given as an option; an interrupt later loses no answer."""
    for key, question in _QUESTIONS.items():
        while not getattr(answers, key):
            found = replace(answers, **{key: tty.ask(question).strip()})
            if getattr(found, key) == "":
                break
            try:
                new_description(name, found)
            except InputError as error:
                tty.show(f"  {error.message.partition(': ')[2] or error.message}; {error.hint}")
                continue
            answers = found
            wiring.unfinished = f"the answers so far: {_again(name, output, answers)}"
    if by_person is None and _is_person(tty, _CREATES):
        answers = replace(answers, by_person="create")
        wiring.unfinished = f"the answers so far: {_again(name, output, answers)}"
        answers = replace(answers, by_person="all" if _is_person(tty, _REVOKES) else "create")
    wiring.unfinished = ""
    return answers


def _is_person(tty: Tty, question: str) -> bool:
    while True:
        answer = tty.ask(question).strip().lower()
        if answer in {"", "api", "person"}:
            return answer == "person"


def _again(name: str, output: str, answers: FileAnswers) -> str:
    """The command that has the answers as options."""
    keys = (*_QUESTIONS, "by_person")
    options = [part for key in keys if (said := getattr(answers, key)) for part in (f"--{key.replace('_', '-')}", said)]
    return shlex.join(["tokenguard", "provider", "new", name, "--output", output, *options])
