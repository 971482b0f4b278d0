"""The document of one token: the unit of compare-and-set, and its JSON form."""

from datetime import UTC, datetime

import msgspec

from tokenguard.domain.event import ChainHead
from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.journal import AttemptState, Journal, Quarantined, Stage
from tokenguard.domain.migration_status import plain_address
from tokenguard.domain.names import TokenId
from tokenguard.domain.provider_listing import Listing
from tokenguard.domain.token import Record, RecordState
from tokenguard.errors import UPGRADE, Moved, NewerFormat, Tampered
from tokenguard.frozen import Frozen, field, replace

FORMAT = 1
"""Raised by a change that other versions cannot read; `docs/spec/record.md` is its specification."""
REVISION = 1
"""Raised by a field that others can ignore, but must not drop; documents without it are of 0.1."""


class Document(Frozen, frozen=True, kw_only=True):
    """Everything durable about one token except its values and its events."""

    record: Record
    journal: Journal | None = None
    """The open operation, or the last one that ended."""
    quarantine: tuple[Quarantined, ...] = ()
    listing: Listing | None = None
    """The last list of the provider's tokens that a person entered."""
    chain: ChainHead = field(default_factory=ChainHead)
    """Kept by the store: `commit` extends it with the events it is given."""
    moved_to: str = ""
    """The address of the store that the token was migrated to; commits here are refused from then on."""
    format: int = FORMAT
    revision: int = REVISION
    """As it was read; a written document has the revision of the writing program."""

    @property
    def fingerprints(self) -> frozenset[Fingerprint]:
        """The fingerprints of all values known of this token (live, old, candidates, quarantined), to look up leaks."""
        known = [self.record.fingerprint, *(item.fingerprint for item in self.quarantine)]
        known += self.journal.fingerprints if self.journal else ()
        return frozenset(found for found in known if found is not None)

    def may_serve(self, mark: Fingerprint) -> bool:
        """Whether a store may serve the value of that fingerprint: the record's, or one that is being published.

        The record changes right after what is served: a publish in progress serves the current attempt, and an abort
        the old value. Of a retired token nothing is served.
        """
        known = {None if self.record.state is RecordState.RETIRED else self.record.fingerprint}
        if self.busy and self.journal is not None:
            journal = self.journal
            known.add(journal.attempt.fingerprint if journal.attempt else None)
            known |= journal.fingerprints if journal.stage is Stage.ABORTING else frozenset()
        return mark in known

    @property
    def accepted_again(self) -> bool:
        """Whether a token was accepted or listed after its end was recorded."""
        return any(item.alive_again for item in self.quarantine)

    @property
    def possibly_alive(self) -> tuple[Quarantined, ...]:
        """The tokens whose end is only asserted, unless the policy accepts that."""
        return tuple(each for each in self.quarantine if not (each.proof.proven or each.proof.accepted))

    @property
    def by_creator(self) -> tuple[Record, ...]:
        """The record, and again for each other creator of a value that may be alive while an operation is open.

        A record names the creator of the published value. The one that it replaces may be alive until its death is
        proven, and a new one before it is published.
        """
        journal, record = self.journal, self.record
        if journal is None or not self.busy:
            return (record,)
        values = [each for each in journal.attempts if each.state is not AttemptState.GONE]
        creators = [(each.made_by, each.account) for each in values]
        if journal.old is not None and journal.proof is None:
            creators.append((journal.old.made_by, journal.old.account))
        others = [each for each in dict.fromkeys(creators) if any(each) and each != (record.made_by, record.account)]
        return (record, *(replace(record, made_by=person, account=login) for person, login in others))

    @property
    def latest(self) -> datetime:
        """The latest timestamp in the document; a correct clock never shows an earlier time."""
        record, journal = self.record, self.journal
        times = [record.added_at, record.rotated_at, record.seen.at if record.seen else None]
        times += [journal.opened_at, journal.updated_at] if journal else []
        times += [self.listing.at] if self.listing else []
        return max((at for at in times if at is not None), default=datetime.min.replace(tzinfo=UTC))

    @property
    def busy(self) -> bool:
        """Whether an operation is open."""
        return self.journal is not None and not self.journal.stage.ended


class DocumentHeader(Frozen, frozen=True, kw_only=True):
    """The part of a stored document that says how to read the rest."""

    format: int = FORMAT
    revision: int = 0

    def as_read(self, document: Document) -> Document:
        """The document with its revision, without what earlier versions recorded on grounds that no longer count."""
        if self.revision == REVISION:
            return document
        return replace(_as_known_now(document), revision=self.revision)

    def check(self) -> None:
        """Raise if this version does not read the format: NewerFormat (exit 4), or Tampered for a number never used."""
        NewerFormat.check("a token's document", self.format, FORMAT)
        if self.format < FORMAT or self.revision < 0:
            raise Tampered(
                "a token's document has a format number that was never used",
                hint="restore the store from a backup; run `doctor`",
            )


class Snapshot(Frozen, frozen=True, kw_only=True):
    """A document as it was read: `version` is what a commit must expect."""

    id: TokenId
    version: int
    document: Document


def check_still_here(before: Document, after: Document) -> None:
    """Refuse a commit on a token that was migrated; every store calls this for each commit.

    A runner that was stopped for hours is refused as well. Only the mark itself can be taken off (a move that is given
    up), and nothing else in the same step.

    Raises:
        Moved: `before` has moved, and `after` is more than taking that back.
        NewerFormat: a newer version wrote `before`, and this one would drop what it does not know.
    """
    if before.revision > REVISION:
        raise NewerFormat(
            f"the record {before.record.name} was written by a newer version of tokenguard, and is read-only here",
            hint=UPGRADE,
        )
    if before.moved_to and after != replace(before, moved_to="", chain=after.chain):
        raise Moved(
            f"{before.record.name} has moved to {plain_address(before.moved_to)}",
            hint=f"continue in that store: --store {plain_address(before.moved_to)}; "
            "if the migration was aborted, run `tokenguard migrate --abort` once more to release this token",
        )


def as_written(document: Document) -> Document:
    """The document as this version writes it."""
    return document if document.revision == REVISION else replace(document, revision=REVISION)


def encode(document: Document) -> bytes:
    """The document as JSON in UTF-8, which is the same for the same document (docs/spec/record.md)."""
    return msgspec.json.encode(as_written(document), order="deterministic")


def _as_known_now(document: Document) -> Document:
    """Remove the observation that earlier versions recorded for a retired token whose death had no control."""
    record, proof = document.record, document.journal.proof if document.journal else None
    if record.state is RecordState.RETIRED and record.seen is not None and proof is not None and not proof.proven:
        return replace(document, record=replace(record, seen=None))
    return document


def decode(data: bytes) -> Document:
    """Read what `encode` wrote.

    Raises:
        NewerFormat: a newer version wrote it.
        Tampered: it is anything else.
    """
    try:
        header = msgspec.json.decode(data, type=DocumentHeader)
        header.check()
        return header.as_read(msgspec.json.decode(data, type=Document))
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise Tampered(
            "a token's document does not parse", hint="restore the store from a backup; run `tokenguard doctor`"
        ) from None
