"""Finding a provider by name, and what is loaded for it."""

import subprocess
import sys

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.provider_files import GUIDED_FILE, provider_file
from tokenguard.domain.secret import Value
from tokenguard.errors import InputError
from tokenguard.providers.provider_registry import build, issuer
from tokenguard.providers.provider_settings import ProviderSettings


def test_an_unknown_provider_is_refused_with_the_command_that_lists_them():
    with pytest.raises(InputError) as caught:
        build("acme", ProviderSettings(), FakeClock())
    assert "`tokenguard provider list`" in caught.value.hint


@pytest.mark.parametrize("name", ["", "Descript", "../descript", "a/b", "x" * 64])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(InputError):
        build(name, ProviderSettings(), FakeClock())


def test_a_built_in_name_takes_no_file(tmp_path):
    with pytest.raises(InputError, match="built in"):
        build("descript", ProviderSettings(file=tmp_path / "x.yaml"), FakeClock())


def test_a_file_about_another_provider_is_refused(tmp_path, words):
    with pytest.raises(InputError) as caught:
        build("other", ProviderSettings(file=provider_file(tmp_path, "https://acme.example")), FakeClock())
    words(caught.value)


def test_a_guided_provider_has_no_issuer(tmp_path):
    path = provider_file(tmp_path, "https://acme.example", GUIDED_FILE)
    provider = build("acme", ProviderSettings(file=path), FakeClock())
    assert issuer(provider, Value.of("tgcanary-admin")) is None
    assert provider.capabilities.death_window.length.total_seconds() == 60


def test_the_configured_address_wins_over_the_files(tmp_path):
    path = provider_file(tmp_path, "https://acme.example")
    provider = build("acme", ProviderSettings(file=path, base_url="http://127.0.0.1:9/x"), FakeClock())
    assert provider.base_url == "http://127.0.0.1:9/x"


def test_the_registry_loads_no_http_client_and_no_yaml_by_itself():
    code = "import sys, tokenguard.providers.provider_registry; print({'urllib3', 'yaml', 'ssl'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
