"""Growth: the CPU time of each command for a token, at 1,000, 5,000 and 20,000, in a local store and on OpenBao."""

import csv
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from bench.sidebyside import report
from bench.stores import make_store, ours
from tests.integration.openbao import running

_LOCAL = [int(each) for each in os.environ.get("BENCH_SCALE", "1000,5000,20000").split(",")]
_ON_VAULT = int(os.environ.get("BENCH_SCALE_VAULT", "5000"))
_DECLARED = 5_000
"""Tokens of the manifest at most: a file has at most 1 MiB."""
_COLUMNS = ("name", "provider", "scope", "environment", "owner", "purpose", "value", "created")
_MANIFEST = "version: 1\ndefaults: {provider: manual, environment: prod, purpose: purpose}\ntokens:\n"
_ALONE = "from tokenguard.usecases import import_file as i; i._BATCH = 1; from tokenguard.cli import main; main()"
"""An import that commits each step."""
_FOUND = {0, 1, 4}
"""Exit codes of a command that did its work: `check` finds what it should, `doctor` a machine without a hook."""


def main() -> None:
    """Ratios to the smallest store in the same run; of its import also to one commit for each step."""
    with _place() as place:
        fixed = {work: cost / 1000 for work, cost in _measured(place, make_store(place), 1).items()}
    base: dict[str, float] = {}
    for count in _LOCAL:
        with _place() as place:
            found = _measured(place, make_store(place), count, fixed)
        base = base or found
        for work, cost in found.items():
            goal = "at most 1.3x" if work == "import" and count == _LOCAL[-1] else "-"
            measured = f"{cost:.2f} ms a token, {cost / base[work]:.2f}x"
            report(f"local, {count:,} tokens: {work}", f"a token of {_LOCAL[0]:,}", measured, goal)
    with _place() as place:
        environment = make_store(place)
        alone = _cpu([sys.executable, "-P", "-c", _ALONE, *_import(place, _LOCAL[0])], environment) - fixed["import"]
    ratio = f"{base['import'] * _LOCAL[0] / alone / 1000:.2f}x"
    report(f"local, {_LOCAL[0]:,} tokens: import", "one commit for each step", ratio, "at most 0.2x")
    with running() as server, _place() as place:
        environment = make_store(place) | {
            "TOKENGUARD_STORE": "vault://secret/bench", "VAULT_ADDR": server.url, "VAULT_TOKEN": server.root_token,
        }  # fmt: skip
        _cpu(ours("init"), environment)
        for work, cost in _measured(place, environment, _ON_VAULT, fixed).items():
            report(f"OpenBao, {_ON_VAULT:,} tokens: {work}", "-", f"{cost:.2f} ms a token", "-")


def _measured(
    place: Path, environment: Mapping[str, str], count: int, fixed: Mapping[str, float] = MappingProxyType({})
) -> dict[str, float]:
    """Milliseconds of CPU time a token of each command, in this order; without what it takes for a single token."""
    declared = (
        f"  {_name(each)}:\n    scope: org:o{each}\n    owner: team{each % 40}\n"
        for each in range(min(count, _DECLARED))
    )
    (place / "tokens.yaml").write_text(_MANIFEST + "".join(declared))
    work = {
        "import": _import(place, count),
        "list": ["list"],
        "check": ["check"],
        "report": ["report"],
        "plan": ["plan", str(place / "tokens.yaml")],
        "audit verify": ["audit", "verify"],
        "doctor": ["doctor"],
        "fingerprints publish": [
            "fingerprints",
            "publish",
            str(place / "bundle"),
            "--key-file",
            str(place / "scan-key"),
        ],
    }
    return {name: (_cpu(ours(*line), environment) - fixed.get(name, 0)) / count * 1000 for name, line in work.items()}


def _import(place: Path, count: int) -> list[str]:
    file = place / "tokens.csv"
    with file.open("w", newline="") as text:
        rows = csv.writer(text)
        rows.writerow(_COLUMNS)
        for number in range(count):
            value = f"tgcanary{secrets.token_hex(16)}"
            facts = (_name(number), "manual", f"org:o{number}", "prod", f"team{number % 40}", "purpose")
            rows.writerow([*facts, value, "2026-05-01"])
    return ["import", str(file)]


def _name(number: int) -> str:
    return f"team{number % 40}/service{number}/prod"


def _cpu(command: list[str], environment: Mapping[str, str]) -> float:
    """Seconds of CPU time of one process, in an empty folder."""
    with tempfile.TemporaryDirectory() as empty, tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(
            command,
            cwd=empty,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in _FOUND:
            errors.seek(0)
            raise SystemExit(f"{command[4:6]} exited {child.returncode}: {errors.read().decode()[-400:]}")
    return usage.ru_utime + usage.ru_stime


@contextmanager
def _place() -> Iterator[Path]:
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as place:
        yield Path(place)
