"""Settings: found only where they may be, read only if nobody else can write them, and no key by mistake."""

from datetime import timedelta
from pathlib import Path

import pytest

from tokenguard.errors import InputError
from tokenguard.settings import Settings
from tokenguard.shell.configuration import default_config_file, load_settings
from tokenguard.shell.store_url import local_directory, named_store

GOOD = """
[store]
url = "local:///srv/store"
[stores.audio]
url = "local:///srv/audio"
[providers.descript]
base_url = "https://descriptapi.example/v1/"
admin = "env:DESCRIPT_ADMIN"
death_floor = "2m"
[providers.local]
base_url = "http://127.0.0.1:8080/v1"
death_floor = 0.3
file = "acme.yaml"
[commands.deploy]
argv = ["/usr/local/bin/deploy", "--token-from-stdin"]
verify_argv = ["/usr/local/bin/check"]
timeout = 5
[destinations."ghe.example.com"]
credential = "env:GHE_TOKEN"
url = "https://ghe.example.com/api/v3"
ca_bundle = "ghe.pem"
[destinations."10.0.0.7:6443"]
credential = "file:/run/k8s-token"
[network]
proxy = "http://proxy.example:3128"
ca_bundle = "ca.pem"
[policy]
file = "policy.yaml"
[scan]
names = true
bundle = "store"
detect_secrets_plugins = ["rules/team.py", "/srv/team.py"]
detect_secrets_filters = ["rules/team.py::fine", "detect_secrets.filters.heuristic.is_sequential_string"]
"""

BAD = {
    "names that are not a switch": "[scan]\nnames = 'tgcanary'",
    "one plug-in that is not a list": "[scan]\ndetect_secrets_plugins = 'tgcanary.py'",
    "a mistyped scan key": "[scan]\nnamez = true",
    "not TOML": "x",
    "duplicate key": "[store]\nurl='a'\nurl='b'",
    "unknown section": "[stroe]\nurl = 'local:///x'",
    "unknown key": "[store]\nurll = 'local:///x'",
    "unknown provider key": "[providers.x]\nbase = 'https://x'",
    "wrong type": "[store]\nurl = 7",
    "section is a value": "store = 'local:///x'",
    "provider name": "[providers.'A b']\nadmin = 'x'",
    "command name": "[commands.'../x']\nargv = ['/bin/true']",
    "plain http": "[providers.x]\nbase_url = 'http://example.com'",
    "loopback look-alike": "[providers.x]\nbase_url = 'http://127.0.0.1.example.com'",
    "user info": "[providers.x]\nbase_url = 'https://tgcanary-user:pw@example.com'",
    "query": "[providers.x]\nbase_url = 'https://example.com/?a=b'",
    "fragment": "[providers.x]\nbase_url = 'https://example.com/#x'",
    "no host": "[providers.x]\nbase_url = 'https:///v1'",
    "other scheme": "[providers.x]\nbase_url = 'file:///etc'",
    "control character": "[providers.x]\nbase_url = 'https://example.com/\\u0007'",
    "floor too short": "[providers.x]\nbase_url = 'https://example.com'\ndeath_floor = 5",
    "floor too short by default address": "[providers.descript]\ndeath_floor = 0.3",
    "floor negative": "[providers.x]\nbase_url = 'http://127.0.0.1'\ndeath_floor = -1",
    "floor zero": "[providers.x]\nbase_url = 'http://127.0.0.1'\ndeath_floor = 0",
    "floor endless": "[providers.x]\ndeath_floor = '999999h'",
    "floor words": "[providers.x]\ndeath_floor = 'soon'",
    "floor infinite": "[providers.x]\ndeath_floor = inf",
    "no argv": "[commands.x]\ntimeout = 3",
    "empty argv": "[commands.x]\nargv = []",
    "argv text": "[commands.x]\nargv = '/bin/sh -c x'",
    "empty verify_argv": "[commands.x]\nargv = ['/bin/true']\nverify_argv = []",
    "timeout": "[commands.x]\nargv = ['/bin/true']\ntimeout = 0",
    "timeout not a number": "[commands.x]\nargv = ['/bin/true']\ntimeout = nan",
    "proxy with password": "[network]\nproxy = 'http://a:tgcanary-pw@proxy.example'",
    "destination without a credential": "[destinations.'gitlab.com']\nurl = 'https://gitlab.com'",
    "destination that is not a host": "[destinations.'a b']\ncredential = 'env:X'",
    "destination with a path": "[destinations.'gitlab.com/api']\ncredential = 'env:X'",
    "destination with a password": "[destinations.'tgcanary:x@gitlab.com']\ncredential = 'env:X'",
    "destination in capitals": "[destinations.'GitLab.com']\ncredential = 'env:X'",
    "destination elsewhere": "[destinations.'gitlab.com']\ncredential = 'env:X'\nurl = 'https://evil.example/api/v4'",
    "destination at another port": "[destinations.'a.example']\ncredential = 'env:X'\nurl = 'https://a.example:8443'",
    "destination without TLS": "[destinations.'a.example']\ncredential = 'env:X'\nurl = 'http://a.example'",
    "mistyped destination key": "[destinations.'gitlab.com']\ncredential = 'env:X'\ntoken = 'tgcanary'",
    "deep": "a = " + "[" * 3000,
}


def _file(tmp_path, text, mode=0o600):
    path = tmp_path / "config.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


def test_every_setting_is_read(tmp_path):
    settings = load_settings(str(_file(tmp_path, GOOD)), {})
    assert settings.store_url == "local:///srv/store"
    assert settings.provider("descript").base_url == "https://descriptapi.example/v1"
    assert settings.provider("descript").death_floor == timedelta(minutes=2)
    assert settings.provider("local").death_floor == timedelta(seconds=0.3)
    assert settings.provider("local").file == tmp_path / "acme.yaml"
    assert settings.commands["deploy"].verify_argv == ("/usr/local/bin/check",)
    assert settings.proxy == "http://proxy.example:3128"
    assert (settings.ca_bundle, settings.policy_file) == (tmp_path / "ca.pem", tmp_path / "policy.yaml")
    assert settings.provider("unheard-of").base_url == ""
    assert settings.destinations["ghe.example.com"].url == "https://ghe.example.com/api/v3"
    assert settings.destinations["ghe.example.com"].ca_bundle == tmp_path / "ghe.pem"
    assert settings.destinations["10.0.0.7:6443"].credential == "file:/run/k8s-token"
    scan = settings.scan
    assert (scan.names, scan.bundle) == (True, "store")
    assert scan.detect_secrets_plugins == (tmp_path / "rules/team.py", Path("/srv/team.py"))
    assert scan.detect_secrets_filters[0] == f"{tmp_path}/rules/team.py::fine"
    assert scan.detect_secrets_filters[1] == "detect_secrets.filters.heuristic.is_sequential_string"


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_what_is_not_acceptable_is_refused_and_not_quoted(tmp_path, text):
    with pytest.raises(InputError) as caught:
        load_settings(str(_file(tmp_path, text)), {})
    assert "tgcanary" not in caught.value.message + caught.value.hint
    assert "\n" not in caught.value.message


def test_a_mistyped_key_is_named(tmp_path, words):
    with pytest.raises(InputError) as caught:
        load_settings(str(_file(tmp_path, BAD["unknown key"])), {})
    words(caught.value)


@pytest.mark.parametrize("data", [b"\xff", b"# " + b"x" * 70_000], ids=["not UTF-8", "too large"])
def test_a_file_that_is_no_configuration(tmp_path, data):
    with pytest.raises(InputError):
        load_settings(str(_file(tmp_path, data)), {})


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_change_is_refused(tmp_path, mode, words):
    """It names programs to run."""
    with pytest.raises(InputError) as caught:
        load_settings(str(_file(tmp_path, GOOD, mode)), {})
    words(caught.value)


def test_the_option_wins_over_the_variable_over_the_platform(tmp_path):
    (tmp_path / "a").mkdir()
    one = _file(tmp_path / "a", "[store]\nurl = 'local:///a'")
    two = _file(tmp_path, "[store]\nurl = 'local:///b'")
    assert load_settings(str(one), {"TOKENGUARD_CONFIG": str(two)}).store_url == "local:///a"
    assert load_settings("", {"TOKENGUARD_CONFIG": str(two)}).store_url == "local:///b"
    assert load_settings("", {}) == Settings()


def test_the_platform_s_place_is_read(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = default_config_file()
    path.parent.mkdir(parents=True)
    _file(path.parent, "[store]\nurl = 'local:///c'")
    assert load_settings("", {}).store_url == "local:///c"


def test_the_working_directory_is_never_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("config.toml", "tokenguard.toml", ".tokenguard.toml"):
        (tmp_path / name).write_text("[store]\nurl = 'local:///evil'")
    assert load_settings("", {}) == Settings()


def test_a_named_file_must_be_there(tmp_path, words):
    for option, environ in (("missing.toml", {}), ("", {"TOKENGUARD_CONFIG": str(tmp_path / "missing.toml")})):
        with pytest.raises(InputError) as caught:
            load_settings(option, environ)
        words(caught.value)


def test_a_store_may_be_called_by_its_name():
    settings = Settings(store_url="local:///default", stores={"audio": "local:///audio"})
    assert named_store("audio", settings) == "local:///audio"
    assert named_store("", settings) == "local:///default"
    assert named_store("local:///x", settings) == "local:///x"
    assert named_store("", Settings()).startswith("local:///")
    with pytest.raises(InputError):
        named_store("video", settings)


def test_a_directory_s_address_may_be_quoted():
    assert str(local_directory("local:///srv/a%20b")) == "/srv/a b"
    assert str(local_directory("local:///srv/a b")) == "/srv/a b"


@pytest.mark.parametrize("slashes", ["///", "////", "///%2F"])
def test_a_directory_has_one_address_however_many_slashes_begin_it(slashes):
    assert str(local_directory(f"local:{slashes}srv/a")) == "/srv/a"
