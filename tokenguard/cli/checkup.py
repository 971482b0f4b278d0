"""The checks of `doctor`: each says what it found, how grave that is, and the command that mends it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum, unique
from pathlib import Path

from tokenguard.audit.chain import check_all
from tokenguard.domain.document import Snapshot
from tokenguard.errors import ExitCode, TokenguardError
from tokenguard.shell.local import open_local
from tokenguard.shell.store_url import is_local, is_on_aws, is_on_vault
from tokenguard.shell.wiring import Wiring
from tokenguard.stores.adopted import home_of
from tokenguard.stores.local.slots import SlotKind
from tokenguard.stores.local.store import LocalStore

_NOT_BEFORE = datetime(2026, 1, 1, tzinfo=UTC)
"""No clock that is right shows an earlier time than this code was written at."""
_SLACK = timedelta(minutes=5)


@unique
class Level(StrEnum):
    """How grave a finding is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found."""

    check: str
    level: Level
    text: str
    hint: str = ""
    exit_code: ExitCode = ExitCode.OK
    """What it means for the process; of several findings the gravest counts."""


def examine(wiring: Wiring) -> Iterator[Finding]:
    """Run every check; one that cannot be made is a finding itself. Raises nothing of ours."""
    for check in (_settings, _policy, _environment_files):
        yield from _made(wiring, check)
    opened = list(_made(wiring, _store))
    yield from opened
    if all(finding.level is not Level.FAIL for finding in opened):
        yield from _made(wiring, _own_check(wiring.store_url))
        for check in (_whole, _clock, _operations):
            yield from _made(wiring, check)


def _own_check(url: str) -> Callable[[Wiring], Iterator[Finding]]:
    """What only this kind of store has."""
    if is_on_vault(url):
        return _vault
    return _aws if is_on_aws(url) else _keys


def _made(wiring: Wiring, check: Callable[[Wiring], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check(wiring)
    except TokenguardError as error:
        name = check.__name__.strip("_").replace("_", " ")
        yield Finding(check=name, level=Level.FAIL, text=error.message, hint=error.hint, exit_code=error.exit_code)


def _settings(wiring: Wiring) -> Iterator[Finding]:
    source = wiring.settings.source
    yield Finding(check="configuration", level=Level.OK, text=str(source) if source else "none; the defaults apply")


def _policy(wiring: Wiring) -> Iterator[Finding]:
    policy = wiring.policy
    yield Finding(check="policy", level=Level.OK, text=f"{policy.name}, {len(policy.rules)} rules")


def _environment_files(wiring: Wiring) -> Iterator[Finding]:  # noqa: ARG001 - every check has this form
    """A .env file in the working directory must not be on its way into git."""
    from tokenguard.delivery.tracked import Tracking, tracking  # noqa: PLC0415 - asks git

    path = Path.cwd() / ".env"
    if not path.exists():
        yield Finding(check=".env", level=Level.OK, text="there is none in the working directory")
        return
    match tracking(path):
        case Tracking.TRACKED:
            yield Finding(
                check=".env",
                level=Level.FAIL,
                text="git tracks it: what it holds is in the repository's history",
                hint="git rm --cached .env, ignore it, and rotate every token in it",
                exit_code=ExitCode.FINDINGS,
            )
        case Tracking.EXPOSED:
            yield Finding(
                check=".env",
                level=Level.WARN,
                text="git does not ignore it: `git add .` would take it",
                hint="echo .env >> .gitignore",
            )
        case _:
            yield Finding(check=".env", level=Level.OK, text="not on its way into git")


def _store(wiring: Wiring) -> Iterator[Finding]:
    url = wiring.store.url
    seen = ", and is as new as this machine last saw it" if is_local(url) else ""
    yield Finding(check="store", level=Level.OK, text=f"{url} opens{seen}")


def _keys(wiring: Wiring) -> Iterator[Finding]:
    slots = _local(wiring).slots()
    kinds = [slot.kind for slot in slots]
    yield Finding(check="keys", level=Level.OK, text=", ".join(kind.replace("_", " ") for kind in kinds))
    if SlotKind.RECOVERY not in kinds:
        yield Finding(
            check="recovery",
            level=Level.WARN,
            text="there is no recovery code: if the key is lost, so is everything",
            hint="tokenguard store add-slot --recovery",
        )
    if SlotKind.KEYRING in kinds:
        from tokenguard.stores.local.os_keyring import find_keyring  # noqa: PLC0415 - slow, and an extra

        found = find_keyring() is not None
        yield Finding(
            check="keyring",
            level=Level.OK if found else Level.WARN,
            text="the OS keyring answers" if found else "the OS keyring does not answer here",
            hint="" if found else "set TOKENGUARD_KEY_FILE where nobody is logged in",
        )


def _vault(wiring: Wiring) -> Iterator[Finding]:
    """Mount, policy and login, as far as a Vault can be asked without writing."""
    from tokenguard.stores.vault.store import VaultStore  # noqa: PLC0415 - loads hvac

    store = home_of(wiring.store)
    found = store.problems() if isinstance(store, VaultStore) else ()
    for problem in found:
        yield Finding(
            check="vault", level=Level.FAIL, text=problem.message, hint=problem.hint, exit_code=ExitCode.UNREACHABLE
        )
    if not found:
        yield Finding(check="vault", level=Level.OK, text="mount, policy and login are fit for a rotation")


def _aws(wiring: Wiring) -> Iterator[Finding]:
    """Who AWS says we are, and what the store costs."""
    from tokenguard.stores.aws.cost import monthly  # noqa: PLC0415 - for this kind of store only

    yield Finding(check="aws", level=Level.OK, text=f"AWS knows us as {wiring.store.actor().id}")
    tokens = sum(1 for _ in wiring.store.scan())
    yield Finding(check="cost", level=Level.OK, text=monthly(tokens))


def _whole(wiring: Wiring) -> Iterator[Finding]:
    problems = []
    if is_local(wiring.store_url):
        problems = [f"{problem.where}: {problem.what}" for problem in _local(wiring).check()]
    broken = [each.broken for each in check_all(wiring.store) if each.broken]
    problems += [f"audit trail of {each.name or 'the store'}, entry {each.seq}: {each.reason}" for each in broken]
    for problem in problems:
        yield Finding(
            check="integrity",
            level=Level.FAIL,
            text=problem,
            hint="keep a copy as evidence, then restore a backup",
            exit_code=ExitCode.TAMPERED,
        )
    if not problems:
        yield Finding(check="integrity", level=Level.OK, text="every row and every audit entry holds")


def _clock(wiring: Wiring) -> Iterator[Finding]:
    """Due dates and proofs of death are counted with this clock."""
    now = wiring.clock.now()
    entries = wiring.store.history(None)
    latest = max((entry.event.at for entry in entries), default=_NOT_BEFORE)
    for snapshot in wiring.store.scan():
        journal = snapshot.document.journal
        latest = max(latest, journal.updated_at if journal else latest)
    wrong = now < _NOT_BEFORE or now + _SLACK < latest
    yield Finding(
        check="clock",
        level=Level.FAIL if wrong else Level.OK,
        text="it is behind what the store has seen" if wrong else "not behind what the store has seen",
        hint="set the clock before rotating anything" if wrong else "",
        exit_code=ExitCode.FINDINGS if wrong else ExitCode.OK,
    )


def _operations(wiring: Wiring) -> Iterator[Finding]:
    now, quiet = wiring.clock.now(), True
    for snapshot in wiring.store.scan():
        for finding in _of_token(snapshot, now):
            quiet = False
            yield finding
    if quiet:
        yield Finding(check="operations", level=Level.OK, text="none is open, nothing waits to be looked at again")


def _of_token(snapshot: Snapshot, now: datetime) -> Iterator[Finding]:
    document, name = snapshot.document, snapshot.document.record.name
    if document.busy and document.journal is not None:
        why = f" ({document.journal.waiting_for})" if document.journal.waiting_for else ""
        yield Finding(
            check="operations",
            level=Level.WARN,
            text=f"{name}: {document.journal.mode} stopped at {document.journal.stage}{why}",
            hint=f"tokenguard rotate {name} --resume",
        )
    for item in document.quarantine:
        if item.alive_again:
            yield Finding(
                check="quarantine",
                level=Level.FAIL,
                text=f"{name}: a token that was proven dead is accepted again",
                hint=f"tokenguard rotate {name} --resume",
                exit_code=ExitCode.NOT_PROVEN_DEAD,
            )
        elif item.probe_due_at <= now:
            yield Finding(
                check="quarantine",
                level=Level.WARN,
                text=f"{name}: a dead token is due to be looked at again",
                hint=f"tokenguard verify {name}",
            )


def _local(wiring: Wiring) -> LocalStore:
    store = home_of(wiring.store)
    if isinstance(store, LocalStore):
        return store
    return open_local(wiring.local_directory, wiring.environ, wiring.clock, wiring.ask_hidden)
