"""Makes the table of `tokenguard/detection/word_model.py`: `python -m bench.word_table`, from Python's own library."""

import re
import sysconfig
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tokenguard.detection import word_model

_WORD = re.compile(r"[A-Z]?[a-z]{2,20}|[A-Z]{3,20}")
_MOST = 40
"""A word counts as often as it occurs, but not more often than that."""

_WIDTH = 81


def _words() -> Iterator[str]:
    library = Path(sysconfig.get_path("stdlib"))
    counts = Counter[str]()
    for path in sorted(library.rglob("*.py")):
        if not {"site-packages", "dist-packages", "encodings", "test"} & set(path.relative_to(library).parts):
            counts.update(each.lower() for each in _WORD.findall(path.read_text("utf-8", "replace")))
    for word, count in sorted(counts.items()):
        if count > 1:
            yield from [word] * min(count, _MOST)


if __name__ == "__main__":
    place = Path(word_model.__file__).with_name("letters_in_words.txt")
    table = word_model.written_table(_words())
    place.write_text("".join(f"{table[start : start + _WIDTH]}\n" for start in range(0, len(table), _WIDTH)), "ascii")
