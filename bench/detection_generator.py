"""Tokens of every vendor in every placement, with the right checksums, and lookalikes of a wrong length."""

import random
from collections.abc import Iterator
from pathlib import Path

from tests.fakes.token_examples import example
from tokenguard.frozen import Frozen
from tokenguard.token_formats.table import FORMATS
from tokenguard.token_formats.template import Run, pieces
from tokenguard.token_formats.token_format import TokenFormat

_SEED = 20261129
PLACEMENTS = (
    ("app.py", "{name} = '{value}'\n"),
    ("client.py", 'client = Client({name}="{value}", timeout=30)\n'),
    ("env/.env", "{NAME}={value}\n"),
    ("env/.env.example", 'export {NAME}="{value}"  # of the team\n'),
    ("values.yaml", "auth:\n  {name}: {value}\n"),
    ("compose.yaml", "services:\n  web:\n    environment:\n      - {NAME}={value}\n"),
    ("config.json", '{{"{name}": "{value}"}}\n'),
    ("settings.toml", '[auth]\n{name} = "{value}"\n'),
    ("app.properties", "service.{name}={value}\n"),
    ("main.tf", '  {name} = "{value}"\n'),
    ("run.sh", 'curl -H "X-{Name}: {value}" https://api.example.org/v1\n'),
    ("Dockerfile", "FROM scratch\nENV {NAME}={value}\n"),
)
"""Quoted, assigned, in a call and in a header: by file name, with the name in the spelling of its place."""


class Planted(Frozen, frozen=True):
    """One file with one value."""

    path: str
    text: str
    type: str
    """The name under which it has to be told; empty for a lookalike, which must not be told at all."""


def planted() -> Iterator[Planted]:
    """Every format of the table in every placement."""
    chance = random.Random(_SEED)
    for number, kind in enumerate(FORMATS):
        if kind.only_ci or kind.id in _OWN_PLACES:
            continue
        for place, (file, form) in enumerate(PLACEMENTS):
            value = example(kind, chance.getrandbits(32))
            yield Planted(f"{number:03}-{place:02}/{file}", _written(form, kind, value), kind.type)


_OWN_PLACES = frozenset({"jwk-private", "vault-unseal-key"})
"""Formats that bring their own place along, which none of these is."""


def lookalikes() -> Iterator[Planted]:
    """Values of fixed length that lack a character or have some more, alone on a line."""
    chance = random.Random(_SEED)
    for number, kind in enumerate(FORMATS):
        parts = pieces(kind.shapes[0])
        fixed = all(isinstance(piece, str) or piece.least == piece.most for piece in parts)
        if not (kind.stands_alone and fixed and len(kind.shapes) == 1 and isinstance(parts[-1], Run)):
            continue
        value = example(kind, chance.getrandbits(32))
        for name, wrong in (("short", value[: -max(parts[-1].least // 5, 1)]), ("long", value + value[-3:] + "x4")):
            yield Planted(f"{number:03}-{name}/notes.txt", f"{wrong}\n", "")


def write(files: Iterator[Planted], root: Path) -> dict[str, Planted]:
    """The files below a folder, by their paths."""
    written = {}
    for each in files:
        path = root / each.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(each.text)
        written[each.path] = each
    return written


def _written(form: str, kind: TokenFormat, value: str) -> str:
    word = (kind.names or kind.near or ("service",))[0].strip('._- "')
    name = f"{word}_token" if not word.endswith(("token", "key", "secret")) else word
    name = name.replace("-", "_").replace(".", "_").replace(" ", "_")
    header = "-".join(part.capitalize() for part in name.split("_"))
    return form.format(name=name, NAME=name.upper(), Name=header, value=value)
