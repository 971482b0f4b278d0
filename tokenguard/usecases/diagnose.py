"""The checks of `doctor`: each says what it found, how grave that is, and the command that mends it."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from tokenguard.audit.chain import check_all
from tokenguard.domain.document import Snapshot
from tokenguard.errors import ExitCode, TokenguardError
from tokenguard.frozen import Frozen
from tokenguard.rotation.start import CLOCK_SLACK
from tokenguard.shell.local_store import open_local
from tokenguard.shell.store_url import is_local, is_on_aws, is_on_vault
from tokenguard.shell.wiring import Wiring
from tokenguard.stores.adopted import home_of
from tokenguard.stores.local.key_slots import SlotKind
from tokenguard.stores.local.store import LocalStore
from tokenguard.usecases import diagnose_machine as machine
from tokenguard.usecases import diagnose_tokens as tokens
from tokenguard.usecases.diagnosis import Diagnosis, Level, doubt, failed, well
from tokenguard.usecases.verify_store import problems_of, what_then

_NOT_BEFORE = datetime(2026, 1, 1, tzinfo=UTC)
"""No clock that is right shows an earlier time than this code was written at."""
_FIT = {"rotator": "mount, policy and login, its lifetime too, are fit for a rotation"}


def examine(wiring: Wiring) -> Iterator[Diagnosis]:
    """Run every check; one that cannot be made is a finding itself. Raises nothing of ours."""
    for check in (machine.settings, machine.policy, machine.destinations, machine.environment_file, machine.hook):
        yield from _made(check, wiring)
    opened = list(_made(_store, wiring))
    yield from opened
    if any(finding.level is Level.FAIL for finding in opened):
        return
    yield from _made(_own_check(wiring.store_url), wiring)
    if is_local(wiring.store_url):
        yield from _made(_anchor, wiring)
    try:
        able = _abilities(wiring)
    except TokenguardError as error:
        yield failed("role", error)
        return
    yield from _made(_whole if able.trails else _own_places, wiring)
    if not able.records:
        yield _not_this_role("inventory", "records")
        return
    try:
        inventory = tuple(wiring.store.scan())
    except TokenguardError as error:
        yield failed("inventory", error)
        return
    upcoming = (tokens.next_rotations,) if able.rotates else ()
    for look in (_clock, _cost, tokens.leaks, tokens.operations, *upcoming, tokens.lists):
        yield from _made(look, wiring, inventory)
    if not able.trails:
        yield _not_this_role("audit", "audit trails")


class _Abilities(Frozen, frozen=True, kw_only=True):
    """What the login in use is for; everything, where a store has no roles that can be told apart."""

    rotates: bool = True
    trails: bool = True
    records: bool = True


def _abilities(wiring: Wiring) -> _Abilities:
    if not is_on_vault(wiring.store_url):
        return _Abilities()
    from tokenguard.stores.vault.policies import VaultStoreRole  # loads hvac
    from tokenguard.stores.vault.standing import READS_RECORDS, READS_TRAILS
    from tokenguard.stores.vault.store import VaultStore

    store = home_of(wiring.store)
    if not isinstance(store, VaultStore):
        return _Abilities()
    role = store.role
    return _Abilities(
        rotates=role is VaultStoreRole.ROTATOR, trails=role in READS_TRAILS, records=role in READS_RECORDS
    )


def _not_this_role(check: str, what: str) -> Diagnosis:
    return Diagnosis(check=check, level=Level.OK, text=f"{what} are not for this login's role to read; not looked at")


def _own_check(url: str) -> Callable[[Wiring], Iterator[Diagnosis]]:
    """What only this kind of store has."""
    if is_on_vault(url):
        return _vault
    return _aws if is_on_aws(url) else _keys


def _made(check: Callable[..., Iterator[Diagnosis]], *of_what: Wiring | Sequence[Snapshot]) -> Iterator[Diagnosis]:
    try:
        yield from check(*of_what)
    except TokenguardError as error:
        yield failed(check.__name__.strip("_").replace("_", " "), error)


def _store(wiring: Wiring) -> Iterator[Diagnosis]:
    url = wiring.store.url
    seen = ", and is as new as this machine last saw it" if is_local(url) else ""
    yield Diagnosis(check="store", level=Level.OK, text=f"{url} opens{seen}")


def _keys(wiring: Wiring) -> Iterator[Diagnosis]:
    slots = _local(wiring).slots()
    kinds = [slot.kind for slot in slots]
    yield Diagnosis(check="keys", level=Level.OK, text=", ".join(kind.replace("_", " ") for kind in kinds))
    if SlotKind.RECOVERY not in kinds:
        yield Diagnosis(
            check="recovery",
            level=Level.WARN,
            text="there is no recovery code: if the key is lost, so is everything",
            hint="tokenguard store add-slot --recovery",
        )
    if SlotKind.KEYRING in kinds:
        from tokenguard.stores.local.os_keyring import find_keyring  # slow, and an extra

        found = find_keyring() is not None
        yield Diagnosis(
            check="keyring",
            level=Level.OK if found else Level.WARN,
            text="the OS keyring answers" if found else "the OS keyring does not answer here",
            hint="" if found else "set TOKENGUARD_KEY_FILE where nobody is logged in",
        )


def _anchor(wiring: Wiring) -> Iterator[Diagnosis]:
    """Since when a store that is put back is noticed on this machine."""
    watch = _local(wiring).watch
    if watch.begun:
        yield doubt(
            "anchor",
            "there was no anchor on this machine: an older copy of the store could not be noticed until now",
            "compare `tokenguard audit log` with what you know was done last",
        )
    else:
        since = f" since {watch.since:%Y-%m-%d %H:%M} UTC" if watch.since else ""
        yield well("anchor", f"this machine notices an older copy of the store{since}")


def _vault(wiring: Wiring) -> Iterator[Diagnosis]:
    """Mount, policy and login, as far as a Vault can be asked without writing."""
    from tokenguard.stores.vault.store import VaultStore  # loads hvac

    store = home_of(wiring.store)
    if not isinstance(store, VaultStore):
        return
    found = store.problems()
    for problem in found:
        yield Diagnosis(
            check="vault", level=Level.FAIL, text=problem.message, hint=problem.hint, exit_code=ExitCode.UNREACHABLE
        )
    if not found:
        yield Diagnosis(
            check="vault",
            level=Level.OK,
            text=_FIT.get(store.role, f"fit for the role {store.role}, which rotates nothing"),
        )


def _aws(wiring: Wiring) -> Iterator[Diagnosis]:
    """Who AWS says we are, and for how long."""
    from tokenguard.stores.aws.store import AwsStore  # for this kind of store only

    store = home_of(wiring.store)
    if isinstance(store, AwsStore) and store.secrets.client.ends_unseen:
        yield doubt(
            "credentials",
            "they are temporary, and end at a time that AWS does not tell",
            "use a profile or role that renews itself; a rotation that outlasts them is resumed",
        )
    yield Diagnosis(check="aws", level=Level.OK, text=f"AWS knows us as {wiring.store.actor().id}")


def _cost(wiring: Wiring, inventory: Sequence[Snapshot]) -> Iterator[Diagnosis]:
    """What the store costs, where it costs something."""
    if is_on_aws(wiring.store_url):
        from tokenguard.stores.aws.cost import monthly  # for this kind of store only

        yield Diagnosis(check="cost", level=Level.OK, text=monthly(len(inventory)))


def _own_places(wiring: Wiring) -> Iterator[Diagnosis]:
    """What others left in the store's places, where the audit trails may not be read."""
    for problem in problems_of(wiring.store):
        text = f"{problem.where}: {problem.what}"
        yield Diagnosis(check="integrity", level=Level.FAIL, text=text, hint=problem.hint, exit_code=ExitCode.TAMPERED)


def _whole(wiring: Wiring) -> Iterator[Diagnosis]:
    problems = [
        (f"audit trail of {chain.whose}, entry {chain.broken.seq}: {chain.broken.reason}", what_then(wiring.store))
        for chain in check_all(wiring.store)
        if chain.broken
    ]
    found = _local(wiring).check() if is_local(wiring.store_url) else problems_of(wiring.store)
    problems += [(f"{problem.where}: {problem.what}", problem.hint) for problem in found]
    for text, hint in problems:
        yield Diagnosis(check="integrity", level=Level.FAIL, text=text, hint=hint, exit_code=ExitCode.TAMPERED)
    if not problems:
        yield Diagnosis(check="integrity", level=Level.OK, text="every row and every audit entry holds")


def _clock(wiring: Wiring, inventory: Sequence[Snapshot]) -> Iterator[Diagnosis]:
    """Due dates and proofs of death are counted with this clock."""
    now = wiring.clock.now()
    entries = wiring.store.history(None)
    latest = max((entry.event.at for entry in entries), default=_NOT_BEFORE)
    for snapshot in inventory:
        latest = max(latest, snapshot.document.latest)
    wrong = now < _NOT_BEFORE or now + CLOCK_SLACK < latest
    yield Diagnosis(
        check="clock",
        level=Level.FAIL if wrong else Level.OK,
        text="it is behind what the store has seen" if wrong else "not behind what the store has seen",
        hint="set the clock before rotating anything" if wrong else "",
        exit_code=ExitCode.FINDINGS if wrong else ExitCode.OK,
    )


def _local(wiring: Wiring) -> LocalStore:
    store = home_of(wiring.store)
    if isinstance(store, LocalStore):
        return store
    return open_local(wiring.local_directory, wiring.environ, wiring.clock, wiring.ask_hidden)
