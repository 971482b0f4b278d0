"""Decompresses stored data completely, up to a size limit."""

import zlib


def decompress_limited(data: bytes, limit: int) -> bytes:
    """Return the decompressed `data`.

    Args:
        data: one zlib stream.
        limit: the most bytes that are accepted.

    Raises:
        zlib.error: the stream is damaged, cut short, followed by something else, or larger than `limit`.
    """
    inflater = zlib.decompressobj()
    plain = inflater.decompress(data, limit)
    if not inflater.eof or inflater.unused_data:
        raise zlib.error("not one whole stream")
    return plain
