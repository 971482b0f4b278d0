"""The inventory, a hundred secrets a request; and only what changed, where this process has listed before."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from tokenguard.clients.aws.aws_errors import AwsError, AwsFailure
from tokenguard.clients.aws.secrets import tags_in
from tokenguard.domain.document import Snapshot
from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.names import TokenId, is_token_id
from tokenguard.errors import Tampered
from tokenguard.ports.store import Stray
from tokenguard.stores.aws.projection import MORE, STORE, TOKEN, print_key, snapshot_in
from tokenguard.stores.aws.strays import Strays
from tokenguard.stores.aws.tokens import CachedToken, Tokens

LAG = timedelta(minutes=5)
"""How far AWS's listing may be behind."""
_FULL_AFTER = timedelta(hours=1)
"""Listing only what changed does not show what went; so everything is listed again after this long."""


class AwsInventory:
    """The tokens of one store, by listing."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._entries: dict[str, dict[str, Any]] = {}
        self._full_at: datetime | None = None
        self._sorts = True
        self._strays = Strays(tokens.place)

    @property
    def strays(self) -> Sequence[Stray]:
        """What was passed over so far."""
        return self._strays.found

    def survey(self) -> Sequence[Stray]:
        """Everything with the store's tags, or below its own names, that is not tokenguard's."""
        for _ in self.scan():
            pass
        own = [{"Key": "name", "Values": [f"{self._tokens.place.prefix}/@"]}]
        for page in self._tokens.secrets.pages(Filters=own):
            for listed in page:
                self._strays.look(listed["Name"])
        return self._strays.found

    def scan(self) -> Iterator[Snapshot]:
        """Every token, ordered by name; a token whose tags are not of its present state is read by itself."""
        self._refresh()
        entries = list(self._entries.values())
        found = [snapshot for snapshot in map(self._snapshot, self._lone(entries)) if snapshot is not None]
        listed = {snapshot.id for snapshot in found}
        # what this process made itself, and a listing that lags does not show yet
        found += [held.snapshot for held in self._tokens.known() if held.body.id not in listed]
        return iter(sorted(found, key=lambda snapshot: snapshot.document.record.name))

    def holders(self, fingerprint: Fingerprint) -> tuple[TokenId, ...]:
        """The tokens that know a value of that fingerprint, by one filtered listing."""
        filters = [*self._tokens_only, {"Key": "tag-key", "Values": [print_key(fingerprint), MORE]}]
        found = {held.body.id: held.snapshot for held in self._tokens.known()}
        for page in self._tokens.secrets.pages(Filters=filters):
            found |= {each.id: each for each in map(self._snapshot, self._lone(page)) if each is not None}
        return tuple(sorted(each for each, at in found.items() if fingerprint in at.document.fingerprints))

    @property
    def _tokens_only(self) -> list[dict[str, Any]]:
        return [
            {"Key": "name", "Values": [f"{self._tokens.place.prefix}/"]},
            {"Key": "tag-key", "Values": [TOKEN]},
        ]

    def _lone(self, listed: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Secrets of this store, without those that bear the tags of a token which lives in another secret.

        Whoever copies a secret in the console copies its tags.
        """
        ours = [each for each in listed if _is_ours(each, self._tokens.store_id)]
        in_primary = {tags_in(each)[TOKEN] for each in ours if snapshot_in(each) is not None}
        for each in ours:
            token = tags_in(each)[TOKEN]
            copy = snapshot_in(each) is None and token in in_primary
            if copy or not is_token_id(token):
                self._strays.note(each["Name"])
            else:
                yield each

    def _snapshot(self, listed: dict[str, Any]) -> Snapshot | None:
        token = TokenId(tags_in(listed)[TOKEN])
        self._tokens.met(token, listed["Name"])
        newest = self._tokens.newest(token)
        snapshot = snapshot_in(listed)
        if snapshot is None:
            held = self._read(listed["Name"])
            return None if held is None else held.snapshot
        return newest.snapshot if newest is not None and newest.body.version > snapshot.version else snapshot

    def _read(self, primary: str) -> CachedToken | None:
        try:
            return self._tokens.load_primary(primary)
        except Tampered as error:
            raise Tampered(f"{error.message}: {primary}", hint=error.hint) from None

    def _refresh(self) -> None:
        """Bring the entries up to date: all of them at first, later the changed ones."""
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
        """The listing, latest change first where the region knows how; it is noticed where it does not."""
        order = {"SortBy": "last-changed-date", "SortOrder": "desc"} if self._sorts else {}
        before = None
        try:
            for page in self._tokens.secrets.pages(Filters=self._tokens_only, **order):
                for listed in page:
                    changed = listed.get("LastChangedDate")
                    self._sorts = self._sorts and changed is not None and (before is None or changed <= before)
                    before = changed
                    yield listed
        except AwsError as trouble:
            if trouble.reason not in {AwsFailure.REFUSED, AwsFailure.LABEL} or not order or before is not None:
                raise
            self._sorts = False
            yield from self._newest_first()


def _is_ours(listed: dict[str, Any], store_id: str) -> bool:
    tags = tags_in(listed)
    return tags.get(STORE) == store_id and TOKEN in tags
