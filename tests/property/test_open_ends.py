"""Where the end of some data may begin what is looked for: by its last bytes as by all of them."""

import random

from tokenguard.redaction.compact import compact
from tokenguard.redaction.open_ends import OpenEnds

ALPHABET = b"abcd"
OTHERS = b"ex \n\r\t"


def expected(needles: list[bytes], formats: list[bytes], most: int, data: bytes) -> int:
    """By definition: the longest end, of up to four bytes without white space, with which an anchor begins."""
    text = compact(data)
    for size in (4, 3, 2, 1):
        tail = text[-size:]
        if len(tail) < size:
            continue
        wrapped = any(each.startswith(tail) and each != tail for each in needles)
        direct = data.endswith(tail) and any(each.startswith(tail) and each != tail for each in formats)
        if not (wrapped or direct):
            continue
        start = next(at for at in range(len(data), -1, -1) if len(compact(data[at:])) >= size)
        if len(data) - start < most:
            return start
    return len(data)


def test_the_last_bytes_say_what_all_of_the_data_says() -> None:
    source = random.Random(1)
    for _ in range(120):
        needles, formats = (
            [bytes(source.choices(ALPHABET, k=source.randint(1, 4))) for _ in range(source.randint(0, 6))]
            for _ in range(2)
        )
        most = source.choice([1, 2, 3, 5, 50])
        ends = OpenEnds(needles, formats, most)
        for _ in range(200):
            data = bytes(source.choices(ALPHABET + OTHERS, k=source.choice([0, 1, 2, 3, 4, 5, 8, 30])))
            data += source.choice([b"", b"\n"])
            assert ends.start(data) == expected(needles, formats, most, data), (needles, formats, most, data)
