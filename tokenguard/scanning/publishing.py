"""Makes a bundle from an inventory: what is covered, what is not, and what must not be taken in."""

import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from tokenguard.detection.known_token_index import OwnIndex, OwnTag, pieces, tag_of
from tokenguard.detection.known_tokens import scan_own
from tokenguard.detection.match import TextMatch
from tokenguard.detection.value_coverage import covered
from tokenguard.domain.names import TokenId
from tokenguard.errors import InputError
from tokenguard.frozen import Frozen, replace
from tokenguard.scanning.bundle import LIFETIME, Bundle, BundleWaiver
from tokenguard.scanning.content import Blob
from tokenguard.scanning.file_walk import read_file, walk
from tokenguard.scanning.inventory_values import InventoryValue, InventoryValues, ValueStatus

_INSTALLED = frozenset({"site-packages", "dist-packages"})


class Publication(Frozen, frozen=True, kw_only=True):
    """A bundle, and what is not in it."""

    bundle: Bundle
    not_covered: tuple[str, ...]
    """`NAME` or `NAME#FIELD` of values whose shape is too weak to be indexed."""
    public: tuple[str, ...]
    """The same of values that occur in public code: indexing them would block everybody's commits."""


def make_bundle(
    inventory: InventoryValues,
    *,
    key: bytes,
    before: Bundle | None,
    now: datetime,
    public: Iterable[Path],
) -> Publication:
    """Index what may be indexed; what the bundle before had and the store no longer keeps is kept as revoked.

    Args:
        inventory: the values, and how their tokens stand.
        key: of the tags.
        before: the bundle of the same key that this one follows.
        now: the time of publication.
        public: files and directories in which no value of ours may occur.
    """
    drawn = _Drawn(key, before.symbols if before else "")
    for each in inventory.known:
        drawn.take(each)
    refused = _in_public(OwnIndex(key, drawn.entries.values(), drawn.symbols), public)
    for tag in refused:
        del drawn.entries[tag]
    for old in before.entries if before else ():
        if old.tag not in refused:
            drawn.entries.setdefault(old.tag, _left_over(old, inventory.tokens, now))
    bundle = Bundle(
        version=before.version + 1 if before else 1,
        published=now.isoformat(timespec="seconds"),
        expires=(now + LIFETIME).isoformat(timespec="seconds"),
        symbols=drawn.symbols,
        entries=tuple(sorted(drawn.entries.values(), key=lambda entry: entry.tag)),
        waivers=_waivers(inventory.tokens, now),
    )
    return Publication(
        bundle=bundle,
        not_covered=tuple(sorted(drawn.not_covered)),
        public=tuple(sorted({drawn.names[tag] for tag in refused})),
    )


class _Drawn:
    """Entries, as they come together."""

    def __init__(self, key: bytes, symbols: str) -> None:
        self.entries: dict[str, OwnTag] = {}
        self.names: dict[str, str] = {}
        self.not_covered: set[str] = set()
        self._key = key
        self._symbols = set(symbols)

    @property
    def symbols(self) -> str:
        """Which characters beyond letters and digits the values use."""
        return "".join(sorted(self._symbols))

    def take(self, known: InventoryValue) -> None:
        """Add a value's tags; one that two tokens hold counts as live if either does."""
        shown = known.name if known.field == "token" else f"{known.name}#{known.field}"
        text = known.value.reveal()
        if not covered(text):
            self.not_covered.add(shown)
            return
        for piece in pieces(text):
            tag, anchor, length = tag_of(self._key, piece)
            entry = OwnTag(tag=tag, anchor=anchor, length=length, token=known.token, revoked_on=known.revoked_on)
            there = self.entries.get(tag)
            if there is None or (there.revoked_on and not known.revoked_on):
                self.entries[tag] = entry
                self.names[tag] = shown
        self._symbols |= {char for char in text if not char.isalnum()}


def ordinary_code() -> Iterator[Path]:
    """Files that anybody can see, and that are on every machine of this kind: Python's own library."""
    library = Path(sysconfig.get_path("stdlib"))
    every = (each for each in walk(library) if each.suffix == ".py")
    return (each for each in every if not _INSTALLED & set(each.relative_to(library).parts))


def _in_public(index: OwnIndex, paths: Iterable[Path]) -> set[str]:
    """The tags of values that occur there; InputError if there is nothing to look at."""
    found: set[str] = set()
    if not len(index):
        return found
    read = 0
    for source in map(read_file, _files(paths)):
        if isinstance(source, Blob):
            read += 1
            matches = (each for each in scan_own(index, source.data) if isinstance(each, TextMatch))
            found |= {tag_of(index.key, match.value.reveal())[0] for match in matches}
    if not read:
        raise InputError("no file of public code could be read", hint="name some with --public-code PATH")
    return found


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """Every file of them, also where git would ignore it."""
    for path in paths:
        yield from walk(path) if path.is_dir() else [path]


def _left_over(entry: OwnTag, tokens: Mapping[TokenId, ValueStatus], now: datetime) -> OwnTag:
    """A value that is kept nowhere any more: an operation ends only with its death, so it died by now.

    Of a token that this store does not know nothing is said anew: it is another store's.
    """
    standing = tokens.get(TokenId(entry.token))
    if entry.revoked_on or standing is None or standing.busy:
        return entry
    return replace(entry, revoked_on=now.date().isoformat())


def _waivers(tokens: Mapping[TokenId, ValueStatus], now: datetime) -> tuple[BundleWaiver, ...]:
    return tuple(
        BundleWaiver(
            token=token, owner=given.owner, reason=given.reason, until=given.until.isoformat(timespec="seconds")
        )
        for token, standing in sorted(tokens.items())
        if (given := standing.waiver) is not None and given.until > now
    )
