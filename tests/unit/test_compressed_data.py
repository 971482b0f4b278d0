"""Data that was compressed, in a text: its content, and an end to the work on data that was made to cause some."""

import gzip
import zlib
from typing import Any

import pytest

from tests.fakes.disguises import zipped
from tokenguard.detection import compressed_data
from tokenguard.detection.compressed_data import decompressed

TEXT = b"BT (tgcanary-key) Tj ET\n" * 20


@pytest.mark.parametrize("window", [9, 12, 15])
@pytest.mark.parametrize("before", [b"", b"downstream\n" * 9, b"stream\nx\x9c"])
def test_a_stream_of_a_document_is_read_whatever_stands_before_it(window: int, before: bytes) -> None:
    """Some programs compress with a smaller window, so that the stream begins with another byte."""
    packed = zlib.compressobj(wbits=window)
    stream = packed.compress(TEXT) + packed.flush()
    found = decompressed(b"%PDF-1.7\n" + before + b"1 0 obj\n<< >>\nstream\r\n" + stream + b"\nendstream\nendobj\n")
    assert found is not None
    assert TEXT in found.data


@pytest.mark.parametrize("packed", [zipped("a.xml", "0" * 100_000), gzip.compress(b"0" * 100_000)], ids=["zip", "gzip"])
def test_no_content_fills_the_memory(monkeypatch: pytest.MonkeyPatch, packed: bytes) -> None:
    monkeypatch.setattr(compressed_data, "_LARGEST", 2_000)
    found = decompressed(packed)
    assert found is not None
    assert (len(found.data), found.whole) == (2_000, False)


def test_a_document_of_streams_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, real = list[object](), zlib.decompressobj

    def counted(*arguments: Any) -> Any:
        begun.append(arguments)
        return real(*arguments)

    monkeypatch.setattr("tokenguard.detection.compressed_data.zlib.decompressobj", counted)
    decompressed(b"%PDF-1.7\n" + b"stream\nx\x9c" * 5_000)
    assert 0 < len(begun) < 100
