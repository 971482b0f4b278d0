"""A part of `make mutants` in every run: flaws planted in copies of the package, each detected by its test."""

import subprocess
import sys

from tests.mutants.table import ROOT


def test_each_flaw_of_the_sample_is_detected():
    command = [sys.executable, "-m", "tests.mutants", "--sample", "--jobs", "1"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
