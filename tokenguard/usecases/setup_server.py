"""The use case of `setup`: compares the server with its declaration, writes differences, verifies them."""

from pathlib import Path
from typing import Any, Protocol

from tokenguard.errors import InputError, Unreachable
from tokenguard.files import read_named
from tokenguard.frozen import Frozen
from tokenguard.provisioning.server_setup.declared import ServerSetup
from tokenguard.provisioning.server_setup.server_file import MAX_BYTES, read_setup
from tokenguard.provisioning.server_setup.setup_diff import Change, Step, step, steps
from tokenguard.provisioning.server_setup.setup_target import SetupServer
from tokenguard.provisioning.server_setup.vault_setup import Resource
from tokenguard.usecases.confirm import confirm
from tokenguard.usecases.parts import HasPrinter, HasProgress, HasServerSetup, HasStoreUrl, HasTerminal

_SIGNS = {Change.CREATE: "+", Change.CHANGE: "~", Change.BLOCKED: "!"}


class SetupServerParts(HasPrinter, HasProgress, HasServerSetup, HasStoreUrl, HasTerminal, Protocol):
    """What this use case takes."""


class SetupDiff(Frozen, frozen=True, kw_only=True):
    """A declaration compared with its server."""

    store: str
    steps: tuple[Step, ...]
    done: tuple[str, ...] = ()
    """The titles of the parts that were written."""

    @property
    def open(self) -> tuple[Step, ...]:
        """The parts that differ."""
        return tuple(each for each in self.steps if each.change is not Change.NONE)

    @property
    def blocked(self) -> tuple[Step, ...]:
        """The parts of another type, which are never changed."""
        return tuple(each for each in self.steps if each.change is Change.BLOCKED)


def held(parts: SetupServerParts, file: str) -> SetupDiff:
    """Compare the file with the server.

    Raises:
        InputError: the file is invalid, or the store has no server that tokenguard configures.
        Unreachable: the server cannot be reached, or the login may not read its configuration.
    """
    setup = setup_in(Path(file))
    resources = parts.server_setup.resources(setup)
    return SetupDiff(store=parts.store_url, steps=steps(resources, parts.server_setup.server().read))


def perform(parts: SetupServerParts, found: SetupDiff, *, ask: bool) -> SetupDiff:
    """Write the parts that differ, and verify each.

    Raises:
        InputError: a part of another type is in the way, or the server refuses the first part.
        NeedsPerson: it was not confirmed.
        Unreachable: the server denies a part, did not store it as written, or refuses one after others were written.
    """
    if found.blocked or not found.open:
        return found
    if ask:
        _confirm(parts, found)
    server = parts.server_setup.server()
    done: list[str] = []
    after: list[Step] = []
    for each in found.steps:
        if each.change is Change.NONE:
            after.append(each)
            continue
        try:
            result = _written(server, each.resource)
        except (InputError, Unreachable) as error:
            if not done:
                raise
            told = f"{error.message}; written before: {', '.join(done)}"
            raise Unreachable(told, hint=f"{error.hint}; then run the command again for the rest") from None
        parts.progress.step(f"wrote the {each.resource.title}")
        done.append(each.resource.title)
        after.append(result)
    return SetupDiff(store=found.store, steps=tuple(after), done=tuple(done))


def _written(server: SetupServer, resource: Resource) -> Step:
    """What the server has after writing a part."""
    server.write(resource)
    result = step(resource, server.read(resource))
    if result.change is not Change.NONE:
        raise Unreachable(
            f"Vault accepted the {resource.title} and returns it with differences ({', '.join(result.differs)})",
            hint="see the server's log; parts written before are kept",
        )
    return result


def show(parts: HasPrinter, found: SetupDiff) -> None:
    """Print the differences: names and fields, no content."""
    if parts.screen.as_json:
        parts.screen.document(
            {"store": found.store, "changes": [_told(each) for each in found.open], "done": found.done}
        )
        return
    for each in found.open:
        differs = f": {', '.join(each.differs)}" if each.differs else ""
        parts.screen.line(f"{_SIGNS[each.change]} {each.resource.title}{differs}")
    same = len(found.steps) - len(found.open)
    if not found.open:
        parts.screen.line(f"the server matches its declaration ({same} parts)")
    elif not found.blocked:
        parts.screen.line(f"{len(found.open)} to write, {same} as declared; `tokenguard setup --apply` writes them")


def terraform_document(parts: HasServerSetup, file: str) -> dict[str, Any]:
    """The declaration as Terraform JSON; InputError if file or store do not match."""
    return parts.server_setup.terraform(setup_in(Path(file)), file)


def _told(each: Step) -> dict[str, Any]:
    return {
        "change": each.change, "kind": each.resource.kind, "name": each.resource.name, "path": each.resource.path,
        "differs": each.differs,
        "wanted": each.resource.wanted,
    }  # fmt: skip


def _confirm(parts: SetupServerParts, found: SetupDiff) -> None:
    """Ask for confirmation on a terminal; in a pipeline, running the command is the confirmation."""
    if parts.tty is None:
        return
    if not parts.screen.as_json:
        show(parts, found)
    confirm(parts.tty, "write these changes", undone="written")


def setup_in(path: Path) -> ServerSetup:
    """The set-up in a file; InputError if it cannot be read or is not acceptable."""
    data = read_named(path, MAX_BYTES, hint="name the file, or begin with `tokenguard init --ci github`")
    return read_setup(data, source=path.name)
