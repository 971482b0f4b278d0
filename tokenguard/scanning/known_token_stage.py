"""The own-token stage of this machine: the bundle that was pulled last, its freshness, and the waivers it brings."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tokenguard.detection.known_token_index import OwnIndex
from tokenguard.detection.known_tokens import scan_own
from tokenguard.detection.match import TextMatch, Unscanned
from tokenguard.errors import InputError, Tampered
from tokenguard.file_replacement import replace_file
from tokenguard.files import check_private_file, make_private_dir, read_limited
from tokenguard.frozen import Frozen, replace
from tokenguard.places import state_dir
from tokenguard.scanning.bundle import (
    MAX_BYTES,
    Bundle,
    BundleWaiver,
    ScanKey,
    body_of,
    read_bundle,
    stale,
    verified,
)
from tokenguard.scanning.known_token_note import NO_KEY, NOT_SEARCHED

if TYPE_CHECKING:  # it loads all rules
    from tokenguard.scanning.scanner import OwnStage

_PULL = "`tokenguard fingerprints pull --from store`, or from a file or an https address,"


class OwnTokens(Frozen, frozen=True):
    """What the scan is to use, and what its reader must know."""

    stage: "OwnStage | None"
    notes: tuple[str, ...] = ()


def load_own_tokens(key: ScanKey | None, now: datetime, *, required: bool = False) -> OwnTokens:
    """The stage with the pulled bundle, or a note why there is none.

    Args:
        key: the scan key, if this machine has one.
        now: decides what has expired.
        required: fail instead of doing without, or with a list that has expired.

    Raises:
        InputError: known tokens are required and cannot be looked for.
    """
    bundle = pulled(key) if key else None
    missing = NO_KEY if key is None else "no bundle was pulled" if bundle is None else ""
    if key is None or bundle is None:
        if required:
            raise InputError(f"known tokens cannot be searched for: {missing}", hint=f"{_PULL} first")
        return OwnTokens(None, (f"{NOT_SEARCHED}: {missing}",))
    notes: tuple[str, ...] = ()
    if stale(bundle, now):
        if required:
            raise InputError("the list of known tokens has expired", hint=f"{_PULL} gets a new one")
        notes = (f"the list of known tokens expired on {bundle.expires[:10]}: pull a new one",)
    index = OwnIndex(key.tags, bundle.entries, bundle.symbols)
    waivers = {waiver.token: waiver for waiver in bundle.waivers}

    def stage(data: bytes) -> Iterator[TextMatch | Unscanned]:
        found = scan_own(index, data)
        return (_waived(each, waivers, now) if isinstance(each, TextMatch) else each for each in found)

    return OwnTokens(stage, notes)


def keep(data: bytes, key: ScanKey) -> Bundle:
    """Check a bundle and keep it for this machine's scans.

    Raises:
        Tampered: its signature is wrong, or it is older than the one that was pulled before.
        InputError: it is not a bundle.
    """
    bundle = verified(data, key)
    before = pulled(key)
    if before is not None and bundle.version < before.version:
        raise Tampered(
            f"the bundle has version {bundle.version}; this machine already pulled version {before.version}",
            hint="an old list would hide newer tokens: fetch the current one from its publisher",
        )
    place = _place(key)
    make_private_dir(place.parent)
    replace_file(place, body_of(bundle))
    return bundle


def pulled(key: ScanKey) -> Bundle | None:
    """The bundle that was pulled last with this key."""
    place = _place(key)
    if not place.exists():
        return None
    check_private_file(place)
    return read_bundle(read_limited(place, MAX_BYTES))


def _waived(match: TextMatch, waivers: Mapping[str, BundleWaiver], now: datetime) -> TextMatch:
    """Add its waiver to the finding of a live token, or the note that the waiver has expired."""
    waiver = waivers.get(match.facts["token"])
    if waiver is None or match.facts["state"] != "live":
        return match
    until = waiver.until[:10]
    if datetime.fromisoformat(waiver.until) <= now:
        return replace(match, facts=match.facts | {"waiver": f"expired on {until}"})
    said = {"state": "waived", "until": until, "waived_by": waiver.owner, "reason": waiver.reason}
    return replace(match, facts=match.facts | said)


def _place(key: ScanKey) -> Path:
    """One file for each key: a new epoch starts afresh, and teams do not get in each other's way."""
    return state_dir() / "scan" / f"{key.digest[:32]}.json"
