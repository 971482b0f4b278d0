"""The use case of `init`: a store, and its recovery code in a person's hands, or neither."""

from collections.abc import Sequence
from dataclasses import dataclass

from tokenguard.errors import InputError
from tokenguard.shell.local_store import make_local
from tokenguard.shell.store_url import is_local, is_on_aws, is_on_vault
from tokenguard.shell.wiring import Wiring
from tokenguard.stores.local.key_slots import SlotKey
from tokenguard.usecases.recovery_code import ANOTHER_CODE, RecoveryCodeHandover


@dataclass(frozen=True, slots=True, kw_only=True)
class Founded:
    """A store that was just made."""

    url: str
    store_id: str
    recovery: str
    """`file`, `shown` or `none`: what became of the recovery code; empty where there is nothing to recover."""
    cost: str = ""
    """What it costs a month, where that is known."""


def found(wiring: Wiring, recovery_file: str | None, *, sandbox: bool = False) -> Founded:
    """Make the store that is meant.

    Args:
        wiring: the world.
        recovery_file: a new file for the recovery code; None: a terminal shows it, if there is one.
        sandbox: let providers on this machine into a shared store.

    Raises:
        InputError: a store or the recovery file is there already, or a key source is not acceptable.
        NeedsPerson: there is no key at hand, and nobody may be asked for a passphrase.
        Unreachable: the store's server cannot be asked, or denies what a store needs.
    """
    if is_on_vault(wiring.store_url):
        return _on_vault(wiring, recovery_file, sandbox=sandbox)
    if is_on_aws(wiring.store_url):
        return _on_aws(wiring, recovery_file, sandbox=sandbox)
    if recovery_file is None and wiring.tty is None:
        return _made(wiring, [], "none")
    with RecoveryCodeHandover(recovery_file, wiring.tty) as handover:
        made = _made(wiring, [SlotKey.recovery(handover.code)], "file" if recovery_file else "shown")
        wiring.unfinished = f"the store is made, and the code above opens it too; {ANOTHER_CODE}"
        handover.give()
    return made


def role_policies(wiring: Wiring, adopted: Sequence[str] = ()) -> dict[str, str]:
    """What each role needs at the store that is meant, and a rotator at places that are adopted.

    Raises:
        InputError: there is nothing to print for a local store, or a place is no address.
    """
    if not adopted:
        return _store_policies(wiring)
    from tokenguard.shell.adopted_policies import adopted_policies  # few ask for it

    beside = adopted_policies(adopted)
    return beside if is_local(wiring.store_url) else {**_store_policies(wiring), **beside}


def _store_policies(wiring: Wiring) -> dict[str, str]:
    if is_on_aws(wiring.store_url):
        from tokenguard.shell import aws_store  # loads the store

        return aws_store.policies(wiring.store_url)
    if not is_on_vault(wiring.store_url):
        raise InputError(
            "a local store has no policies: its key opens it",
            hint="name one: --store vault://MOUNT/PREFIX or aws://REGION/PREFIX",
        )
    from tokenguard.shell.vault_store import policies  # loads hvac

    return policies(wiring.store_url)


def _on_vault(wiring: Wiring, recovery_file: str | None, *, sandbox: bool) -> Founded:
    from tokenguard.shell.vault_store import make_vault  # loads hvac

    if recovery_file is not None:
        raise InputError("a store on a Vault has no recovery code", hint="the Vault's own unseal keys are its recovery")
    url = wiring.store_url
    store = make_vault(url, wiring.vault_of(url), wiring.settings, wiring.environ, wiring.clock, sandbox=sandbox)
    store.close()
    return Founded(url=store.url, store_id=store.store_id, recovery="")


def _on_aws(wiring: Wiring, recovery_file: str | None, *, sandbox: bool) -> Founded:
    from tokenguard.shell.aws_store import make_aws  # loads the store

    if recovery_file is not None:
        raise InputError("a store on AWS has no recovery code", hint="its KMS key, and who may use it, is its recovery")
    from tokenguard.stores.aws.cost import monthly  # for this kind of store only

    store = make_aws(wiring.store_url, wiring.settings, wiring.clock, wiring.environ, sandbox=sandbox)
    return Founded(url=store.url, store_id=store.store_id, recovery="", cost=monthly(0))


def _made(wiring: Wiring, recovery: list[SlotKey], fate: str) -> Founded:
    store = make_local(wiring.local_directory, wiring.environ, wiring.clock, wiring.ask_hidden, recovery)
    store.close()
    return Founded(url=store.url, store_id=store.store_id, recovery=fate)
