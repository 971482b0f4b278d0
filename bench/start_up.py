"""Start-up: the process time of small commands against `python -c "import click"`."""

from pathlib import Path
from tempfile import TemporaryDirectory

from bench.sidebyside import compare, python, report
from bench.stores import make_store, ours

_GOAL = "at most 3x"
_PEER = 'python -c "import click"'


def main() -> None:
    """`--help`, and `list` on an empty store."""
    with TemporaryDirectory() as place:
        environment = make_store(Path(place))
        peer = python("import click")
        report("tokenguard --help", _PEER, compare(ours("--help"), peer, environment=environment), _GOAL)
        report("tokenguard list (empty store)", _PEER, compare(ours("list"), peer, environment=environment), _GOAL)
