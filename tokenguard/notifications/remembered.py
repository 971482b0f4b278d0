"""The ids that each route was told, packed: 10,000 overdue tokens fit into one secret of AWS. Pure."""

import base64
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter

from tokenguard.frozen import Frozen

Told = Mapping[str, Mapping[str, int]]
"""By route: the ids that it was told, as `short` makes them, each with the day on which its condition was last seen."""
_DIGITS = 10
"""Hex digits that are kept of an id: of 10,000 ids, a further one equals another with a chance of 1 in 100 million."""
_BITS = 4 * _DIGITS
_GROUP = 0x80
"""Set in every byte of a number but its last."""


class PackedIds(Frozen, frozen=True):
    """Ids with the same routes and the same day."""

    routes: tuple[str, ...]
    day: int
    ids: str
    """The distances between the ids in their order, in base 64."""


def short(identity: str) -> str:
    """What is remembered of an id."""
    return identity[:_DIGITS]


def distinct(told: Told) -> set[str]:
    """The remembered ids of all routes; the same one of several routes takes no more space."""
    return {each for ids in told.values() for each in ids}


def pack(told: Told) -> tuple[PackedIds, ...]:
    """Ids of several routes once, in as few bytes as their distances need."""
    found = defaultdict[tuple[str, int], list[str]](list)
    for route in sorted(told):
        for each, day in told[route].items():
            found[each, day].append(route)
    rows = sorted((tuple(routes), day, int(each, 16)) for (each, day), routes in found.items())
    return tuple(
        PackedIds(routes, day, base64.b64encode(b"".join(_distances(number for *_, number in group))).decode())
        for (routes, day), group in groupby(rows, key=itemgetter(0, 1))
    )


def unpack(packed: Iterable[PackedIds], most: int) -> Told:
    """The opposite of `pack`, of at most so many ids of all routes. ValueError for what it did not write."""
    told, left = defaultdict[str, dict[str, int]](dict), most
    for each in packed:
        ids = [f"{number:0{_DIGITS}x}" for number in _numbers(base64.b64decode(each.ids, validate=True), left)]
        left -= len(ids) * len(each.routes)
        if left < 0:
            raise ValueError
        for route in each.routes:
            told[route].update(dict.fromkeys(ids, each.day))
    return dict(told)


def _distances(numbers: Iterable[int]) -> Iterator[bytes]:
    """Seven bits a byte, the lowest first."""
    last = 0
    for number in numbers:
        left, last = number - last, number
        while left >= _GROUP:
            yield bytes([left & (_GROUP - 1) | _GROUP])
            left >>= 7
        yield bytes([left])


def _numbers(data: bytes, most: int) -> Iterator[int]:
    number = distance = shift = 0
    for byte in data:
        if shift > _BITS or most < 0:
            raise ValueError
        distance |= (byte & (_GROUP - 1)) << shift
        shift += 7
        if byte < _GROUP:
            number, distance, shift, most = number + distance, 0, 0, most - 1
            yield number
    if shift:
        raise ValueError
