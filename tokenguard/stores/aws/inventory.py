"""Lists the inventory, 100 secrets per request, and only changes after the first listing of a process.

A listing is filtered by name: one by tags would leave out a token whose secret has lost its tags without a word.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from tokenguard.clients.aws.aws_errors import AwsError, AwsFailure
from tokenguard.clients.aws.secrets import tags_in
from tokenguard.domain.document import Snapshot
from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.names import TokenId, TokenName, is_token_id
from tokenguard.errors import Tampered
from tokenguard.ports.store import Stray
from tokenguard.stores.aws.projection import DOCUMENT, MORE, STORE, TOKEN, print_key, snapshot_in
from tokenguard.stores.aws.strays import Kind, Strays
from tokenguard.stores.aws.tokens import CachedToken, Tokens

LAG = timedelta(minutes=5)
"""How long AWS's listing may lag."""
_FULL_AFTER = timedelta(hours=1)
"""Time after which everything is listed again, because a listing of changes does not show deletions."""


class AwsInventory:
    """Lists the tokens of one store.

    Args:
        tokens: reads them.
        find: the token of a name, by the secrets of that name alone.
    """

    def __init__(self, tokens: Tokens, find: Callable[[TokenName], Snapshot | None]) -> None:
        self._tokens = tokens
        self._find = find
        self._entries: dict[str, dict[str, Any]] = {}
        self._full_at: datetime | None = None
        self._sorts = True
        self._strays = Strays(tokens.place, tokens.store_id)
        self._stripped: dict[str, str] = {}
        """The listed tokens whose secrets lack the store's tags: their names, by secret."""

    @property
    def strays(self) -> Sequence[Stray]:
        """The foreign entries skipped so far."""
        return self._strays.found

    def survey(self) -> Sequence[Stray]:
        """Return every foreign secret in the store's places, and every secret of the store that is to be deleted."""
        for _ in self.scan():
            pass
        reserved = [{"Key": "name", "Values": [f"{self._tokens.place.prefix}/@"]}]
        for page in self._tokens.secrets.pages(Filters=reserved, IncludePlannedDeletion=True):
            for listed in page:
                self._strays.look(listed["Name"])
                self._look_doomed(listed)
        for secret, name in self._stripped.items():
            self._strays.note(secret, Kind.UNTAGGED, name)
        for held in self._tokens.known():
            tags = tags_in(self._entries.get(held.primary, {}))
            if self._tokens.are_altered(tags, held):
                self._strays.note(held.primary, Kind.ALTERED, held.body.document.record.name)
        return self._strays.found

    def scan(self) -> Iterator[Snapshot]:
        """Yield every token, ordered by name; a token whose tags are outdated is read individually."""
        self._refresh()
        entries = list(self._entries.values())
        found = [snapshot for snapshot in map(self._snapshot, self._lone(entries)) if snapshot is not None]
        found += [snapshot for snapshot in map(self._untagged, entries) if snapshot is not None]
        listed = {snapshot.id for snapshot in found}
        # created by this process and not in the lagging listing yet
        found += [held.snapshot for held in self._tokens.known() if held.body.id not in listed]
        return iter(sorted(found, key=lambda snapshot: snapshot.document.record.name))

    def holders(self, fingerprint: Fingerprint) -> tuple[TokenId, ...]:
        """Return the tokens that know a value with that fingerprint, from one filtered listing."""
        filters = [*self._tokens_only, {"Key": "tag-key", "Values": [print_key(fingerprint), MORE]}]
        found = {held.body.id: held.snapshot for held in self._tokens.known()}
        for page in self._tokens.secrets.pages(Filters=filters):
            found |= {each.id: each for each in map(self._snapshot, self._lone(page)) if each is not None}
        holding = {each for each, at in found.items() if fingerprint in at.document.fingerprints}
        if not holding:  # by its tags; those may be gone
            holding = {at.id for at in self.scan() if fingerprint in at.document.fingerprints}
        return tuple(sorted(holding))

    @property
    def _tokens_only(self) -> list[dict[str, Any]]:
        return [
            {"Key": "name", "Values": [f"{self._tokens.place.prefix}/"]},
            {"Key": "tag-key", "Values": [TOKEN]},
        ]

    @property
    def _below(self) -> list[dict[str, Any]]:
        prefix = self._tokens.place.prefix
        return [{"Key": "name", "Values": [f"{prefix}/", f"!{prefix}/@"]}]

    def _look_doomed(self, listed: dict[str, Any]) -> None:
        """Record a secret of the store that is scheduled for deletion."""
        ours = tags_in(listed).get(STORE) == self._tokens.store_id or self._strays.is_own(listed["Name"])
        if "DeletedDate" in listed and (ours or _is_stripped(listed)):
            self._entries.pop(listed["Name"], None)
            self._strays.note(listed["Name"], Kind.DOOMED)

    def _untagged(self, listed: dict[str, Any]) -> Snapshot | None:
        """Return the token of a secret that has lost the store's tags; its labels tell what it is, its name whose."""
        if not _is_stripped(listed) and not self._is_claimed(listed):
            return None
        held = self._read(listed["Name"], self._tokens.look)
        if held is None:
            return None
        name, token = held.body.document.record.name, held.body.id
        found = self._find(name)
        if found is None and _is_stripped(listed):
            self._strays.note(listed["Name"], Kind.NAMELESS, token)
        elif found is None or found.id != token or self._tokens.primary_of(token) != listed["Name"]:
            self._strays.note(listed["Name"])
        else:
            self._stripped[listed["Name"]] = name
            return found
        return None

    def _is_claimed(self, listed: dict[str, Any]) -> bool:
        """Whether a token's secret has the tags of a store that keeps nothing there: no list would show it."""
        store, name = tags_in(listed).get(STORE), listed["Name"]
        return (
            _holds_state(listed)
            and store != self._tokens.store_id
            and not any(
                tags_in(each).get(STORE) == store and name.startswith(header.removesuffix("@store"))
                for header, each in self._entries.items()
                if header.endswith("/@store")
            )
        )

    def _lone(self, listed: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield the secrets of this store, without those that carry the tags of a token stored in another secret.

        Copying a secret in the AWS console copies its tags.
        """
        ours = [each for each in listed if _is_ours(each, self._tokens.store_id)]
        in_primary = {tags_in(each)[TOKEN] for each in ours if snapshot_in(each, self._tokens.key()) is not None}
        for each in ours:
            token = tags_in(each)[TOKEN]
            copy = not _holds_state(each) and token in in_primary
            if copy or not is_token_id(token):
                self._strays.note(each["Name"])
            else:
                yield each

    def _snapshot(self, listed: dict[str, Any]) -> Snapshot | None:
        token = TokenId(tags_in(listed)[TOKEN])
        newest = self._tokens.newest(token)
        snapshot = snapshot_in(listed, self._tokens.key())
        if snapshot is None:
            held = self._read(listed["Name"])
            if held is None:
                return None
            self._tokens.check_latest(held, tags_in(listed))
            return held.snapshot
        self._tokens.met(token, listed["Name"])
        return newest.snapshot if newest is not None and newest.body.version > snapshot.version else snapshot

    def _read(self, primary: str, read: Callable[[str], CachedToken | None] | None = None) -> CachedToken | None:
        try:
            return (read or self._tokens.load_primary)(primary)
        except Tampered as error:
            raise Tampered(f"{error.message}: {primary}", hint=error.hint) from None

    def _refresh(self) -> None:
        """Update the cached entries: all of them at first, later only the changed ones."""
        now = self._tokens.secrets.clock.now()
        if self._full_at is None or now - self._full_at > _FULL_AFTER or not self._sorts:
            self._entries, self._full_at = {each["Name"]: each for each in self._newest_first()}, now
            return
        since = max((each["LastChangedDate"] for each in self._entries.values()), default=None)
        changed = {}
        for listed in self._newest_first():
            if since is not None and listed["LastChangedDate"] < since - LAG:
                break
            changed[listed["Name"]] = listed
        if not self._sorts:
            self._full_at = None
            self._refresh()
            return
        self._entries |= changed

    def _newest_first(self) -> Iterator[dict[str, Any]]:
        """Yield the listing, latest change first if the region supports that order; detects if it does not."""
        order = {"SortBy": "last-changed-date", "SortOrder": "desc"} if self._sorts else {}
        before = None
        try:
            for page in self._tokens.secrets.pages(Filters=self._below, IncludePlannedDeletion=True, **order):
                for listed in page:
                    if "DeletedDate" in listed:
                        self._look_doomed(listed)
                        continue
                    changed = listed.get("LastChangedDate")
                    self._sorts = self._sorts and changed is not None and (before is None or changed <= before)
                    before = changed
                    yield listed
        except AwsError as error:
            if error.reason not in {AwsFailure.REFUSED, AwsFailure.LABEL} or not order or before is not None:
                raise
            self._sorts = False
            yield from self._newest_first()


def _is_ours(listed: dict[str, Any], store_id: str) -> bool:
    tags = tags_in(listed)
    return tags.get(STORE) == store_id and TOKEN in tags


def _is_stripped(listed: dict[str, Any]) -> bool:
    """Whether a secret holds a token's state and lacks the store's tags."""
    tags = tags_in(listed)
    return _holds_state(listed) and not (STORE in tags and TOKEN in tags)


def _holds_state(listed: dict[str, Any]) -> bool:
    return any(DOCUMENT in labels for labels in listed.get("SecretVersionsToStages", {}).values())
