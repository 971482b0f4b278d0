"""Files that are not a configuration, policy, provider file or list of tokens: refused whole, on a real store."""

import os

import pytest

from tests.cli.premises import FIELDS, MARKER, NAME, Premises
from tests.fakes.provider_files import GUIDED_FILE, SANDBOX_FILE


@pytest.fixture
def premises(tmp_path, monkeypatch, capfd):
    return Premises(tmp_path, monkeypatch, capfd).furnished()


def _provider(line: str) -> str:
    return f"[providers.descript]\n{line}\n"


CONFIGS = {
    "not TOML": f"store = {MARKER}",
    "a line without a value": "[store]\nurl",
    "an open string": f'[store]\nurl = "{MARKER}',
    "a key twice": '[store]\nurl = "local:///a"\nurl = "local:///b"',
    "an unknown table": "[stroe]\nurl = 'local:///a'",
    "an unknown key": _provider("base_ulr = 'http://127.0.0.1:1'"),
    "a key that shows a value": _provider(f"{MARKER} = 1"),
    "a number for an address": "[store]\nurl = 7",
    "a list for a table": "store = []",
    "text for a table": f"providers = '{MARKER}'",
    "NUL": "[store]\nurl = '\0'",
    "not UTF-8": b"[store]\nurl = '\xff'",
    "too large": "#" * 70_000,
    "too deep": "a = " + "[" * 3_000,
    "an address without a scheme": _provider("base_url = 'descript.example'"),
    "an address in the clear": _provider("base_url = 'http://descript.example/v1'"),
    "an address with a password": _provider(f"base_url = 'https://user:{MARKER}@descript.example/v1'"),
    "an address with a query": _provider(f"base_url = 'https://descript.example/v1?key={MARKER}'"),
    "an address of a file": _provider("base_url = 'file:///etc/passwd'"),
    "an address with a line end": _provider('base_url = "https://descript.example\\n"'),
    "a hasty proof of death": _provider("base_url = 'https://descript.example/v1'\ndeath_floor = 5"),
    "a hasty proof at the default address": _provider("death_floor = '59s'"),
    "a proof of no length": _provider("base_url = 'http://127.0.0.1:1'\ndeath_floor = 0"),
    "a proof of months": _provider("death_floor = '2000h'"),
    "a proof in words": _provider(f"death_floor = '{MARKER}'"),
    "a proof that is true": _provider("death_floor = true"),
    "a provider's name with a blank": "[providers.'a b']\nbase_url = 'http://127.0.0.1:1'",
    "a store's name in capitals": "[stores.EU]\nurl = 'local:///a'",
    "a command's name with a slash": "[commands.'../x']\nargv = ['/bin/true']",
    "a command without argv": "[commands.x]\ntimeout = 3",
    "a command of nothing": "[commands.x]\nargv = []",
    "a command of empty words": "[commands.x]\nargv = ['']",
    "a command in one string": f"[commands.x]\nargv = '/bin/echo {MARKER}'",
    "a verifying command of nothing": "[commands.x]\nargv = ['/bin/true']\nverify_argv = []",
    "no time for a command": "[commands.x]\nargv = ['/bin/true']\ntimeout = 0",
    "a day for a command": "[commands.x]\nargv = ['/bin/true']\ntimeout = 86400",
    "no number for a command": "[commands.x]\nargv = ['/bin/true']\ntimeout = nan",
    "a proxy of another kind": "[network]\nproxy = 'socks5://127.0.0.1:1'",
    "a proxy with a password": f"[network]\nproxy = 'http://user:{MARKER}@127.0.0.1:1'",
    "a policy that is a number": "[policy]\nfile = 1",
    "a policy that is not there": "[policy]\nfile = 'nowhere.yaml'",
    "a policy that is a directory": "[policy]\nfile = 'store'",
}


@pytest.mark.parametrize("text", CONFIGS.values(), ids=CONFIGS)
def test_a_configuration_that_is_not_acceptable(premises, text):
    premises.write(premises.config, text if isinstance(text, bytes) else text.encode())
    premises.refused("list")


CONFIG_FILES = {
    "missing": lambda path: path.unlink(),
    "a directory": lambda path: (path.unlink(), path.mkdir()),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "a device": lambda path: (path.unlink(), path.symlink_to("/dev/zero")),
    "other users can change it": lambda path: path.chmod(0o666),
    "the group can change it": lambda path: path.chmod(0o660),
}


@pytest.mark.parametrize("spoil", CONFIG_FILES.values(), ids=CONFIG_FILES)
def test_a_configuration_that_is_no_file_of_ours(premises, spoil):
    spoil(premises.config)
    premises.refused("list")


def test_a_configuration_in_the_working_directory_is_not_looked_at(premises):
    """A checkout must not be able to name programs and addresses."""
    del premises.environ["TOKENGUARD_CONFIG"]
    premises.write(premises.config, MARKER.encode())
    assert premises("list").code == 0


_AGE = (
    "  - {id: maximum-age, severity: error, why: w, source: s, fix: f, days: DAYS, otherwise: OTHERWISE, warn: WARN}\n"
)
_HEAD = "format: 1\nname: ours\nrules:\n"


def _age(days: str = "{prod: 90}", otherwise: str = "90", warn: str = "[7]") -> str:
    return _HEAD + _AGE.replace("DAYS", days).replace("OTHERWISE", otherwise).replace("WARN", warn)


POLICIES = {
    "empty": "",
    "text": MARKER,
    "a list": "- a",
    "no format": "name: ours\nrules: []\n",
    "another format": "format: 2\nname: ours\nrules: []\n",
    "no name": "format: 1\nrules: []\n",
    "no rules": "format: 1\nname: ours\n",
    "rules in a mapping": "format: 1\nname: ours\nrules: {a: b}\n",
    "an unknown rule": f"{_HEAD}  - id: {MARKER}\n",
    "an unknown key": f"format: 1\nname: ours\nrules: []\n{MARKER}: 1\n",
    "a rule without a reason": _age().replace("why: w, ", ""),
    "a rule twice": _age() + _AGE.replace("DAYS", "{prod: 90}").replace("OTHERWISE", "90").replace("WARN", "[7]"),
    "days of an unknown sort": _age(days="90"),
    "days for an environment that cannot be": _age(days="{Prod!: 90}"),
    "no days": _age(days="{prod: 0}"),
    "days without end": _age(otherwise="99999999999999999999"),
    "days that are a word": _age(otherwise=MARKER),
    "negative days": _age(warn="[-1]"),
    "a warning that is not a list": _age(warn="7"),
    "an unknown severity": _age().replace("severity: error", f"severity: {MARKER}"),
    "an anchor": "format: &a 1\nname: *a\nrules: []\n",
    "a tag": "format: !!int 1\nname: ours\nrules: []\n",
    "a tag that would run code": f"format: !!python/object/apply:os.system ['echo {MARKER}']\n",
    "a merge": "format: 1\n<<: {name: ours}\nrules: []\n",
    "a key twice": "format: 1\nformat: 1\nname: ours\nrules: []\n",
    "two documents": "format: 1\nname: ours\nrules: []\n---\nx: y\n",
    "a tab": "format: 1\n\tname: ours\n",
    "too deep": "format: " + "[" * 2_000,
    "too large": "#" + "x" * 70_000,
    "too many values": "format: [" + "a," * 30_000 + "]",
    "not UTF-8": b"format: \xff\n",
    "control characters": "format: 1\nname: \x1b[2J\nrules: []\n",
}


@pytest.mark.parametrize("text", POLICIES.values(), ids=POLICIES)
def test_a_policy_that_is_not_acceptable(premises, text):
    premises.write(premises.directory / "policy.yaml", text if isinstance(text, bytes) else text.encode())
    premises.write(premises.config, b"[policy]\nfile = 'policy.yaml'\n")
    premises.refused("list")
    premises.refused("add", "a/b", "--provider", "manual", *FIELDS, "--stdin", stdin=b"a-value-of-a-token")


def _without(text: str, *keys: str) -> str:
    """The file without whole sections."""
    kept, skipping = [], False
    for line in text.splitlines(keepends=True):
        if not line.startswith(" "):
            skipping = line.partition(":")[0] in keys
        kept += [] if skipping else [line]
    return "".join(kept)


BASE = "http://127.0.0.1:1"
API, GUIDED = SANDBOX_FILE.replace("BASE", BASE), GUIDED_FILE.replace("BASE", BASE)
PROVIDERS = {
    "empty": "",
    "text": MARKER,
    "a list": "- a",
    "no name": _without(API, "name"),
    "another name": API.replace("name: acme", "name: other"),
    "a name that is none": API.replace("name: acme", f"name: {MARKER}!"),
    "no address": _without(API, "base_url"),
    "an address in the clear": API.replace(BASE, "http://acme.example"),
    "an address with a password": API.replace(BASE, f"https://user:{MARKER}@acme.example"),
    "an unknown key": f"{API}{MARKER}: x\n",
    "an unknown kind": API.replace("kind: api_key", f"kind: {MARKER}"),
    "an unknown place for the token": API.replace("auth: header X-Api-Key", f"auth: {MARKER}"),
    "the token in the address": API.replace("auth: header X-Api-Key", "auth: query key"),
    "a header that is none": API.replace("X-Api-Key", '"X-Api Key: a"'),
    "a probe that writes": API.replace("GET /auth/profile", "POST /auth/profile"),
    "a probe of another host": API.replace("GET /auth/profile", "GET https://elsewhere.example/profile"),
    "a probe that climbs": API.replace("GET /auth/profile", "GET /../../profile"),
    "an alive status that is a word": API.replace('"403"', f'"{MARKER}"'),
    "an alive status that means dead": API.replace('"403"', '"401"'),
    "a pointer that is none": API.replace("/data/orgId", MARKER),
    "making without revoking": _without(API, "revoke"),
    "revoking without a list": _without(API, "list"),
    "a placeholder that is not known": API.replace("{label}", f"{{{MARKER}}}"),
    "no name in the request that makes": API.replace('name: "{label}", ', ""),
    "no id in the request that revokes": API.replace("/api-keys/{id}", "/api-keys"),
    "a shape that is none": API.replace("characters: letters", f"characters: {MARKER}"),
    "no words and no routes": _without(GUIDED, "guide"),
    "words without a step": GUIDED.replace("    - revoke {label} ({hint}) of {scope_name} ({scope})\n", ""),
    "a step that reaches into objects": GUIDED.replace("{label} for", "{label.__class__} for"),
    "a step with an open brace": GUIDED.replace("{label} for", "{label for"),
    "an alias": f"{API}x: &a [1]\ny: *a\n",
    "not UTF-8": b"name: \xff",
    "too large": "#" * 70_000,
}


@pytest.mark.parametrize("text", PROVIDERS.values(), ids=PROVIDERS)
def test_a_provider_file_that_is_not_acceptable(premises, text):
    premises.write(premises.directory / "acme.yaml", text if isinstance(text, bytes) else text.encode())
    premises.write(premises.config, b"[providers.acme]\nfile = 'acme.yaml'\n")
    premises.refused("add", "a/b", "--provider", "acme", *FIELDS, "--stdin", stdin=b"a-value-of-a-token")


@pytest.mark.parametrize("text", [API, GUIDED], ids=["by API", "guided"])
def test_the_provider_files_that_are_spoilt_here_are_acceptable(premises, text):
    premises.write(premises.directory / "acme.yaml", text.encode())
    premises.write(premises.config, b"[providers.acme]\nfile = 'acme.yaml'\n")
    scope = "org:o1" if text == API else "drive:d1"
    arguments = ("add", "a/b", "--provider", "acme", *FIELDS, "--scope", scope, "--no-verify", "--stdin")
    assert premises(*arguments, stdin=b"a-value-of-a-token").code == 0


PLACES = {
    "a built-in provider with a file": "[providers.descript]\nfile = 'acme.yaml'\n",
    "a provider file that is not there": "[providers.acme]\nfile = 'nowhere.yaml'\n",
    "a provider file that is a directory": "[providers.acme]\nfile = 'store'\n",
    "a provider without a file": "[providers.acme]\nbase_url = 'http://127.0.0.1:1'\n",
    "a bundle that is not there": "[network]\nca_bundle = 'nowhere.pem'\n",
    "a bundle that is none": "[network]\nca_bundle = 'key'\n",
    "a revoke route that is none": f"[providers.autoposting]\nrevoke_route = '{MARKER}'\n",
    "a revoke route without the key": "[providers.autoposting]\nrevoke_route = 'DELETE /api-keys'\n",
}


@pytest.mark.parametrize("text", PLACES.values(), ids=PLACES)
def test_a_provider_that_cannot_be_built(premises, text):
    premises.write(premises.directory / "acme.yaml", API.encode())
    premises.write(premises.config, text.encode())
    name = next((name for name in ("acme", "autoposting") if f"[providers.{name}]" in text), "descript")
    premises.refused("add", "a/b", "--provider", name, *FIELDS, "--stdin", stdin=b"a-value-of-a-token")


IMPORTS = {
    "a value in the heading": ("t.csv", f"name,{MARKER}\n".encode()),
    "a value for a format": ("t.json", f'"{MARKER}"'.encode()),
    "broken JSON": ("t.json", f'[{{"name": "{MARKER}"'.encode()),
    "an open quote": (".env", f"TOKEN='{MARKER}\n".encode()),
    "too large": ("t.csv", b"name\n" + b"a\n" * 6_000_000),
}


@pytest.mark.parametrize(("name", "data"), IMPORTS.values(), ids=IMPORTS)
def test_a_list_of_tokens_that_is_none(premises, name, data):
    premises.write(premises.directory / name, data)
    premises.refused("import", name)


def test_at_least_this_many_files_are_refused():
    tables = (CONFIGS, CONFIG_FILES, POLICIES, PROVIDERS, PLACES, IMPORTS)
    assert sum(map(len, tables)) >= 120
    assert NAME
