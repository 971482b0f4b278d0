"""The provider file printed in the documentation loads, and says what the page says."""

import re
from pathlib import Path

from tests.fakes.clock import FakeClock
from tokenguard.ports.provider import Method
from tokenguard.providers.generic.generic_provider import Generic
from tokenguard.providers.generic.loading import describe
from tokenguard.providers.provider_settings import ProviderSettings

PAGE = Path(__file__).parents[2] / "docs" / "providers.md"


def test_the_example_files_load():
    whole, guide = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    provider = Generic(describe(whole.encode(), source="docs"), ProviderSettings(), FakeClock())
    assert (provider.capabilities.mint, provider.capabilities.max_active) == (Method.API, 2)
    by_hand = f"name: acme\nbase_url: https://acme.example\n{guide}"
    described = describe(by_hand.encode(), source="docs")
    assert described.guide.where == "https://acme.example > Team > Keys"
