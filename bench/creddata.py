"""What was found in a part of CredData beside its labels: the folder holds `data/` and the labels as `rows.json`."""

import json
from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from pathlib import Path

from tokenguard.frozen import Frozen


class Agreement(Frozen, frozen=True):
    """How many labels were hit, those of UUIDs left out, and how many lines without a label were told."""

    true: int
    all_true: int
    false: int
    unlabelled: int

    @property
    def recall(self) -> float:
        """Of the labelled secrets."""
        return self.true / max(self.all_true, 1)

    @property
    def precision(self) -> float:
        """Among the labels that were hit."""
        return self.true / max(self.true + self.false, 1)

    def __str__(self) -> str:
        return f"recall {self.recall:.2f}, labelled precision {self.precision:.2f}, unlabelled lines {self.unlabelled}"


def agreement(root: Path, found: Mapping[str, AbstractSet[int]]) -> Agreement:
    """The lines that were found beside the labels."""
    true = every = false = unlabelled = 0
    for path, labels in _labels(root).items():
        lines = found.get(path, frozenset())
        told = set[int]()
        for first, last, truth, is_uuid in labels:
            here = {line for line in lines if first <= line <= last}
            told |= here
            if truth == "T" and not is_uuid:
                every += 1
                true += bool(here)
            elif truth == "F":
                false += bool(here)
        unlabelled += len(lines - told)
    return Agreement(true, every, false, unlabelled)


@cache
def _labels(root: Path) -> dict[str, list[tuple[int, int, str, bool]]]:
    labels: dict[str, list[tuple[int, int, str, bool]]] = defaultdict(list)
    for row in json.loads((root / "rows.json").read_text()):
        place = int(row["LineStart"]), int(row["LineEnd"])
        labels[row["FilePath"]].append((*place, row["GroundTruth"], "UUID" in row["Category"]))
    return labels
