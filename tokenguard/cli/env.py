"""`env`: exports tokens as variables, in the syntax of their reader."""

import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

import click

from tokenguard.cli.base import PATH, RenamedOption, break_glass_option, command, pass_wiring
from tokenguard.cli.token_option import ASKED
from tokenguard.delivery.targets import SECRET_PLACE
from tokenguard.errors import InputError, TokenguardError
from tokenguard.files import create_private, make_private_dir
from tokenguard.shell.wiring import Wiring
from tokenguard.streams.pump import write_all
from tokenguard.usecases.disclose import Disclosure, authorise_disclosure
from tokenguard.usecases.requested_token import RequestedToken
from tokenguard.views.env_formats import FORMATS, GITHUB, KUBERNETES, EnvOutput, github, kubernetes

_SYSTEMD = "systemd"
_SECRET = re.compile(SECRET_PLACE, re.ASCII)


@command("env")
@click.option(
    "-t",
    "--token",
    "asked",
    metavar="NAME[=VARIABLE]",
    type=ASKED,
    multiple=True,
    required=True,
    help="The token to export, and its variable.",
)
@click.option(
    "--format",
    "kind",
    cls=RenamedOption,
    former=("--as",),
    type=click.Choice([*FORMATS, GITHUB, KUBERNETES, _SYSTEMD]),
    default="shell",
    show_default=True,
    help="Output format.",
)
@click.option(
    "--output",
    "directory",
    cls=RenamedOption,
    former=("--dir",),
    metavar="DIR",
    type=PATH,
    help="With --format systemd: the directory to write to.",
)
@click.option("--secret", metavar="NAMESPACE/NAME", default="", help="With --format k8s: the Secret to write.")
@break_glass_option
@pass_wiring
def env(wiring: Wiring, asked: tuple[RequestedToken, ...], kind: str, directory: Path | None, secret: str) -> None:
    """Export tokens as variables: for a shell, a .env file, a program that reads JSON, a cluster or a CI system.

    Values are never written to a terminal: use a pipe, a file, or `eval "$(tokenguard env -t NAME)"`. For GitHub, the
    command masks every form of a value in the log before it writes $GITHUB_ENV. For systemd, each variable gets a
    private file for LoadCredential=. For k8s, the output is the manifest of a Secret.
    """
    place = _SECRET.fullmatch(secret)
    if (kind == KUBERNETES) != (place is not None) or (secret and place is None):
        raise InputError(
            "--secret NAMESPACE/NAME and --format k8s go together",
            hint="for example --format k8s --secret video/publisher",
        )
    if (kind == _SYSTEMD) != (directory is not None):
        raise InputError("--output DIR and --format systemd go together", hint="give both or neither")
    covered = [("directory", str(directory.absolute()))] if directory is not None else []
    covered += [("secret", secret)] if secret else []
    approved = authorise_disclosure(wiring, asked, f"env:{kind}", *covered)
    disclosure = Disclosure(wiring, asked, f"env:{kind}", approved)
    variables = _checked(disclosure.variables())
    if kind == _SYSTEMD and directory is not None:
        _disclose(disclosure, lambda: _write_files(directory.absolute(), variables))
        return
    written = _written(kind, variables, place)
    environment_file = _github_file(wiring) if kind == GITHUB else None
    if kind != GITHUB and os.isatty(1):
        raise InputError(
            "values are not written to a terminal", hint="write to a pipe or file, or use `show --reveal` on a terminal"
        )

    def write() -> None:
        write_all(1, written.first.encode())
        if environment_file is not None:
            _append(environment_file, written.then)

    _disclose(disclosure, write)


def _written(kind: str, variables: dict[str, str], secret: re.Match[str] | None) -> EnvOutput:
    if secret is not None:
        return EnvOutput(kubernetes(variables, namespace=secret["namespace"], name=secret["secret"]))
    return github(variables) if kind == GITHUB else EnvOutput(FORMATS[kind](variables))


def _checked(variables: dict[str, str]) -> dict[str, str]:
    for name, value in variables.items():
        if any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in value):
            raise InputError(
                f"the value for {name} contains a control character",
                hint="it could inject another line into the output; use another --format",
            )
    return variables


def _disclose(disclosure: Disclosure, write: Callable[[], None]) -> None:
    disclosure.intend()
    try:
        write()
    except (OSError, TokenguardError) as error:
        disclosure.happened("failed")
        if isinstance(error, TokenguardError | BrokenPipeError):
            raise
        raise InputError(
            "the variables cannot be written",
            hint="check the destination's permissions and free space, and try again",
        ) from None
    disclosure.happened("written")


def _github_file(wiring: Wiring) -> Path:
    named = wiring.environ.get("GITHUB_ENV", "")
    if wiring.environ.get("GITHUB_ACTIONS") != "true" or not named:
        raise InputError(
            "this is not a GitHub Actions runner",
            hint="use another --format: outside GitHub Actions the mask commands would print the values",
        )
    return Path(named)


def _append(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        write_all(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _write_files(directory: Path, variables: dict[str, str]) -> None:
    make_private_dir(directory)
    for name, value in variables.items():
        place = directory / name
        place.unlink(missing_ok=True)
        create_private(place, value.encode())
