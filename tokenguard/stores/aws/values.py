"""Stores values: candidates in write-once slots, tombstones, and the live value under AWSCURRENT."""

import hashlib
import uuid
from collections.abc import Callable
from typing import NamedTuple

from tokenguard.clients.aws.aws_errors import AwsError, AwsFailure
from tokenguard.clients.aws.secrets import CURRENT, PENDING, PREVIOUS, Secrets, Stored, new_version
from tokenguard.domain.names import Label, TokenId, TokenName
from tokenguard.domain.secret import Value
from tokenguard.errors import Conflict
from tokenguard.ports.store import Live, Tombstone
from tokenguard.stores.aws import codec
from tokenguard.stores.aws.codec import LivePart
from tokenguard.stores.aws.tokens import Tokens
from tokenguard.stores.aws.tombstone_ledger import TombstoneLedger
from tokenguard.stores.refusals import live_moved, no_such_token, slot_taken, slot_without_value, still_live

_SLOT = "tg-c-"


class _Current(NamedTuple):
    """The version under AWSCURRENT."""

    at: str
    value: Value | None
    part: LivePart
    pending: bool = False
    """Whether another tool's rotation, which has finished, has left its label here."""


class SecretValues:
    """The values of one store."""

    def __init__(self, secrets: Secrets, tokens: Tokens) -> None:
        self._secrets = secrets
        self._tokens = tokens
        self._ledger = TombstoneLedger(secrets)
        self._published: dict[str, int] = {}
        """The live version of each secret that this process has published; a read with a lower one is stale."""

    def put(self, token: TokenId, label: Label, content: Value | Tombstone) -> None:
        """Write the slot if it is empty; Conflict otherwise."""
        primary = self._primary_of(token)
        self._tokens.check(primary)
        if label in self._ledger.opened(primary).tombstones:
            raise slot_taken()
        slot, data = self._slot(token, label), codec.slot(content)
        if isinstance(content, Tombstone):
            self._secrets.write(primary, slot, data)
            self._ledger.add(primary, label, content, slot=slot)
            return
        try:
            self._secrets.write(primary, slot, data, stage=_slot_label(label))
        except AwsError as error:
            if error.reason is not AwsFailure.LIMIT:
                raise
            self._make_room(primary)
            self._secrets.write(primary, slot, data, stage=_slot_label(label))

    def read(self, token: TokenId, label: Label) -> Value | Tombstone | None:
        """What the slot holds."""
        primary = self._tokens.primary_of(token)
        if primary is None:
            return None
        slot = self._slot(token, label)
        stored = self._secrets.read(primary, version=slot)
        data = stored.data if stored is not None else b""
        if stored is None or _slot_label(label) not in stored.stages:
            ledger = self._ledger.read(primary)
            if label in ledger.tombstones:
                return ledger.tombstones[label]
            if stored is None and slot not in ledger.archived_slots:
                return None
            data = ledger.archived_slots.get(slot, data)
        return codec.read_slot(data if isinstance(data, bytes) else b"")

    def live(self, token: TokenId) -> Live | None:
        """The value consumers get, or None."""
        primary = self._tokens.primary_of(token)
        current = None if primary is None else self._current(primary)
        if current is None or current.value is None or current.part.label is None:
            return None
        return Live(current.part.label, current.part.version, current.value)

    def publish(self, token: TokenId, label: Label, pinned: int) -> int:
        """Make the candidate live if the live version is still `pinned`; returns the new version."""
        candidate = self.read(token, label)
        if not isinstance(candidate, Value):
            raise slot_without_value()
        return self._replace(token, candidate, LivePart(version=pinned + 1, label=label))

    def withdraw(self, token: TokenId, pinned: int) -> None:
        """Let nothing be live, under the same pin."""
        self._replace(token, None, LivePart(version=pinned + 1))

    def destroy(self, token: TokenId, label: Label) -> None:
        """Turn the slot into a tombstone that keeps the digest; safe to repeat."""
        primary = self._primary_of(token)
        if self._current(primary).part.label == label:
            raise still_live()
        content = self.read(token, label)
        if content is None:
            self.put(token, label, Tombstone(reason="destroyed"))
            return
        if isinstance(content, Value):
            content = Tombstone(reason="destroyed", digest=content.digest())
        self._ledger.add(primary, label, content, slot=self._slot(token, label))
        # AWS removes versions without a label at its own time; it cannot be forced
        self._secrets.drop(primary, _slot_label(label), self._slot(token, label))
        previous = self._secrets.read(primary, stage=PREVIOUS)
        if previous is not None and _label_in(previous) == label:
            self._secrets.drop(primary, PREVIOUS, previous.version)

    def how_to_restore(self, token: TokenId, name: TokenName, in_use: Callable[[Value | None], bool]) -> str:
        """Return the command that makes the version with the value in use the current one again.

        Args:
            token: the token's id.
            name: its name.
            in_use: whether a value, or that there is none, is what is to be served.
        """
        primary = self._primary_of(token)
        stages = (self._secrets.describe(primary) or {}).get("VersionIdsToStages", {})
        current = next((version for version, labels in stages.items() if CURRENT in labels), "")
        for version in stages:
            stored = self._secrets.read(primary, version=version)
            found = codec.read_live(stored.data) if stored and isinstance(stored.data, str) else None
            if found and in_use(found[0]):
                return (
                    "find its writer in CloudTrail, then restore it: `aws secretsmanager update-secret-version-stage "
                    f"--region {self._tokens.place.region} --secret-id '{primary}' --version-stage {CURRENT} "
                    f"--move-to-version-id {version} --remove-from-version-id {current}`"
                )
        return f"find its writer in CloudTrail, then replace the token: `tokenguard rotate {name}`"

    def _make_room(self, primary: str) -> None:
        """Archive all candidates in the ledger and remove their labels: a secret can have 20."""
        stages = (self._secrets.describe(primary) or {}).get("VersionIdsToStages", {})
        labels = {version: label for version, found in stages.items() for label in found if label.startswith(_SLOT)}
        stored = {version: self._secrets.read(primary, version=version) for version in labels}
        self._ledger.archive(
            primary, {version: each.data for version, each in stored.items() if each and isinstance(each.data, bytes)}
        )
        for version, label in labels.items():
            self._secrets.drop(primary, label, version)

    def _replace(self, token: TokenId, value: Value | None, part: LivePart) -> int:
        primary = self._primary_of(token)
        self._tokens.check(primary)
        current = self._current(primary)
        if current.part.version != part.version - 1:
            raise live_moved()
        # a new version for every publish, so that an older one can never match the pin again
        at = new_version()
        self._secrets.write(primary, at, codec.live(value, part))
        self._secrets.move(primary, CURRENT, at, current.at)
        if current.pending:
            self._secrets.drop(primary, PENDING, current.at)  # at an old version it would mean an unfinished rotation
        self._published[primary] = part.version
        return part.version

    def _current(self, primary: str) -> _Current:
        return self._secrets.seen(
            lambda: self._look(primary), lambda current: current.part.version >= self._published.get(primary, 0)
        )

    def _look(self, primary: str) -> _Current:
        stored = self._secrets.read(primary)
        if stored is None:
            raise codec.damaged("a token's secret has no current version")
        if isinstance(stored.data, bytes):
            return _Current(stored.version, None, LivePart(version=0))  # the token's first state: nothing is published
        found = codec.read_live(stored.data)
        if found is None:
            raise Conflict(
                "another writer changed the live value of this secret (AWSCURRENT)",
                hint="find it in CloudTrail, move AWSCURRENT back to the previous version, then resume",
            )
        return _Current(stored.version, *found, PENDING in stored.stages)

    def _primary_of(self, token: TokenId) -> str:
        primary = self._tokens.primary_of(token)
        if primary is None:
            raise no_such_token()
        return primary

    def _slot(self, token: TokenId, label: Label) -> str:
        """Return the only version id a candidate of that label can have: AWS refuses a second write."""
        return str(uuid.uuid5(uuid.UUID(self._tokens.store_id), f"slot:{token}:{label}"))


def _slot_label(label: Label) -> str:
    return _SLOT + hashlib.sha256(label.encode()).hexdigest()[:16]


def _label_in(stored: Stored) -> Label | None:
    found = codec.read_live(stored.data) if isinstance(stored.data, str) else None
    return found[1].label if found else None
