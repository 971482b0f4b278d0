"""Renders the files that a repository needs to declare and apply tokens in its pipeline. Pure."""

import json
import re
from collections.abc import Callable, Mapping
from enum import StrEnum, unique

from tokenguard.errors import InputError
from tokenguard.frozen import Frozen

_MARK = re.compile(r"@([A-Z_]+)@")
_PLAIN = re.compile(r"[A-Za-z0-9 ._:/@=<>!~,;+%#\[\]-]*", re.ASCII)
_FILES = {
    "tokens.yaml": "tokens.yaml",
    "server.yaml": "server.yaml",
    ".tokenguard/policy.yaml": "policy.yaml",
    ".tokenguard.toml": "demands.toml",
    ".pre-commit-config.yaml": "pre-commit.yaml",
    ".gitignore": "gitignore",
}
_LOCK = ".tokenguard/requirements.txt"
_LOCK_TEMPLATE = "../../requirements/base.txt"
_LOCK_HEADER = (
    "# Packages that the jobs install in addition to tokenguard, as locked by the version that wrote this file.\n"
)
_OF_SYSTEM = {
    "github": {".github/workflows/tokens.yml": "github-workflow.yml"},
    "gitlab": {".gitlab/tokens.yml": "../gitlab-component.yml", ".gitlab-ci.yml": "gitlab-ci.yml"},
}
_SERVER = {
    "github": {
        "REPOSITORY_KEY": "repository", "NUMBER_KEY": "repository_id", "WORKFLOW": ".github/workflows/tokens.yml",
        "ENVIRONMENTS": "[tokens, tokens-schedule]",
    },
    "gitlab": {
        "REPOSITORY_KEY": "project", "NUMBER_KEY": "project_id", "WORKFLOW": ".gitlab-ci.yml",
        "ENVIRONMENTS": "[tokens]",
    },
}  # fmt: skip
UNKNOWN = "0"
"""A number that nothing has: `setup` refuses it and says where the right one is found."""
DEFAULT_IMAGE = "python:3.12"
LINES = ".gitignore"
"""The file whose lines are added to what is there."""


class Choice(Frozen, frozen=True, kw_only=True):
    """What differs from one repository to another."""

    system: str
    store: str
    address: str
    """Of the Vault, for the CI's variable and no file; empty on AWS."""
    repository: str
    number: str
    branch: str
    requirement: str
    """What pip installs."""
    planner: str
    rotator: str
    account: str = ""
    """On AWS."""
    image: str = DEFAULT_IMAGE
    """On GitLab."""


@unique
class FileChange(StrEnum):
    """What becomes of a file."""

    CREATE = "create"
    EXTEND = "extend"
    SAME = "same"
    LEFT = "left"
    """It exists with other content, and is not changed."""


class RepositoryFile(Frozen, frozen=True, kw_only=True):
    """One file of the repository."""

    path: str
    before: str | None
    after: str
    fate: FileChange


def drafts(
    choice: Choice, template: Callable[[str], str], read: Callable[[str], str | None]
) -> tuple[RepositoryFile, ...]:
    """Every file, held against what is there.

    Args:
        choice: what differs from one repository to another.
        template: the text of a template.
        read: the text of a file of the repository, None if there is none; its exceptions pass through.

    Raises:
        InputError: something chosen cannot stand in these files.
    """
    made = files(choice, template)
    return tuple(_draft(path, read(path), text) for path, text in made.items())


def files(choice: Choice, template: Callable[[str], str]) -> dict[str, str]:
    """The text of every file, by its path; InputError if something chosen cannot stand in them."""
    words = _words(choice)
    for text in words.values():
        if not _PLAIN.fullmatch(text):
            raise InputError("a value for the pipeline is not plain text", hint="no quotes, no line breaks")
    config = "vault.toml" if choice.address else "aws.toml"
    names = {**_FILES, ".tokenguard/ci.toml": config, **_OF_SYSTEM[choice.system]}
    made = {path: _filled(template(name), words) for path, name in names.items()}
    made[_LOCK] = _LOCK_HEADER + _without_header(template(_LOCK_TEMPLATE))
    if choice.account:
        owner = f"  github_owner_id: {UNKNOWN}\n" if choice.system == "github" else ""
        made["server.yaml"] += f"\naws:\n  account: {json.dumps(choice.account)}\n{owner}"
    return made


def _words(choice: Choice) -> Mapping[str, str]:
    audience = "sts.amazonaws.com" if choice.account else "tokenguard"
    credential = f"github-oidc:{audience}" if choice.system == "github" else "env:TOKENGUARD_ID_TOKEN"
    return {
        "SYSTEM": choice.system, "STORE": choice.store, "REPOSITORY": choice.repository,
        "NUMBER": choice.number, "BRANCH": choice.branch, "REQUIREMENT": choice.requirement,
        "HOOK_REQUIREMENT": choice.requirement.partition(" --hash=")[0], "IMAGE": choice.image,
        "PLANNER": choice.planner, "ROTATOR": choice.rotator, "CREDENTIAL": credential, "AUDIENCE": audience,
        **_SERVER[choice.system],
    }  # fmt: skip


def _without_header(lock: str) -> str:
    """A lock without the lines that say how it was made."""
    lines = lock.splitlines(keepends=True)
    return "".join(lines[next((at for at, line in enumerate(lines) if not line.startswith("#")), 0) :])


def _filled(text: str, words: Mapping[str, str]) -> str:
    return _MARK.sub(lambda found: words[found[1]], text)


def _draft(path: str, before: str | None, wanted: str) -> RepositoryFile:
    if before is None:
        return RepositoryFile(path=path, before=None, after=wanted, fate=FileChange.CREATE)
    if path == LINES:
        missing = [line for line in wanted.splitlines() if line not in before.splitlines()]
        begun = before if before.endswith("\n") or not before else f"{before}\n"
        after = begun + "".join(f"{line}\n" for line in missing) if missing else before
    else:
        after = wanted
    if after == before:
        return RepositoryFile(path=path, before=before, after=before, fate=FileChange.SAME)
    fate = FileChange.EXTEND if path == LINES else FileChange.LEFT
    return RepositoryFile(path=path, before=before, after=after if fate is FileChange.EXTEND else before, fate=fate)
