"""The provider file printed in the documentation loads, and says what the page says."""

import re
from pathlib import Path

import pytest

from docs import services
from tests.fakes.clock import FakeClock
from tokenguard.documents import load_yaml
from tokenguard.errors import InputError
from tokenguard.ports.provider import Method
from tokenguard.providers.generic.generic_provider import Generic
from tokenguard.providers.generic.loading import describe, described
from tokenguard.providers.provider_settings import ProviderSettings
from tokenguard.shell.provider_descriptions import new_description

PAGE = Path(__file__).parents[2] / "docs" / "providers.md"


def test_the_example_files_load():
    whole, *parts, guide = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    provider = Generic(describe(whole.encode(), source="docs"), ProviderSettings(), FakeClock())
    assert (provider.capabilities.mint, provider.capabilities.max_active) == (Method.API, 2)
    by_hand = f"name: acme\nbase_url: https://acme.example\n{guide}"
    assert describe(by_hand.encode(), source="docs").guide.where == "https://acme.example > Team > Keys"
    for part in parts:
        described(load_yaml(whole.encode(), source="docs") | load_yaml(part.encode(), source="docs"), locate=str)
    assert len(parts) == 7


def test_the_ways_to_carry_a_credential_are_those_of_the_page():
    ways = re.findall(r"^\| `\w+` \| `((?:headers|query|basic): [^`]+)`", PAGE.read_text(), re.MULTILINE)
    assert len(ways) == 3
    for way in ways:
        file = f"name: acme\nbase_url: https://acme.example\nauth:\n  {way}\nguide: {{where: x, create: [x], revoke: [x]}}\n"
        assert describe(file.encode(), source="docs").auth.parts


def test_a_new_file_is_the_example_of_the_page_and_valid():
    (whole,) = re.findall(r"```yaml\n(name: acme .*?)```", PAGE.read_text(), re.DOTALL)
    assert new_description("acme") == whole.replace("see below", "see docs/providers.md")
    assert describe(new_description("other").encode(), source="new").name == "other"
    with pytest.raises(InputError):
        new_description("../acme")


def test_the_table_of_services_is_that_of_their_files():
    assert services.shown(PAGE.read_text()) == services.table(), "run `python -m docs.services`"


def test_the_readme_counts_the_services():
    readme = (PAGE.parents[1] / "README.md").read_text()
    rows = [line for line in services.table().splitlines() if line.startswith("| `")]
    assert re.findall(r"\[(\d+) services that come", readme) == [str(len(rows))]
