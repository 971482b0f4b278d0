"""`provider new`: asks for what a provider file needs, and writes it to begin with."""

import shlex
from pathlib import Path

import click

from tokenguard.cli.base import PATH_TEXT, command, pass_wiring
from tokenguard.domain.lookalikes import holds_issued, holds_opaque
from tokenguard.domain.names import segment
from tokenguard.errors import InputError
from tokenguard.files import not_written, shown, write_new
from tokenguard.frozen import replace
from tokenguard.shell.provider_descriptions import DescriptionOrigin, FileAnswers, new_description, origin_of
from tokenguard.shell.tty import Tty
from tokenguard.shell.wiring import Wiring

_QUESTIONS = {
    "base_url": "address of the API, such as https://api.acme.example/v2 (empty: the example stays): ",
    "documentation": "page that documents it (empty: the example stays): ",
    "contract": "published OpenAPI description and its commit or date, if there is one (empty: none): ",
    "auth": "how requests carry a token: bearer, basic or header NAME (empty: bearer): ",
}
_LOOKS_LIKE_A_VALUE = "  that looks like a token value, and no part of it was kept; a provider file holds no values"
_CREATES = "who creates tokens, api or person (empty: api): "
_REVOKES = "who lists and revokes them, api or person (empty: api): "


@command("new")
@click.argument("name")
@click.option(
    "--output",
    metavar="FILE",
    type=PATH_TEXT,
    help="Write to this file, which must not exist, instead of standard output.",
)
@click.option("--base-url", default="", metavar="URL", help="The base URL of every request.")
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
    """Write a template of the file that describes provider NAME: every key with an example and an explanation.

    On a terminal, options that are missing are asked for; an empty answer keeps the example. Invalid answers are asked
    for again, and Ctrl-C prints the command with the answers so far. Then adapt each key to the provider's
    documentation, remove the keys that do not apply, validate the file with `tokenguard provider lint`, and test it
    with `tokenguard provider test`.
    """
    segment(name, what="provider")
    _check_name(wiring, name)
    if output is not None:
        _check_output(Path(output))
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
    except OSError as error:
        raise not_written(Path(output), error) from None
    wiring.progress.step(f"written to {shown(Path(output))}; validate it with: tokenguard provider lint {output}")


def _check_name(wiring: Wiring, name: str) -> None:
    """Refuse the name of a built-in provider, which takes no file; warn of one that tokenguard describes already."""
    origin = origin_of(name)
    if origin is DescriptionOrigin.BUILT_IN:
        raise InputError(
            f"{name} is built in and takes no file", hint=f"see what it can do: tokenguard provider show {name}"
        )
    if origin is DescriptionOrigin.SHIPPED:
        wiring.progress.note(
            f"tokenguard includes a file for {name} (see `tokenguard provider show {name}`); your own file replaces it "
            "if the configuration names it"
        )


def _check_output(output: Path) -> None:
    """Refuse, before anything is asked, a file that cannot be created."""
    if not output.parent.is_dir():
        raise InputError(
            f"cannot create {shown(output)}: there is no such directory", hint="create the directory, or name another"
        )
    if output.exists():
        raise not_written(output, FileExistsError())


def _asked(
    wiring: Wiring, tty: Tty, name: str, output: str, answers: FileAnswers, *, by_person: str | None
) -> FileAnswers:
    """Ask for what was not given as an option; an interrupt later loses no answer."""
    wiring.unfinished = "nothing was written; run the command again"
    for key, question in _QUESTIONS.items():
        while not getattr(answers, key):
            answer = tty.ask(question, public=True).strip()
            if not answer:
                break
            if holds_issued(answer) or holds_opaque(answer):
                tty.show(_LOOKS_LIKE_A_VALUE)
                continue
            found = replace(answers, **{key: answer})
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
        answer = tty.ask(question, public=True).strip().lower()
        if answer in {"", "api", "person"}:
            return answer == "person"
        tty.show("  please answer api or person")


def _again(name: str, output: str, answers: FileAnswers) -> str:
    """The command that has the answers as options."""
    keys = (*_QUESTIONS, "by_person")
    options = [part for key in keys if (said := getattr(answers, key)) for part in (f"--{key.replace('_', '-')}", said)]
    return shlex.join(["tokenguard", "provider", "new", name, "--output", output, *options])
