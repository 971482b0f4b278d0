"""Finds the token of a leaked value: by fingerprint, by pulled fingerprints, by field, or by report code."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from urllib.parse import unquote

from tokenguard.detection.known_tokens import CODE_DIGITS
from tokenguard.detection.match import TextMatch
from tokenguard.detection.value_coverage import covered
from tokenguard.domain.document import Snapshot
from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.names import TokenId, token_id, token_name
from tokenguard.domain.secret import TOKEN_FIELD, Secret, Value
from tokenguard.domain.shape import MAX_LENGTH, MIN_LENGTH
from tokenguard.errors import InputError
from tokenguard.frozen import Frozen, replace
from tokenguard.ports.provider import ByValue, KnownVendors
from tokenguard.ports.store import Store, holders_of
from tokenguard.scanning.bundle import ScanKey, now_utc
from tokenguard.scanning.foreign_reports import ReportedLeak
from tokenguard.scanning.inventory_values import values_of
from tokenguard.scanning.known_token_stage import load_own_tokens
from tokenguard.scanning.scanner import OwnStage
from tokenguard.token_formats.table import format_of

_CODE = re.compile(rf"[0-9a-f]{{{CODE_DIGITS},32}}", re.ASCII)
_ID_DIGITS = 32
_BREAKS = re.compile(r"[\s\"'`<>(),;\[\]{}]+")
_PAIR = re.compile(r"dx_bearer_[0-9a-f-]{36}:dx_secret_[0-9a-f-]{36}")
_MOST_READINGS = 24
_FEW = 20
"""Up to this number, fingerprints are looked up one by one; beyond, one walk over the inventory is cheaper."""


class Leaked(Frozen, frozen=True, kw_only=True):
    """One value of one token, and where it was found."""

    snapshot: Snapshot
    value: Value | None = None
    """None if the token is known, but not which of its values."""
    fingerprint: Fingerprint | None = None
    sightings: tuple[ReportedLeak, ...] = ()

    @property
    def revoked_on(self) -> str:
        """Since when it is revoked, if the finding says so."""
        dates = [each.revoked_on for each in self.sightings]
        return dates[0] if dates and all(dates) else ""


class Findings(Frozen, frozen=True, kw_only=True):
    """Reported findings, grouped by token."""

    leaks: tuple[Leaked, ...]
    strangers: int
    """Findings with a value of no token in this store."""
    blank: int
    """Findings without a value, which cannot be looked up."""
    unknown: tuple[Secret, ...] = ()
    """The values of no token in this store, as they were found."""


def look_up(
    store: Store, vendors: KnownVendors, scan_key: ScanKey | None, sightings: Sequence[ReportedLeak]
) -> Findings:
    """Sort the sightings by token and value.

    Raises:
        InputError: a report code is invalid or ambiguous.
        Unreachable: the store could not be read.
    """
    own = load_own_tokens(scan_key, now_utc()).stage
    holders, fields = _holders(store, sightings), _FieldLookup(store, vendors)
    codes: dict[str, list[Leaked]] = {}
    found: dict[tuple[TokenId, str], Leaked] = {}
    strangers = blank = 0
    unknown: tuple[Secret, ...] = ()
    for sighting in sightings:
        if not sighting.values and not sighting.token:
            blank += 1
            continue
        if sighting.token and sighting.token not in codes:
            codes[sighting.token] = list(_coded(store, sighting))
        leaks = codes.get(sighting.token) or list(holders(sighting)) or list(fields.of(sighting))
        leaks = leaks or list(_by_bundle(store, own, sighting))
        strangers += not leaks
        unknown += () if leaks else sighting.values
        for leak in leaks:
            key = (leak.snapshot.id, leak.fingerprint or "")
            before = found[key].sightings if key in found else ()
            found[key] = replace(leak, sightings=(*before, sighting))
    leaks = sorted(found.values(), key=lambda leak: (leak.snapshot.document.record.name, leak.fingerprint or ""))
    return Findings(leaks=tuple(leaks), strangers=strangers, blank=blank, unknown=unknown)


def revoking_providers(vendors: KnownVendors, findings: Findings) -> tuple[str, ...]:
    """The providers that revoke leaked values by API, and whose form values without a record have."""
    texts = {text for value in findings.unknown for text in _readings(value.reveal())}
    names = {found.vendor.lower() for text in texts if (found := format_of(text)) is not None}
    return tuple(sorted(name for name in names if _takes_leaked(vendors, name)))


def _takes_leaked(vendors: KnownVendors, name: str) -> bool:
    try:
        return vendors.provider(name).capabilities.by_value is ByValue.LEAKED
    except InputError:  # no provider of that name
        return False


def by_code(store: Store, text: str) -> Snapshot:
    """The token of a report code, an id or a name (`scan --names`); InputError if none or several match."""
    code = text.replace("-", "").strip().lower()
    if len(code) == _ID_DIGITS and _CODE.fullmatch(code):
        return store.load(token_id(code))
    if not _CODE.fullmatch(code):
        if (named := _named(store, text)) is not None:
            return named
        raise InputError("this is not a report code", hint="`scan` and the hook print it as `report: CODE`")
    matching = [snapshot for snapshot in store.scan() if snapshot.id.startswith(code)]
    if len(matching) != 1:
        raise InputError(
            "the report code matches no token of this store"
            if not matching
            else ("the report code matches several tokens"),
            hint="use the store of the team that published the fingerprints (--store), or give a longer code",
        )
    return matching[0]


def _named(store: Store, text: str) -> Snapshot | None:
    try:
        return store.find(token_name(text))
    except InputError:  # not a name: the error must not show it, since it may be a pasted value
        return None


def _coded(store: Store, sighting: ReportedLeak) -> Iterator[Leaked]:
    try:
        yield Leaked(snapshot=by_code(store, sighting.token))
    except InputError:
        if not sighting.path:  # a typed code must match; among a file's findings, one may belong to another team
            raise


def _by_bundle(store: Store, own: OwnStage | None, sighting: ReportedLeak) -> Iterator[Leaked]:
    """Parts and encodings of known tokens, which have no fingerprint of a whole value."""
    if own is None:
        return
    for value in sighting.values:
        for match in own(value.reveal().encode("utf-8", "surrogatepass")):
            if isinstance(match, TextMatch):
                with suppress(InputError):  # pulled fingerprints may include tokens of another store
                    yield Leaked(snapshot=store.load(token_id(match.facts["token"])))


class _FieldLookup:
    """Finds a value of several fields by one of them, which has no fingerprint: such values are read, once."""

    def __init__(self, store: Store, vendors: KnownVendors) -> None:
        self._store = store
        self._vendors = vendors

    def of(self, sighting: ReportedLeak) -> Iterator[Leaked]:
        """The tokens that have a value in the sighting as a field that is secret."""
        texts = {text for value in sighting.values for text in _readings(value.reveal())}
        for snapshot, value in self._values if texts else ():
            fields = {name: value.field(name).reveal() for name in value.names}
            if any(text in texts and (name == TOKEN_FIELD or covered(text)) for name, text in fields.items()):
                yield Leaked(snapshot=snapshot, value=value, fingerprint=self._store.fingerprint(value))

    @cached_property
    def _values(self) -> list[tuple[Snapshot, Value]]:
        return [
            (snapshot, value)
            for snapshot, held in self._store.holdings()
            if self._may_have_fields(snapshot.document.record.provider)
            for value, _ in values_of(held, snapshot)
            if len(value.names) > 1
        ]

    def _may_have_fields(self, provider: str) -> bool:
        try:
            can = self._vendors.provider(provider).capabilities
        except InputError:  # not configured here: its values may have any
            return True
        return len(can.fields) > 1 or len(can.admin_fields) > 1


def _holders(store: Store, sightings: Sequence[ReportedLeak]) -> Callable[[ReportedLeak], Iterator[Leaked]]:
    """A function that finds the tokens of a sighting with few requests."""
    read = {id(each): _marked(store, each) for each in sightings}
    marks = {mark for marked in read.values() for mark in marked}
    known: dict[Fingerprint, list[Snapshot]] = {}
    if len(marks) <= _FEW:
        known = {mark: list(holders_of(store, mark)) for mark in marks}
    if any(not any(known.get(mark) for mark in marked) for marked in read.values()):
        known = {}  # the entries of fingerprints may be gone
        for snapshot in store.scan():
            for mark in snapshot.document.fingerprints & marks:
                known.setdefault(mark, []).append(snapshot)

    def find(sighting: ReportedLeak) -> Iterator[Leaked]:
        for mark, value in read[id(sighting)].items():
            for snapshot in known.get(mark, ()):
                yield Leaked(snapshot=snapshot, value=value, fingerprint=mark)

    return find


def _marked(store: Store, sighting: ReportedLeak) -> dict[Fingerprint, Value]:
    """The fingerprints of every possible value in a sighting."""
    texts = dict.fromkeys(text for value in sighting.values for text in _readings(value.reveal()))
    return {store.fingerprint(value): value for value in map(Value.of, list(texts)[:_MOST_READINGS])}


def _readings(text: str) -> Iterator[str]:
    """The value itself, and without what scanners leave around it: quotes, an assignment, URL escapes."""
    for part in (text.strip(), *_PAIR.findall(unquote(text)), *_BREAKS.split(text)):
        for reading in (part, part.partition("=")[2], unquote(part)):
            if MIN_LENGTH <= len(reading) <= MAX_LENGTH:
                yield reading
