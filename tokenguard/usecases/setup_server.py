"""The use case of `setup`: read the server, tell what differs, write it, look again."""

from pathlib import Path
from typing import Any

from tokenguard.errors import InputError, Unreachable
from tokenguard.frozen import Frozen
from tokenguard.provisioning.server_setup.setup_diff import Change, Step, step, steps
from tokenguard.provisioning.server_setup.terraform import of_aws, of_vault
from tokenguard.shell.confirm import confirm
from tokenguard.shell.server_setup import VaultServer, setup_in, vault_resources, vault_server
from tokenguard.shell.store_url import is_on_aws, is_on_vault
from tokenguard.shell.wiring import Wiring

_SIGNS = {Change.CREATE: "+", Change.CHANGE: "~", Change.BLOCKED: "!"}


class SetupDiff(Frozen, frozen=True, kw_only=True):
    """A set-up, held against its server."""

    store: str
    steps: tuple[Step, ...]
    done: tuple[str, ...] = ()
    """What was written, by its title."""

    @property
    def open(self) -> tuple[Step, ...]:
        """What is not as it should be."""
        return tuple(each for each in self.steps if each.change is not Change.NONE)

    @property
    def blocked(self) -> tuple[Step, ...]:
        """What is something else, and stays so."""
        return tuple(each for each in self.steps if each.change is Change.BLOCKED)


def held(wiring: Wiring, file: str) -> SetupDiff:
    """Read the file and the server.

    Raises:
        InputError: the file is not acceptable, or the store is not on a server that is set up from here.
        Unreachable: the server cannot be asked, or the login may not look.
    """
    setup = setup_in(Path(file))
    _check_place(wiring)
    server = _server(wiring)
    return SetupDiff(store=wiring.store_url, steps=steps(vault_resources(setup, wiring.store_url), server.read))


def perform(wiring: Wiring, found: SetupDiff, *, ask: bool) -> SetupDiff:
    """Write what differs, one after another, and look whether it is so.

    Raises:
        InputError: something else is in the way, nobody confirmed it, or the server does not take it.
        Unreachable: the server does not let us, or did not do what it was asked.
    """
    if found.blocked or not found.open:
        return found
    if ask:
        _confirm(wiring, found)
    server = _server(wiring)
    done, after = [], []
    for each in found.steps:
        if each.change is Change.NONE:
            after.append(each)
            continue
        server.write(each.resource)
        result = step(each.resource, server.read(each.resource))
        if result.change is not Change.NONE:
            raise Unreachable(
                f"the vault took the {each.resource.title} and shows it otherwise ({', '.join(result.differs)})",
                hint="see the server's log; what was written before stays",
            )
        wiring.progress.step(f"wrote the {each.resource.title}")
        done.append(each.resource.title)
        after.append(result)
    return SetupDiff(store=found.store, steps=tuple(after), done=tuple(done))


def show(wiring: Wiring, found: SetupDiff) -> None:
    """Tell what differs; names and fields, no content."""
    if wiring.screen.as_json:
        wiring.screen.document(
            {"store": found.store, "changes": [_told(each) for each in found.open], "done": found.done}
        )
        return
    for each in found.open:
        differs = f": {', '.join(each.differs)}" if each.differs else ""
        wiring.screen.line(f"{_SIGNS[each.change]} {each.resource.title}{differs}")
    same = len(found.steps) - len(found.open)
    if not found.open:
        wiring.screen.line(f"the server is as declared ({same} parts)")
    elif not found.blocked:
        wiring.screen.line(f"{len(found.open)} to write, {same} as declared; `tokenguard setup --apply` does it")


def emitted(wiring: Wiring, file: str) -> dict[str, Any]:
    """The set-up as Terraform's JSON; InputError if the file or the store does not fit."""
    setup = setup_in(Path(file))
    if is_on_aws(wiring.store_url):
        from tokenguard.shell.aws_store import roles_of  # for this kind of store only

        if not setup.aws_account:
            raise InputError(f"{file} does not name the account", hint='write `aws: {account: "123456789012"}`')
        return of_aws(setup, roles_of(setup, wiring.store_url))
    _check_place(wiring)
    return of_vault(vault_resources(setup, wiring.store_url))


def _told(each: Step) -> dict[str, Any]:
    return {
        "change": each.change, "kind": each.resource.kind, "name": each.resource.name, "path": each.resource.path,
        "differs": each.differs,
        "wanted": each.resource.wanted,
    }  # fmt: skip


def _confirm(wiring: Wiring, found: SetupDiff) -> None:
    """Ask the person who is there; a pipeline has said what it wants by running the command."""
    if wiring.tty is None:
        return
    if not wiring.screen.as_json:
        show(wiring, found)
    confirm(wiring.tty, "write this", undone="written")


def _check_place(wiring: Wiring) -> None:
    if is_on_aws(wiring.store_url):
        raise InputError(
            "IAM is not changed from here", hint="`tokenguard setup --emit terraform` writes it for whoever owns IAM"
        )
    if not is_on_vault(wiring.store_url):
        raise InputError("a local store has no server", hint="--store vault://MOUNT/PREFIX or aws://REGION/PREFIX")


def _server(wiring: Wiring) -> VaultServer:
    url = wiring.store_url
    return vault_server(url, wiring.vault_of(url), wiring.settings, wiring.environ, wiring.clock)
