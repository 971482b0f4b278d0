"""The use case of `init --ci`: writes a repository's pipeline files after showing a diff."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from tokenguard.errors import InputError, NeedsPerson
from tokenguard.frozen import Frozen
from tokenguard.provisioning.bootstrap import DEFAULT_IMAGE, UNKNOWN, Choice, FileChange, RepositoryFile, drafts
from tokenguard.text import diff_lines, pluralize
from tokenguard.usecases.confirm import confirm
from tokenguard.usecases.parts import HasBackend, HasEnvironment, HasPrinter, HasProgress, HasStoreUrl, HasTerminal
from tokenguard.usecases.working_tree import WorkingTree

_PACKAGE = Path(__file__).parents[1]
_TEMPLATES = (_PACKAGE / "_pipelines", _PACKAGE.parent / "pipelines")
"""In a wheel, and in a checkout."""
SYSTEMS = ("github", "gitlab")
_ADDRESS = "https://vault.example.org:8200"
_REPOSITORY = "OWNER/NAME"
_ACCOUNT = "000000000000"
_REQUIREMENT = "tokenguard-governance @ https://packages.invalid/fill-in"
"""Deliberately unresolvable placeholder: `tokenguard` on PyPI is an unrelated project."""


_PINNED = re.compile(r"[#&]sha256=[0-9a-f]{64}\b| --hash=sha256:[0-9a-f]{64}\b|(?:^| )git\+\S+@[0-9a-f]{40}(?![\w.-])")
"""Archives by hash; pip has no hash for a commit, which git verifies."""


class InitCiParts(HasBackend, HasEnvironment, HasPrinter, HasProgress, HasStoreUrl, HasTerminal, Protocol):
    """What this use case takes."""


class CiOptions(Frozen, frozen=True, kw_only=True):
    """The options of the command line; empty if not given."""

    system: str
    repository: str = ""
    number: str = ""
    branch: str = "main"
    account: str = ""
    requirement: str = ""
    image: str = ""


def bootstrap(parts: InitCiParts, wanted: CiOptions, *, yes: bool) -> None:
    """Show the changes, and write them after confirmation.

    Raises:
        InputError: not in a repository, the CI is not known, or a file cannot be read or written.
        NeedsPerson: not a terminal, and --yes was not given.
    """
    tree = WorkingTree(Path.cwd(), parts.environ)
    choice = _choice(parts, wanted, tree)
    found = drafts(choice, pipeline_template, tree.read)
    new = [each for each in found if each.fate in {FileChange.CREATE, FileChange.EXTEND}]
    if not parts.screen.as_json:
        _show(parts, found)
    if new and not yes:
        _accepted(parts, found)
    for each in new:
        tree.write(each.path, each.after)
    if parts.screen.as_json:
        _tell(parts, found, written=True)
    elif new:
        parts.screen.line(f"wrote {pluralize(len(new), 'file')}; nothing is committed")
        parts.screen.line(f"next: {_server_step(choice)}, then `tokenguard init`")
    for gap in _gaps(choice) if new else ():
        parts.progress.note(gap)


def _choice(parts: InitCiParts, wanted: CiOptions, tree: WorkingTree) -> Choice:
    host, path = tree.remote()
    system = wanted.system
    if system == "auto":
        system = next((each for each in SYSTEMS if each in host), "")
    if not system:
        raise InputError(
            "the git remote does not show which CI this repository uses", hint="give --ci github or --ci gitlab"
        )
    url = parts.store_url
    account = (wanted.account or _ACCOUNT) if parts.backend.roles_need_account else ""
    planner, rotator = parts.backend.job_roles(system, account)
    return Choice(
        system=system,
        store=url,
        address=_address(parts),
        repository=wanted.repository or path or _REPOSITORY,
        number=wanted.number or UNKNOWN,
        branch=wanted.branch,
        requirement=wanted.requirement or _REQUIREMENT,
        planner=planner,
        rotator=rotator,
        account=account,
        image=wanted.image or DEFAULT_IMAGE,
    )


def _address(parts: HasBackend) -> str:
    """The server that a pipeline has to be told: that of this machine's own configuration, if written out there."""
    known = parts.backend.server_address()
    if known is None:
        return ""
    return known if "://" in known else _ADDRESS


def pipeline_template(name: str) -> str:
    """The text of a template, by its path below `repository`."""
    found = next((folder for folder in _TEMPLATES if folder.is_dir()), _TEMPLATES[0])
    place = found / "repository" / name
    if not place.is_file():  # in a wheel, the lock lies among the templates
        place = found / place.name
    return place.read_text(encoding="utf-8")


def _show(parts: InitCiParts, found: tuple[RepositoryFile, ...]) -> None:
    for each in found:
        for line in diff_lines(each.path, each.before, each.after):
            parts.screen.line(line)
    for each in found:
        if each.fate is FileChange.LEFT:
            parts.progress.note(f"{each.path} exists with other content; it is not changed")
    if all(each.fate in {FileChange.SAME, FileChange.LEFT} for each in found):
        parts.screen.line("nothing to write")


def _accepted(parts: InitCiParts, found: tuple[RepositoryFile, ...]) -> None:
    if parts.tty is None:
        if parts.screen.as_json:
            _tell(parts, found, written=False)
        raise NeedsPerson(
            "Not a terminal: pass --yes to write; nothing was written",
            hint="review the diff, then run it again with --yes",
        )
    confirm(parts.tty, "write these files", undone="written")


def _tell(parts: HasPrinter, found: tuple[RepositoryFile, ...], *, written: bool) -> None:
    files = [{"path": each.path, "fate": each.fate} for each in found]
    parts.screen.document({"files": files, "written": written})


def _server_step(choice: Choice) -> str:
    if choice.account:
        return "`tokenguard setup --emit terraform`, for your IAM administrator"
    return "`tokenguard setup`, with the server administrator's login"


def _variable(choice: Choice) -> str:
    if choice.system == "github":
        return f"`gh variable set TOKENGUARD_SERVER --body {choice.address}`"
    return f"`glab variable set TOKENGUARD_SERVER {choice.address}`"


def _gaps(choice: Choice) -> Iterator[str]:
    """The values that a person has to fill in."""
    if choice.repository == _REPOSITORY:
        yield "server.yaml: fill in the repository; there is no git remote"
    if choice.number == UNKNOWN:
        yield "server.yaml: fill in the repository's number; `tokenguard setup` says where to find it"
    if choice.address:
        yield f"set the CI variable TOKENGUARD_SERVER to the address of Vault: {_variable(choice)}"
    if choice.requirement == _REQUIREMENT:
        yield "pipeline and hook: fill in the pip requirement (--requirement); PyPI's `tokenguard` is another project"
    elif not _PINNED.search(choice.requirement):
        yield "the jobs refuse to install a requirement without a hash: NAME @ URL#sha256=HASH, or git+URL@COMMIT"
    if choice.system == "gitlab":
        schedule = f"--cron '17 4 * * *' --ref {choice.branch} --description upkeep"
        yield f"create the schedule: `glab schedule create {schedule}`"
    if choice.system == "gitlab" and "@sha256:" not in choice.image:
        yield f"give the container image by digest (--image {choice.image}@sha256:DIGEST)"
    if choice.account == _ACCOUNT:
        yield "server.yaml and the pipeline: fill in the AWS account"
