"""Anchors of long runs are found at the same places as one by one."""

import hmac
import random
import zlib

import pytest

from tokenguard.detection.anchor_search import AnchorSearch
from tokenguard.detection.known_token_index import tag_of
from tokenguard.domain.secret import Value, token_digests

WIDTH = 12


@pytest.mark.parametrize("size", [0, 11, 12, 13, 1000, (1 << 15) + 11, (1 << 15) + 12, 100_001])
@pytest.mark.parametrize("alphabet", [bytes(range(256)), b"a", b"0123456789abcdef"])
def test_the_places_are_those_of_each_window_by_itself(size: int, alphabet: bytes) -> None:
    source = random.Random(size)
    seed = source.getrandbits(32)
    run = bytes(source.choices(alphabet, k=size))
    anchors = [zlib.crc32(run[place : place + WIDTH], seed) & 0xFFFF for place in range(size - WIDTH + 1)]
    wanted = set(source.sample(sorted(set(anchors)), len(set(anchors)) // 9)) | set(anchors[-1:])
    expected = [place for place, anchor in enumerate(anchors) if anchor in wanted]
    assert list(AnchorSearch(WIDTH, seed, wanted).places(run)) == expected


def test_the_quick_digest_is_that_of_the_value() -> None:
    for token in ("x", "tgcanary_1", "é" * 300):
        assert token_digests()(token.encode()) == Value.of(token).digest()


def test_a_tag_is_the_hmac_of_the_digest_of_the_value() -> None:
    key = bytes(range(32))
    tag = hmac.new(key, b"tokenguard scan 1" + Value.of("tgcanary_1").digest(), "sha256").hexdigest()[:32]
    assert tag_of(key, "tgcanary_1")[0] == tag
