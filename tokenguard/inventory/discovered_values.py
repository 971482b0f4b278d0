"""Turns values found in external secrets into drafts: one per value, adopting the first place and reporting others."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping

from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.names import MAX_SEGMENTS, SEGMENT
from tokenguard.domain.secret import TOKEN_FIELD, Secret, Value
from tokenguard.domain.shape import check_value
from tokenguard.errors import InputError
from tokenguard.frozen import Frozen, field
from tokenguard.inventory import heuristics
from tokenguard.inventory.readers import TokenDraft
from tokenguard.ports.secret_listing import ListedSecret

_SAYS_NOTHING = frozenset({"", "value", "data", "content", "secret", "password", "string", "text"})
"""Field names that every kind of secret has: what is in them is told by the entry's own name, if by anything."""
_STEM = 56
"""Characters of a last segment that a number is put behind."""
_LABELS = {"owner": "owner", "team": "owner", "environment": "environment", "env": "environment"}
"""Labels that answer for a field of the record, the better one of two first."""


class DiscoveredValue(Frozen, frozen=True, kw_only=True):
    """One value at one place."""

    address: str
    path: str
    key: str
    """The field it is in; empty for the text of an entry without fields."""
    value: Secret
    provider: str | None
    alone: bool
    """The only token of its entry."""
    texts: Mapping[str, str] = field(default_factory=dict)


def values_in(entry: ListedSecret) -> list[DiscoveredValue]:
    """The texts of an entry that look like tokens and can be values."""
    found = [(name, value) for name, value in _like_tokens(entry, entry.texts) if _usable(value)]
    return [
        DiscoveredValue(
            address=entry.addresses[name],
            path=entry.path,
            key=name,
            value=value,
            provider=heuristics.provider_of(f"{_word(f'{entry.path}/{name}')}_token", value),
            alone=len(found) == 1,
            texts=_told(entry.labels),
        )
        for name, value in found
    ]


def padded(entry: ListedSecret) -> list[str]:
    """Return the addresses of tokens surrounded by white space, which no provider accepts."""
    surrounded = {name: value for name, value in entry.texts.items() if value.reveal() != value.reveal().strip()}
    return [
        entry.addresses[name]
        for name, value in _like_tokens(entry, surrounded)
        if not _usable(value) and _usable(Secret(value.reveal().strip()))
    ]


def drafts(
    seen: Iterable[DiscoveredValue],
    fingerprint: Callable[[Value], Fingerprint],
    *,
    taken: Collection[str],
    begun: Mapping[str, str],
    prefix: str = "",
    adopt: bool = True,
) -> list[TokenDraft]:
    """One draft for each value, in the order of their first places.

    Args:
        seen: what was seen.
        fingerprint: of the store that it goes into.
        taken: names that are not free.
        begun: names by address, of records that an earlier run was interrupted at.
        prefix: put before every proposed name; empty: nothing.
        adopt: the first place is where the live value stays; otherwise all of them are consumers alike.
    """
    groups: dict[Fingerprint, list[DiscoveredValue]] = {}
    for sighting in sorted(seen, key=lambda each: each.address):
        groups.setdefault(fingerprint(Value({TOKEN_FIELD: sighting.value})), []).append(sighting)
    used = set(taken)
    found = []
    for group in groups.values():
        first = group[0]
        name = begun.get(first.address) or _free(_proposed(first, prefix), used)
        used.add(name)
        texts = {name: text for each in reversed(group) for name, text in each.texts.items()}
        provider = next((each.provider for each in group if each.provider), None)
        found.append(
            TokenDraft(
                place=first.address,
                texts={
                    **texts,
                    "name": name,
                    **({"location": first.address} if adopt else {}),
                    **({"provider": provider} if provider else {}),
                },
                value=first.value,
                also=tuple(each.address for each in (group[1:] if adopt else group)),
            )
        )
    return found


def _like_tokens(entry: ListedSecret, texts: Mapping[str, Secret]) -> list[tuple[str, Secret]]:
    last = entry.path.rpartition("/")[2]
    return [
        (name, value)
        for name, value in texts.items()
        if heuristics.looks_like_token(_word(last if name.lower() in _SAYS_NOTHING else name), value)
    ]


def _usable(value: Secret) -> bool:
    try:
        check_value(value.reveal())
    except InputError:
        return False
    return True


def _word(text: str) -> str:
    """A path or a field as a variable's name, which is what is guessed from."""
    return re.sub(r"[^A-Za-z0-9]+", "_", text)


def _told(labels: Mapping[str, str]) -> dict[str, str]:
    lower = {name.lower(): text.strip().lower() for name, text in labels.items()}
    wanted = reversed(_LABELS.items())
    return {known: lower[name] for name, known in wanted if SEGMENT.fullmatch(lower.get(name, ""))}


def _proposed(sighting: DiscoveredValue, prefix: str) -> str:
    """The path as a name; with the field where the entry holds several tokens. Too long a path loses its beginning."""
    parts = [*sighting.path.split("/"), *([] if sighting.alone or not sighting.key else [sighting.key])]
    segments = [segment for part in parts if (segment := _segment(part))]
    before = [segment for segment in prefix.split("/") if segment]
    room = MAX_SEGMENTS - len(before)
    return "/".join([*before, *(segments[-room:] or ["token"])])


def _segment(text: str) -> str:
    return re.sub(r"[^a-z0-9.-]+", "-", text.lower()).strip("-._")[:63].rstrip("-._")


def _free(name: str, used: Collection[str]) -> str:
    """The name, or with a number behind it."""
    if name not in used:
        return name
    stem = name[: len(name) - max(len(name.rpartition("/")[2]) - _STEM, 0)]
    return next(each for number in range(2, len(used) + 3) if (each := f"{stem}-{number}") not in used)
