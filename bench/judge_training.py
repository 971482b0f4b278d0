"""Makes the judge's weights: `python -m bench.judge_training LABELLED CLEAN... [--write]`.

LABELLED holds a part of CredData as its own download script rebuilds it (`data/`), and its labels as `rows.json`; CLEAN
are trees of published source code in which whatever looks like a secret is none. Without `--write` only the
cross-validation is printed: each repository is judged by weights that were made from the others.
"""

import json
import random
import re
import string
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import exp
from pathlib import Path

from tokenguard.detection.assignments import assignments
from tokenguard.detection.judging.candidate import JudgedValue
from tokenguard.detection.judging.characters import CharacterModel, written_table
from tokenguard.detection.judging.judge import WEIGHTS
from tokenguard.detection.judging.judged_types import JUDGED
from tokenguard.detection.judging.traits import traits
from tokenguard.detection.match import TextMatch
from tokenguard.detection.rules import scan_rules
from tokenguard.domain.profile import Profile
from tokenguard.frozen import Frozen

_FOLDS, _ROUNDS, _RATE, _SHRINK = 5, 24, 0.06, 0.004
_LEAST_REPOSITORIES = 3
_LARGEST = 200_000
_MOST_OF_A_REPOSITORY = 400
_MADE = 1500
_HEX, _ALNUM = "0123456789abcdef", string.ascii_letters + string.digits
_SECRET_NAMES = (
    "password", "api_key", "secret", "token", "client_secret", "access_token", "db_password", "secret_key",
    "auth_token", "private_key", "encryption_key", "smtp_password", "admin_password", "jwt_secret",
    "app_secret", "webhook_secret", "session_secret", "api_token",
)  # fmt: skip
_OTHER_NAMES = (
    "sha256", "checksum", "commit", "id", "uuid", "digest", "etag", "key_id", "token_id", "request_id",
    "hash", "integrity", "revision",
)  # fmt: skip
_PLACES = (
    ("app.py", ('NAME = "VALUE"', "client = Client(NAME='VALUE')", '    "NAME": "VALUE",')),
    ("index.ts", ('const NAME = "VALUE";', "  NAME: 'VALUE',")),
    ("main.go", ('NAME := "VALUE"', '\tNAME: "VALUE",')),
    (".env", ("NAME=VALUE", 'NAME="VALUE"', "export NAME=VALUE")),
    ("values.yaml", ("NAME: VALUE", '  NAME: "VALUE"', "  - NAME=VALUE")),
    ("config.json", ('  "NAME": "VALUE",', '{"NAME": "VALUE"}')),
    ("settings.toml", ('NAME = "VALUE"',)),
    ("app.properties", ("NAME=VALUE", "app.NAME = VALUE")),
    ("config.ini", ("NAME = VALUE",)),
    ("Dockerfile", ("ENV NAME VALUE", "ENV NAME=VALUE")),
    ("main.tf", ('  NAME = "VALUE"',)),
    ("run.sh", ("NAME=VALUE ./run", 'NAME="VALUE"', "tool --NAME VALUE")),
)
_WORD = re.compile(r"[A-Za-z_][A-Za-z_]{3,24}")


class Example(Frozen, frozen=True):
    """One candidate, with what it is."""

    group: str
    place: tuple[str, int]
    label: str
    """T, F, or empty where none was given: no secret, as far as is known."""
    traits: tuple[str, ...]


def main() -> None:
    """Train, say how good it is, write."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--write"]
    labelled, clean = Path(arguments[0]), [Path(each) for each in arguments[1:]]
    model = CharacterModel(written_table(list(_words(clean))))
    examples = [*_labelled(labelled, model), *_clean(clean, model), *_made(model)]
    print(len(examples), "candidates,", sum(each.label == "T" for each in examples), "of them secrets")
    _cross_validate(examples)
    if "--write" in sys.argv:
        weights = _train(examples)
        table = written_table(list(_words(clean)))
        rounded = {name: round(weight, 2) for name, weight in sorted(weights.items()) if abs(weight) >= 0.05}
        WEIGHTS.write_text(json.dumps({"characters": table, "weights": rounded}, indent=0) + "\n", encoding="ascii")


def candidates(data: bytes, path: str) -> Iterator[tuple[int, JudgedValue]]:
    """Everything that the judge would be asked about, with its line."""
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    lines = text.split("\n")
    known = set[tuple[int, str]]()
    for hit in scan_rules(text, path, Profile.DETECT_SECRETS):
        if isinstance(hit, TextMatch) and hit.type in JUDGED:
            known.add((hit.line, hit.value.reveal()))
            yield (
                hit.line,
                JudgedValue(
                    value=hit.value.reveal(), line=lines[min(hit.line, len(lines)) - 1], path=path, source=hit.type
                ),
            )
    for each in assignments(text.encode("utf-8", "replace"), path):
        if (each.line + 1, each.value) not in known:
            yield each.line + 1, JudgedValue(value=each.value, line=each.text, path=path, source=each.type)


def _made(model: CharacterModel) -> Iterator[Example]:
    """Values as generators write them: given to a secret's name they are secrets, to a digest's or an id's none."""
    chance = random.Random(3)
    for number in range(_MADE):
        secret = number % 3 != 0
        name, value = chance.choice(_SECRET_NAMES if secret else _OTHER_NAMES), _random_value(chance, secret=secret)
        if secret and number % 10 == 1:
            name, value = chance.choice(("x", "value", "data", "conf")), "".join(chance.choices(_ALNUM, k=32))
        place, form = chance.choice(_PLACES)
        text = chance.choice(form).replace("NAME", _spelled(chance, name)).replace("VALUE", value)
        path = f"{chance.choice(('', 'src/', 'config/', 'deploy/app/', 'tests/', 'docs/'))}{place}"
        for line, candidate in candidates(f"{text}\n".encode(), path):
            yield Example(
                f"made/{number % 40}", (f"{number}/{path}", line), "T" if secret else "", _traits(candidate, model)
            )


def _random_value(chance: random.Random, *, secret: bool) -> str:
    alphabet = chance.choice((_HEX, _HEX, _ALNUM, _ALNUM + "-_", _ALNUM + "+/", _ALNUM.lower()))
    size = chance.choice((16, 20, 24, 28, 32, 36, 40, 43, 48, 64)) if secret else chance.choice((32, 40, 56, 64, 128))
    value = "".join(chance.choices(alphabet if secret else _HEX, k=size))
    if not secret and chance.random() < 1 / 3:
        return f"{value[:8]}-{value[8:12]}-4{value[13:16]}-a{value[17:20]}-{value[20:32]}"
    return value


def _spelled(chance: random.Random, name: str) -> str:
    parts = name.split("_")
    return chance.choice((name, name.upper(), parts[0] + "".join(part.title() for part in parts[1:])))


def _traits(candidate: JudgedValue, model: CharacterModel) -> tuple[str, ...]:
    return tuple(traits(candidate, model))


def _labelled(root: Path, model: CharacterModel) -> Iterator[Example]:
    labels: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for row in json.loads((root / "rows.json").read_text()):
        if row["GroundTruth"] != "X" and "UUID" not in row["Category"]:
            labels[row["FilePath"]].append((int(row["LineStart"]), int(row["LineEnd"]), row["GroundTruth"]))
    for path, known in sorted(labels.items()):
        for line, candidate in candidates((root / path).read_bytes(), path):
            here = {label for first, last, label in known if first <= line <= last}
            label = "T" if "T" in here else "F" if "F" in here else ""
            yield Example(path.split("/")[1], (path, line), label, _traits(candidate, model))


def _clean(roots: Iterable[Path], model: CharacterModel) -> Iterator[Example]:
    chance = random.Random(0)
    for root in roots:
        by_package: dict[str, list[Example]] = defaultdict(list)
        for path in _files(root):
            data = path.read_bytes()
            if b"\0" in data:
                continue
            name = str(path.relative_to(root))
            for line, candidate in candidates(data, name):
                group = f"{root.name}/{name.partition('/')[0]}"
                by_package[group].append(Example(group, (name, line), "", _traits(candidate, model)))
        for found in by_package.values():
            yield from chance.sample(found, min(len(found), _MOST_OF_A_REPOSITORY))


def _words(roots: Iterable[Path]) -> Iterator[str]:
    for root in roots:
        for path in _files(root)[::10]:
            if path.suffix in (".py", ".js", ".rst", ".md", ".txt"):
                yield from _WORD.findall(path.read_bytes()[:20_000].decode("utf-8", "replace"))


def _files(root: Path) -> list[Path]:
    return sorted(
        path
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink() and 0 < path.stat().st_size < _LARGEST
    )


def _train(examples: Sequence[Example]) -> dict[str, float]:
    """Logistic regression, by steps of which each trait takes smaller ones the more it has taken."""
    spread: dict[str, set[str]] = defaultdict(set)
    for each in examples:
        for trait in each.traits:
            spread[trait].add(each.group)
    kept = {trait for trait, groups in spread.items() if len(groups) >= _LEAST_REPOSITORIES}
    rows = [
        (tuple(trait for trait in each.traits if trait in kept), float(each.label == "T"), weight)
        for each, weight in zip(examples, _weights(examples), strict=True)
    ]
    weights: dict[str, float] = defaultdict(float)
    taken: dict[str, float] = defaultdict(lambda: 1e-6)
    chance = random.Random(1)
    for _ in range(_ROUNDS):
        chance.shuffle(rows)
        for names, truth, weight in rows:
            score = weights[""] + sum(weights[name] for name in names)
            error = (truth - 1 / (1 + exp(-max(min(score, 30), -30)))) * weight
            for name in ("", *names):
                slope = error - (_SHRINK * weights[name] if name else 0)
                taken[name] += slope * slope
                weights[name] += _RATE * slope / taken[name] ** 0.5
    return dict(weights)


def _weights(examples: Sequence[Example]) -> list[float]:
    """A repository with very many candidates counts for less each."""
    sizes = Counter((each.group, each.label == "T") for each in examples)
    return [min(1.0, 60 / sizes[each.group, each.label == "T"]) ** 0.5 for each in examples]


def _cross_validate(examples: Sequence[Example]) -> None:
    groups = sorted({each.group for each in examples})
    random.Random(2).shuffle(groups)
    judged: list[tuple[float, Example]] = []
    for fold in range(_FOLDS):
        held = set(groups[fold::_FOLDS])
        weights = _train([each for each in examples if each.group not in held])
        judged += [(_score(weights, each), each) for each in examples if each.group in held]
    for threshold in (-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 3, 4):
        print(_row(judged, threshold, lambda each: "/" not in each.group), end=" | ")
        made = [score for score, each in judged if each.label == "T" and each.group.startswith("made/")]
        print(f"made: {sum(score > threshold for score in made) / len(made):.2f}", end=" | ")
        print(
            "clean:",
            len(
                {each.place for score, each in judged if score > threshold and each.label != "T" and "/" in each.group}
            ),
        )


def _score(weights: dict[str, float], example: Example) -> float:
    return weights[""] + sum(weights.get(name, 0) for name in example.traits)


def _row(judged: Sequence[tuple[float, Example]], threshold: float, of: Callable[[Example], bool]) -> str:
    places: dict[str, set[tuple[str, int]]] = defaultdict(set)
    for score, each in judged:
        if of(each):
            places[f"all{each.label}"].add(each.place)
            if score > threshold:
                places[each.label].add(each.place)
    true, false, none = (len(places[label]) for label in ("T", "F", ""))
    precision = true / max(true + false, 1)
    recall = true / max(len(places["allT"]), 1)
    return f"{threshold:5.1f}: labelled precision {precision:.2f}, kept {recall:.2f} ({true}), unlabelled {none}"


if __name__ == "__main__":
    main()
