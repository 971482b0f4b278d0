"""Reads the current state of tokens and advances it by compare-and-set."""

import contextlib
import uuid
from collections.abc import Callable, Mapping, Sequence

from tokenguard.clients.aws.secrets import MAX_BYTES, Secrets, new_version, rotated_by_others, rotation_pending, tags_in
from tokenguard.domain.document import Document, Snapshot, as_written
from tokenguard.domain.event import ChainedEvent, ChainHead, Event, extend
from tokenguard.domain.names import TokenId
from tokenguard.errors import Conflict, InputError, RotatedByOthers, Tampered, Unreachable
from tokenguard.frozen import Frozen, replace
from tokenguard.stores.aws.codec import NeverCreated, TokenBody, damaged, pack, unpack_state
from tokenguard.stores.aws.event_archive import Trail
from tokenguard.stores.aws.layout import AwsPlace
from tokenguard.stores.aws.projection import (
    DOCUMENT,
    STORE,
    TOKEN,
    are_altered,
    latest_in,
    print_keys,
    tags_of,
)


class CachedToken(Frozen, frozen=True, kw_only=True):
    """One state of one token, with its location."""

    primary: str
    at: str
    """The secret version that holds it."""
    body: TokenBody
    labelled: bool = True
    """False if the creation was interrupted before the label was attached."""

    @property
    def snapshot(self) -> Snapshot:
        """The state as a `Snapshot`."""
        return Snapshot(id=self.body.id, version=self.body.version, document=self.body.document)


class Tokens:
    """The tokens of one store. Caches the newest states seen, so that a lagging read never returns an older one."""

    def __init__(self, secrets: Secrets, place: AwsPlace, store_id: str, key: Callable[[], bytes]) -> None:
        self.secrets = secrets
        self.key = key
        """The store's key of fingerprints, which a migration replaces."""
        self.place = place
        self.store_id = store_id
        self._trail = Trail(secrets, place.archive, store_id)
        self._primary_secrets: dict[TokenId, str] = {}
        self._newest: dict[TokenId, CachedToken] = {}
        self._checked: set[str] = set()

    def primary_of(self, token: TokenId) -> str | None:
        """Return the secret of a token; one filtered listing if this process has not seen it yet."""
        if token not in self._primary_secrets:
            filters = [
                {"Key": "name", "Values": [f"{self.place.prefix}/"]},
                {"Key": "tag-value", "Values": [token]},
            ]
            for page in self.secrets.pages(Filters=filters):
                for listed in page:
                    tags = tags_in(listed)
                    if tags.get(TOKEN) == token and tags.get(STORE) == self.store_id:
                        self.met(token, listed["Name"])
        return self._primary_secrets.get(token)

    def met(self, token: TokenId, primary: str) -> None:
        """Remember the secret of a token."""
        self._primary_secrets[token] = primary

    def known(self) -> list[CachedToken]:
        """Return the newest state of every token that this process has read or written."""
        return list(self._newest.values())

    def newest(self, token: TokenId) -> CachedToken | None:
        """Return the newest state of a token that this process has seen."""
        return self._newest.get(token)

    def load(self, token: TokenId) -> CachedToken | None:
        """Return the current state of a token; None if the id does not exist."""
        primary = self.primary_of(token)
        return None if primary is None else self.load_primary(primary)

    def load_primary(self, primary: str) -> CachedToken | None:
        """Return the current state of the token stored in a secret; None if it holds no token of this store."""
        found = self.look(primary)
        return None if found is None else self._remember(found)

    def look(self, primary: str) -> CachedToken | None:
        """Return what `load_primary` would, for a secret that may not be this store's: nothing is remembered of it."""
        stored = self.secrets.read(primary, stage=DOCUMENT)
        if stored is None:
            # creation was interrupted before the label was attached: the first version is the state
            tags = tags_in(self.secrets.describe(primary) or {})
            if tags.get(STORE) != self.store_id or TOKEN not in tags:
                return None
            stored = self.secrets.read(primary, version=_first_version(self.store_id, TokenId(tags[TOKEN])))
        if stored is None or isinstance(stored.data, str):
            raise damaged("a token's state is missing in its secret")
        body = unpack_state(stored.data)
        if isinstance(body, NeverCreated):
            return None
        if body.primary not in {"", primary}:
            raise self._exchanged(primary, stored.version)
        return CachedToken(primary=primary, at=stored.version, body=body, labelled=DOCUMENT in stored.stages)

    def create(self, token: TokenId, primary: str, document: Document, events: Sequence[Event]) -> CachedToken:
        """Create a token's secret with its first state in one step; Conflict if the secret exists."""
        head, entries = extend(token, ChainHead(), events)
        body = TokenBody(
            id=token, version=1, document=replace(as_written(document), chain=head), entries=entries, primary=primary
        )
        at = _first_version(self.store_id, token)
        made = CachedToken(primary=primary, at=at, body=body)
        if not self.secrets.create(primary, at, _packed(body), self.tags_of(made)):
            raise Conflict("there is a secret of that name already", hint="choose another name")
        self.secrets.move(primary, DOCUMENT, at, None)
        return self._remember(made)

    def tags_of(self, held: CachedToken) -> dict[str, str]:
        """Return the tags that are written with a state."""
        return tags_of(self.store_id, held.snapshot, (held.primary, held.at), self.key())

    def are_altered(self, tags: Mapping[str, str], held: CachedToken) -> bool:
        """Whether the tags of a token's secret are not what was written with its state."""
        return are_altered(tags, self.store_id, held.body.id, (held.primary, held.at), self.key())

    def advance(self, before: CachedToken, document: Document, events: Sequence[Event]) -> CachedToken:
        """Advance a token from the state that was read to its next one.

        Raises:
            Conflict: another runner advanced it first, or AWS or a partner rotates the secret.
        """
        self.check(before.primary)
        token, body = before.body.id, before.body
        head, entries = extend(token, body.document.chain, events)
        following = TokenBody(
            id=token,
            version=body.version + 1,
            document=replace(as_written(document), chain=head),
            entries=body.entries + entries,
            blocks=body.blocks,
            primary=before.primary,
        )
        following, block = self._trail.lightened(before.primary, following)
        at = new_version()
        self.secrets.write(before.primary, at, _packed(following))
        # before the label: a login without tag permission must stop here, and a projection of a state that lost the
        # race is ignored
        made = CachedToken(primary=before.primary, at=at, body=following)
        self.secrets.tag(before.primary, self.tags_of(made))
        try:
            self.secrets.move(before.primary, DOCUMENT, at, before.at if before.labelled else None)
        except Conflict:
            if block:
                self._trail.forget(before.primary, token, block)
            raise
        self._forget_prints(before, following.document)
        return self._remember(made)

    def fence(self, held: CachedToken) -> None:
        """Advance a token's state without changing it, so that a pending write of another runner fails."""
        self.advance(held, held.body.document, ())

    def entries(self, held: CachedToken) -> tuple[ChainedEvent, ...]:
        """Return all audit entries of a token, oldest first."""
        return self._trail.entries(held.primary, held.body)

    def check(self, primary: str) -> None:
        """Refuse a secret that AWS or a partner rotates, or whose state was put back; checked once per process.

        Raises:
            RotatedByOthers: AWS or a partner rotates it, or another rotation of it is pending.
            Tampered: its state is older than one that its tags know of.
        """
        if primary in self._checked:
            return
        described = self.secrets.describe(primary) or {}
        for held in self.known():
            if held.primary == primary:
                self.check_latest(held, tags_in(described))
        if rotated_by_others(described):
            raise RotatedByOthers(
                f"AWS or a partner rotates the secret {primary}",
                hint=f"disable that (`aws secretsmanager cancel-rotate-secret {self._at(primary)}`), or do not rotate "
                "this token here",
            )
        if rotation_pending(described):
            raise RotatedByOthers(
                f"a rotation by another tool is pending on the secret {primary} (AWSPENDING)",
                hint="finish or cancel it with that tool, then run the command again. If no tool is involved, "
                "find the version V that has the label AWSPENDING with "
                f"`aws secretsmanager describe-secret {self._at(primary)}`, and remove the label with "
                f"`aws secretsmanager update-secret-version-stage {self._at(primary)} --version-stage AWSPENDING "
                "--remove-from-version-id V`",
            )
        self._checked.add(primary)

    def check_latest(self, held: CachedToken, tags: Mapping[str, str]) -> None:
        """Refuse a state whose label was moved back to an earlier version.

        Tags are written right before the label is moved, so they may be one state ahead of it, but never two.

        Raises:
            Tampered: the token's tags know of a later state.
        """
        latest, at = latest_in(tags)
        if held.body.version + 1 >= latest:
            return
        look = self.secrets.seen(
            lambda: self.look(held.primary), lambda found: found is None or found.body.version + 1 >= latest
        )  # reads may lag behind tags
        if look is None or look.body.version + 1 >= latest:
            return
        kept = self.secrets.read(held.primary, version=at) is not None
        back = (
            f"`aws secretsmanager update-secret-version-stage {self._at(held.primary)} --version-stage {DOCUMENT} "
            f"--move-to-version-id {at} --remove-from-version-id {look.at}` makes the latest state current again"
        )
        raise Tampered(
            f"an earlier state of {look.body.document.record.name} was put back in the secret {held.primary}: later "
            "changes are missing",
            hint=f"find who moved its label {DOCUMENT} in CloudTrail; "
            + (back if kept else "AWS does not have the latest state any more: check the token at its provider"),
        )

    def _exchanged(self, primary: str, at: str) -> Tampered:
        return Tampered(
            f"the secret {primary} has the state of another token",
            hint=f"find who wrote its version {at} in CloudTrail; `aws secretsmanager list-secret-version-ids "
            f"{self._at(primary)} --include-deprecated` lists the versions V: `aws secretsmanager "
            f"update-secret-version-stage {self._at(primary)} --version-stage {DOCUMENT} --move-to-version-id V "
            f"--remove-from-version-id {at}` makes the right one current again",
        )

    def _at(self, primary: str) -> str:
        return f"--region {self.place.region} --secret-id '{primary}'"

    def _remember(self, held: CachedToken) -> CachedToken:
        self.met(held.body.id, held.primary)
        newest = self._newest.get(held.body.id)
        if newest is not None and newest.body.version > held.body.version:
            return newest
        self._newest[held.body.id] = held
        return held

    def _forget_prints(self, before: CachedToken, document: Document) -> None:
        gone = set(print_keys(before.body.document.fingerprints)) - set(print_keys(document.fingerprints))
        if gone:
            # a leftover tag is harmless: a lookup reads the document
            with contextlib.suppress(Unreachable):
                self.secrets.untag(before.primary, sorted(gone))


def _first_version(store_id: str, token: TokenId) -> str:
    return str(uuid.uuid5(uuid.UUID(store_id), f"first:{token}"))


def _packed(body: TokenBody) -> bytes:
    data = pack(body)
    if len(data) > MAX_BYTES:
        raise InputError("the record is too large for a secret", hint="keep notes and consumer lists short")
    return data
