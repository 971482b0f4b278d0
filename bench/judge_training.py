"""Makes the judge's weights: `python -m bench.judge_training LABELLED CLEAN... [--write]`.

LABELLED holds a part of CredData as its own download script rebuilds it (`data/`), and its labels as `rows.json`; CLEAN
are trees of published source code in which whatever looks like a secret is none. Without `--write` only the
cross-validation is printed: each repository is judged by weights that were made from the others.
"""

import base64
import json
import random
import re
import string
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from math import exp
from pathlib import Path

from bench.creddata import agreement
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
from tokenguard.scanning.scanner import Stages, matches_of

_FOLDS, _ROUNDS, _RATE, _SHRINK = 5, 24, 0.06, 0.004
_LEAST_REPOSITORIES = 3
_LARGEST = 200_000
_MOST_OF_A_REPOSITORY = 400
_MADE = 3000
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
    ("notes.txt", ("NAME: VALUE", "NAME=VALUE", 'NAME = "VALUE"', "NAME VALUE")),
)
_SECRET_PLACES = (
    (
        "run.sh",
        (
            'curl -H "Authorization: Bearer VALUE" https://api.example.org/v1/items',
            "curl https://api.example.org/v1 -H 'Authorization: Token VALUE'",
            'curl -X POST --header "X-Api-Key: VALUE" \\',
            "  -H 'Authorization: VALUE' \\",
            'curl -H "Authorization: Basic LOGIN" https://api.example.org',
            "curl -u service:VALUE https://api.example.org",
            'curl --user "admin:VALUE" -X PUT "https://api.example.org"',
        ),
    ),
    (
        "client.py",
        (
            'headers = {"Authorization": "Bearer VALUE"}',
            'session.headers["X-Auth-Token"] = "VALUE"',
            'URL = "postgres://app:VALUE@db.internal:5432/app"',
            'requests.get(url, auth=("service", "VALUE"), params={"api_key": "VALUE"})',
        ),
    ),
    ("client.ts", ("headers: { Authorization: 'Bearer VALUE' },", "  'x-api-key': 'VALUE',")),
    ("api.http", ("Authorization: Bearer VALUE", "Authorization: Basic LOGIN", "X-API-Key: VALUE")),
    (
        "notes.txt",
        (
            'curl -H "Authorization: Bearer VALUE"',
            "curl -u user:VALUE",
            "Authorization: VALUE",
            "redis://:VALUE@a:6379",
        ),
    ),
    ("config.yml", ("url: amqp://app:VALUE@mq.internal/app", "DATABASE_URL: mysql://app:VALUE@db/app")),
)
"""Where nothing but a secret stands: headers, logins on a command line and in addresses."""
_FOLDERS = ("", "src/", "config/", "deploy/app/", "tests/", "docs/")
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
    words = list(_words(clean))
    model = CharacterModel(written_table(words))
    examples = [*_labelled(labelled, model), *_clean(clean, model), *_made(model, words)]
    print(len(examples), "candidates,", sum(each.label == "T" for each in examples), "of them secrets")
    _cross_validate(examples, labelled)
    if "--write" in sys.argv:
        weights = _train(examples)
        table = written_table(words)
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


def _made(model: CharacterModel, words: Sequence[str]) -> Iterator[Example]:
    """Values as generators write them: given to a secret's name they are secrets, to a digest's or an id's none."""
    chance = random.Random(3)
    for number in range(_MADE):
        secret = number % 3 != 0
        name, value = chance.choice(_SECRET_NAMES if secret else _OTHER_NAMES), _random_value(chance, secret=secret)
        if secret and number % 10 == 1:
            name, value = chance.choice(("x", "value", "data", "conf")), "".join(chance.choices(_ALNUM, k=32))
        if number % 9 == 2:
            secret, name, value = False, chance.choice(_SECRET_NAMES), _words_as_value(chance, words)
        place, form = chance.choice(_SECRET_PLACES if secret and number % 2 else _PLACES)
        login = base64.b64encode(f"service:{value}".encode()).decode()
        text = (
            chance.choice(form).replace("NAME", _spelled(chance, name)).replace("VALUE", value).replace("LOGIN", login)
        )
        path = f"{chance.choice(_FOLDERS[:4] if secret else _FOLDERS)}{place}"
        for line, candidate in candidates(f"{text}\n".encode(), path):
            yield Example(
                f"made/{number % 40}", (f"{number}/{path}", line), "T" if secret else "", _traits(candidate, model)
            )


def _random_value(chance: random.Random, *, secret: bool) -> str:
    alphabet = chance.choice((_HEX, _HEX, _ALNUM, _ALNUM + "-_", _ALNUM + "+/", _ALNUM.lower()))
    size = chance.choice((16, 20, 24, 28, 32, 36, 40, 43, 48, 64)) if secret else chance.choice((32, 40, 56, 64, 128))
    value = "".join(chance.choices(alphabet if secret else _HEX, k=size))
    if chance.random() < (1 / 12 if secret else 1 / 3):
        value = "".join(chance.choices(_HEX, k=32))
        return f"{value[:8]}-{value[8:12]}-4{value[13:16]}-a{value[17:20]}-{value[20:32]}"
    return value


def _words_as_value(chance: random.Random, words: Sequence[str]) -> str:
    """As a manual, a test or a name of something has them."""
    chosen = [chance.choice(words).lower() for _ in range(chance.choice((1, 1, 2, 2, 3)))]
    joined = chance.choice(("_", "-", "", " ", ".")).join(chosen)
    return chance.choice((joined, joined.upper(), joined.title(), f"{joined}{chance.randint(1, 999)}"))


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


def _cross_validate(examples: Sequence[Example], root: Path) -> None:
    groups = sorted({each.group for each in examples})
    random.Random(2).shuffle(groups)
    judged: list[tuple[float, Example]] = []
    for fold in range(_FOLDS):
        held = set(groups[fold::_FOLDS])
        weights = _train([each for each in examples if each.group not in held])
        judged += [(_score(weights, each), each) for each in examples if each.group in held]
    by_formats = _by_formats(root)
    for threshold in (-1, -0.5, 0, 0.5, 1, 2):
        found = {path: set(lines) for path, lines in by_formats.items()}
        for score, each in judged:
            if score > threshold and "/" not in each.group:
                found.setdefault(each.place[0], set()).add(each.place[1])
        made = [score for score, each in judged if each.label == "T" and each.group.startswith("made/")]
        clean = {each.place for score, each in judged if score > threshold and each.label == "" and "/" in each.group}
        print(
            f"{threshold:5.1f}: {agreement(root, found)}; "
            f"made secrets {sum(score > threshold for score in made) / len(made):.2f}, lines of clean code {len(clean)}"
        )


def _by_formats(root: Path) -> dict[str, set[int]]:
    """What needs no judge."""
    found: dict[str, set[int]] = defaultdict(set)
    for path in (root / "data").rglob("*"):
        if path.is_file():
            name, data = str(path.relative_to(root)), path.read_bytes()
            for match in matches_of(data, name, Stages()):
                if isinstance(match, TextMatch) and match.type not in JUDGED:
                    found[name].add(match.line)
    return found


def _score(weights: dict[str, float], example: Example) -> float:
    return weights[""] + sum(weights.get(name, 0) for name in example.traits)


if __name__ == "__main__":
    main()
