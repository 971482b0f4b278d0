"""Makes a bundle from an inventory: what is covered, what is not, and what must not be taken in."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from tokenguard.detection.own import scan_own
from tokenguard.detection.own_index import OwnIndex, OwnTag, covered, pieces, tag_of
from tokenguard.domain.names import TokenId, TokenName
from tokenguard.domain.secret import Secret
from tokenguard.frozen import Frozen
from tokenguard.scanning.bundle import LIFETIME, Bundle
from tokenguard.scanning.files import read_paths
from tokenguard.scanning.source import Blob


class Known(Frozen, frozen=True):
    """One field of one live value."""

    token: TokenId
    name: TokenName
    field: str
    value: Secret


class Publication(Frozen, frozen=True, kw_only=True):
    """A bundle, and what is not in it."""

    bundle: Bundle
    not_covered: tuple[str, ...]
    """`NAME` or `NAME#FIELD` of values whose shape is too weak to be indexed."""
    public: tuple[str, ...]
    """The same of values that occur in public code: indexing them would block everybody's commits."""


def make_bundle(
    known: Iterable[Known], *, key: bytes, before: Bundle | None, now: datetime, public_code: Iterable[Path] = ()
) -> Publication:
    """Index what may be indexed; what the bundle before had and nobody has now is kept as revoked.

    Args:
        known: the live values.
        key: of the tags.
        before: the bundle of the same key that this one follows.
        now: the time of publication.
        public_code: files and directories in which no value of ours may occur.
    """
    names: dict[str, str] = {}
    entries: dict[str, OwnTag] = {}
    symbols = set(before.symbols if before else "")
    not_covered = []
    for each in known:
        shown = each.name if each.field == "token" else f"{each.name}#{each.field}"
        text = each.value.reveal()
        if not covered(text):
            not_covered.append(shown)
            continue
        for piece in pieces(text):
            tag, anchor, length = tag_of(key, piece)
            entries[tag] = OwnTag(tag=tag, anchor=anchor, length=length, token=each.token)
            names[tag] = shown
        symbols |= {char for char in text if not char.isalnum()}
    public = _in_public(OwnIndex(key, entries.values(), "".join(sorted(symbols))), public_code)
    for tag in public:
        del entries[tag]
    for old in before.entries if before else ():
        entries.setdefault(old.tag, old if old.revoked_on else _revoked(old, now))
    bundle = Bundle(
        version=before.version + 1 if before else 1,
        published=now.isoformat(timespec="seconds"),
        expires=(now + LIFETIME).isoformat(timespec="seconds"),
        symbols="".join(sorted(symbols)),
        entries=tuple(sorted(entries.values(), key=lambda entry: entry.tag)),
    )
    return Publication(
        bundle=bundle,
        not_covered=tuple(sorted(set(not_covered))),
        public=tuple(sorted({names[tag] for tag in public})),
    )


def _in_public(index: OwnIndex, paths: Iterable[Path]) -> set[str]:
    found: set[str] = set()
    for source in read_paths(list(paths)):
        if isinstance(source, Blob):
            found |= {tag_of(index.key, match.value.reveal())[0] for match in scan_own(index, source.data)}
    return found


def _revoked(entry: OwnTag, now: datetime) -> OwnTag:
    return OwnTag(
        tag=entry.tag,
        anchor=entry.anchor,
        length=entry.length,
        token=entry.token,
        revoked_on=now.date().isoformat(),
    )
