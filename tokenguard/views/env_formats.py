"""Variables in the syntax of their readers. Values contain no control characters here."""

import base64
import json
import secrets
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tokenguard.delivery.dotenv_text import with_value
from tokenguard.domain.encodings import forms
from tokenguard.errors import InputError

GITHUB = "github"
KUBERNETES = "k8s"


@dataclass(frozen=True, slots=True)
class EnvOutput:
    """The text for standard output, and the text to append to a file afterwards."""

    first: str
    then: str = ""


def shell(variables: Mapping[str, str]) -> str:
    """For `eval` in any POSIX shell."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())


def dotenv(variables: Mapping[str, str]) -> str:
    """For a .env file, in a form that all common readers parse alike; InputError if there is none."""
    text = ""
    for name, value in variables.items():
        try:
            text = with_value(text, name, value)
        except InputError:
            raise InputError(
                f"the value for {name} has characters that .env readers parse differently",
                hint="use --format shell or --format json",
            ) from None
    return text


def as_json(variables: Mapping[str, str]) -> str:
    """One JSON object."""
    return json.dumps(variables, indent=2) + "\n"


def gitlab(variables: Mapping[str, str]) -> str:
    """For `artifacts:reports:dotenv`, which has no quoting; mask the variables in the project's settings."""
    return "".join(f"{name}={value}\n" for name, value in variables.items())


def github(variables: Mapping[str, str]) -> EnvOutput:
    """Mask commands for every form of every value, and the text to append to `$GITHUB_ENV`."""
    masks = dict.fromkeys(form for value in variables.values() for form in _text_forms(value))
    lines = "".join(f"::add-mask::{_command_data(form)}\n" for form in masks)
    blocks = ""
    for name, value in variables.items():
        end = f"tokenguard_{secrets.token_hex(16)}"
        blocks += f"{name}<<{end}\n{value}\n{end}\n"
    return EnvOutput(lines, blocks)


def kubernetes(variables: Mapping[str, str], namespace: str, name: str) -> str:
    """A Secret for `kubectl apply --server-side --filename -`; JSON, which is YAML."""
    data = {key: base64.b64encode(value.encode()).decode() for key, value in variables.items()}
    metadata = {"name": name, "namespace": namespace}
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": data}
    return json.dumps(manifest, indent=2) + "\n"


FORMATS: dict[str, Callable[[Mapping[str, str]], str]] = {
    "shell": shell,
    "dotenv": dotenv,
    "json": as_json,
    "gitlab": gitlab,
}


def _text_forms(value: str) -> list[str]:
    """The forms that fit in one line of a log, the value itself first."""
    found = [value]
    for form in forms(value):
        try:
            text = form.decode()
        except UnicodeDecodeError:
            continue
        if text.isprintable():
            found.append(text)
    return found


def _command_data(text: str) -> str:
    """Escape a workflow command's data as the runner requires."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
