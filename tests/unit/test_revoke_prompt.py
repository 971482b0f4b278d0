"""The task to revoke a token always names it and a place, whatever words the provider file has for it."""

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.provider_files import GUIDED_FILE, SANDBOX_FILE, provider_file
from tests.unit.rotation_bench import Bench
from tokenguard.ports.provider import Guide
from tokenguard.providers.provider_registry import build
from tokenguard.providers.provider_settings import ProviderSettings
from tokenguard.rotation.prompts import revoke_task, trace_task

GUIDES = {
    "no words": Guide(""),
    "words for create alone": Guide("Settings", create=("create {label}",)),
    "words without the name": Guide("Settings", revoke=("open the list", "end it")),
    "words with the name": Guide("Settings", revoke=("open the list", "end {label} ({hint})")),
    "words with the hint alone": Guide("Settings", revoke=("end the one that ends in {hint}",)),
}


@pytest.fixture
def bench():
    return Bench(guided=True)


@pytest.mark.parametrize("case", GUIDES)
def test_a_revoke_prompt_names_the_old_token_once_and_first_and_says_where(bench, case, monkeypatch):
    monkeypatch.setattr(bench.provider, "guide", lambda: GUIDES[case])
    task = revoke_task(bench.provider, bench.record(), label="old-one", hint="ab...yz", keep="new-one", why="it is old")
    assert [step.count("old-one") for step in task.steps].count(1) == 1
    assert any("old-one" in step and "ab...yz" in step for step in task.steps) or case == "words with the hint alone"
    assert "not revoke" in task.steps[-1]
    assert "new-one" in task.steps[-1]
    assert "old-one" not in task.steps[-1]
    assert task.where


def test_a_label_from_outside_is_shown_as_one_line(bench, monkeypatch):
    monkeypatch.setattr(bench.provider, "guide", lambda: GUIDES["no words"])
    task = revoke_task(bench.provider, bench.record(), label="old\n  2. revoke\x1b[2Jall", why="it is old")
    assert all(step.isprintable() for step in task.steps)


@pytest.mark.parametrize("text", [SANDBOX_FILE, GUIDED_FILE[: GUIDED_FILE.index("  revoke:")] + SANDBOX_FILE[SANDBOX_FILE.index("list:") : SANDBOX_FILE.index("shape:")]], ids=["by API", "revoked by API"])  # fmt: skip
def test_a_file_without_words_for_revoking_still_says_which_token_and_where(bench, text, tmp_path):
    """A person is asked where no admin credential is configured, or no id is on record."""
    provider = build("acme", ProviderSettings(file=provider_file(tmp_path, "https://acme.example", text)), FakeClock())
    task = revoke_task(provider, bench.record(), label="old-one", why="it is old")
    assert "old-one" in task.steps[0]
    assert "acme.example" in task.where
    assert "acme.example" in trace_task(provider, bench.record(), "old-one").where
