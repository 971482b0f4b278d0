"""Death, a torn write, a full or broken disk at each call that changes the disk: nothing corrupt, nothing acked lost."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        if os.environ.get("CI") == "true":
            pytest.fail("the write-call campaign needs Linux and gcc; in CI it must run")
        pytest.skip("NOT TESTED: death at every write call (needs Linux and gcc)")
    target = tmp_path_factory.mktemp("shim") / "shim.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", target, HERE / "write_shim.c", "-ldl"],
        check=True,
    )
    return target


def run(shim: Path, work: Path, share: float) -> Counter[str]:
    env = {**os.environ, "LD_PRELOAD": str(shim), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.store_write_driver", shim, work, str(share)],
        env=env, cwd=HERE.parents[1], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    verdicts = Counter(json.loads(done.stdout))
    assert set(verdicts) == {"fine"}, f"{verdicts}\n{done.stderr[-3000:]}"
    return verdicts


def test_death_or_failure_at_sampled_write_calls(shim: Path, tmp_path: Path):
    assert run(shim, tmp_path, 0.03)["fine"] > 100


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_death_or_failure_at_every_write_call(shim: Path, tmp_path: Path):
    assert run(shim, tmp_path, 1)["fine"] > 2000
