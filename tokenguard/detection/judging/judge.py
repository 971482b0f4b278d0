"""The judge: adds up what the traits of a candidate weigh."""

from functools import cache
from pathlib import Path

import msgspec

from tokenguard.detection.judging.candidate import JudgedValue
from tokenguard.detection.judging.characters import CharacterModel
from tokenguard.detection.judging.traits import (
    CONNECTION,
    CUT_SHORT,
    ELSEWHERE,
    ENCRYPTED,
    FILE,
    GUEST,
    HEX_KEY,
    HOST,
    IDENTIFIER,
    KEY,
    LOOKALIKE,
    MADE_UP,
    MADE_UP_NAME,
    MIXED,
    PROGRAM,
    PUBLIC,
    PUBLIC_KEY,
    REVISION,
    SANDBOX,
    STAND_IN,
    WRAPPED,
    traits,
)
from tokenguard.detection.match import Confidence
from tokenguard.frozen import Frozen

WEIGHTS = Path(__file__).with_name("weights.json")
"""Made by `bench/judge_training.py`."""
_HIGH, _MEDIUM = 2.0, 0.3
_MOST_REASONS = 8
_SET = (
    dict.fromkeys((STAND_IN, WRAPPED, GUEST), -3.0)
    | dict.fromkeys((MADE_UP, MADE_UP_NAME, PUBLIC, PUBLIC_KEY, ENCRYPTED, ELSEWHERE, FILE, CUT_SHORT, LOOKALIKE), -9.0)
    | dict.fromkeys((REVISION, SANDBOX, HOST, PROGRAM, IDENTIFIER), -9.0)
    | {CONNECTION: 2.0, KEY: 4.0, HEX_KEY: 1.5, MIXED: 1.2, "looks like a password hash": -3.0}
)
"""Weights that are not learned, because the labelled data has too few examples or has them under other conditions:

* it has many default passwords, which a team's own file rather has as placeholders;
* a block of base64 is a secret only if its header says so;
* a password in a connection string is one, however short;
* it has few keys of AES, and few short passwords without words;
* hashes are not passwords, and the other traits say that a value is not a secret.
"""


class Judgement(Frozen, frozen=True):
    """How sure the judge is, and why."""

    confidence: Confidence
    reasons: tuple[str, ...]
    """What weighs most, for it (+) and against it (-)."""


def judged(candidate: JudgedValue) -> Judgement:
    """How sure it is that the candidate is a secret: the same for the same candidate, wherever it is asked."""
    model = _model()
    weighed = [(model.weights.get(trait, 0.0), trait) for trait in traits(candidate, model.characters)]
    score = model.weights[""] + sum(weight for weight, _ in weighed)
    telling = sorted((each for each in weighed if each[0]), key=lambda each: -abs(each[0]))
    reasons = tuple(f"{weight:+.2f} {trait}" for weight, trait in telling[:_MOST_REASONS])
    return Judgement(_confidence(score), reasons)


def wordiness(value: str) -> float:
    """How much its characters follow each other as in words: see `CharacterModel`."""
    return _model().characters.wordiness(value)


def _confidence(score: float) -> Confidence:
    if score >= _HIGH:
        return Confidence.HIGH
    return Confidence.MEDIUM if score >= _MEDIUM else Confidence.LOW


class _Model(Frozen, frozen=True):
    """What was read from the file."""

    weights: dict[str, float]
    characters: CharacterModel


@cache
def _model() -> _Model:
    written = msgspec.json.decode(WEIGHTS.read_bytes())
    return _Model(written["weights"] | _SET, CharacterModel(written["characters"]))
