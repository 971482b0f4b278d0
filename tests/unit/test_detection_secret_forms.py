"""Secrets that are told by a form of their own: found where they stand, in a tree, in a commit and in a history."""

import base64
import json
import random
import string
import uuid

import pytest

from tests.fakes.possible_findings import may_hold_shapes
from tests.property.test_scan_history import new_in_each
from tokenguard.detection.clean_text import is_clean
from tokenguard.detection.extras import scan_extras
from tokenguard.detection.match import Possible
from tokenguard.detection.suspects import suspects
from tokenguard.scanning.scanner import Stages

SOURCE = random.Random(41)
DJANGO = string.ascii_lowercase + string.digits + "!@#$%^&*(-_=+)"
LIST = [
    "acid",
    "bacon",
    "cactus",
    "damage",
    "eager",
    "fabric",
    "gadget",
    "habit",
    "icon",
    "jacket",
    "kangaroo",
    "label",
    "machine",
    "naive",
    "oak",
    "paddle",
    "quality",
    "rabbit",
    "sadness",
    "tackle",
    "umbrella",
    "vacuum",
    "wagon",
    "yard",
    "zebra",
    "jaguar",
    "hazard",
    "galaxy",
    "famous",
    "earth",
]
"""Words that such phrases are made of."""


@pytest.fixture(autouse=True)
def same_values(request: pytest.FixtureRequest) -> None:
    SOURCE.seed(request.node.name)


def alnum(length: int = 32) -> str:
    return "q7" + "".join(SOURCE.choices(string.ascii_letters + string.digits, k=length - 3)) + "W"


def phrase(count: int = 12) -> str:
    words = SOURCE.sample(LIST, count)
    return " ".join([max(words), *(word for word in words if word != max(words))])


def fernet() -> str:
    return base64.urlsafe_b64encode(SOURCE.randbytes(32)).decode()


def django() -> str:
    return SOURCE.choice("!@#$%^&*(-_=+)") + "".join(SOURCE.choices(DJANGO, k=45)) + "7%(q"


def digits() -> str:
    return SOURCE.randbytes(32).hex()


def state(value: str, indent: int | None = 1) -> str:
    made = {
        "bcrypt_hash": "$2a$10$" + alnum(53),
        "id": "none",
        "keepers": {"rotated": "2026"},
        "length": len(value),
        "lower": True,
        "min_special": 0,
        "override_special": None,
        "result": value,
        "special": True,
    }
    instances = [{"schema_version": 3, "attributes": made, "sensitive_attributes": []}]
    return json.dumps({"resources": [{"type": "random_password", "name": "db", "instances": instances}]}, indent=indent)


def ending(text: str) -> str:
    return text + "W4!x{"


FOUND = {
    "conda channel": (".condarc", "channels:\n  - https://conda.example.net/t/{}/private\n", alnum),
    "anaconda": (
        "a.sh",
        "conda install -c https://conda.anaconda.org/t/{}/me x\n",
        lambda: f"ab-{uuid.UUID(int=SOURCE.getrandbits(128))}",
    ),
    "quetz": ("environment.yml", "channels:\n- https://quetz.example.net/t/{}/get/x\n", alnum),
    "conda in a lock file": (
        "conda-lock.yml",
        "  url: https://conda.example.net/t/{}/x/linux-64/a-1.0-0.conda\n",
        alnum,
    ),
    "django": ("app/settings.py", "SECRET_KEY = '{}'\n", django),
    "django, insecure": ("settings.py", 'SECRET_KEY = "{}"\n', lambda: f"django-insecure-{django()}"),
    "django, in the environment": ("local.py", "SECRET_KEY = env('SECRET_KEY', default='{}')\n", django),
    "django, in a list": ("a.py", 'OPTIONS = {{"SECRET_KEY": "{}"}}\n', django),
    "fernet in cfg": ("airflow.cfg", "[core]\nfernet_key = {}\n", fernet),
    "fernet in a call": ("a.py", 'f = Fernet(b"{}")\n', fernet),
    "fernet in code": ("a.py", "FERNET_KEY = '{}'\n", fernet),
    "fernet in values": ("values.yaml", "fernetKey: {}\n", fernet),
    "fernet in an environment": ("a.env", "AIRFLOW__CORE__FERNET_KEY={}\n", fernet),
    "phrase in an environment": (".env", 'MNEMONIC="{}"\n', phrase),
    "phrase without quotes": (".env", "SEED_PHRASE={}\n", phrase),
    "phrase of 24 words": ("a.yaml", "wallet:\n  mnemonic: {}\n", lambda: phrase(24)),
    "phrase in code": (
        "hardhat.config.js",
        'accounts: {{ mnemonic: process.env.M ?? "x", path }}, mnemonic: "{}"\n',
        phrase,
    ),
    "phrase in json": ("a.json", '{{"recoveryPhrase": "{}"}}\n', phrase),
    "phrase in json in json": ("a.json", '"{{\\"mnemonic\\":\\"{}\\"}}"\n', phrase),
    "phrase in a call": ("a.ts", 'const wallet = Wallet.fromMnemonic("{}")\n', phrase),
    "phrase in rust": ("a.rs", 'const MNEMONIC: &str = "{}";\n', phrase),
    "account of a chain": (
        "hardhat.config.js",
        "networks: {{ main: {{ accounts: ['{}'] }} }}\n",
        lambda: f"0x{digits()}",
    ),
    "accounts over lines": ("a.ts", 'accounts: [\n  "{}",\n],\n', digits),
    "key of a wallet": ("a.ts", 'const wallet = new ethers.Wallet("{}", provider);\n', lambda: f"0x{digits()}"),
    "key of an account": ("a.ts", "const a = privateKeyToAccount('{}')\n", lambda: f"0x{digits()}"),
    "key of an account in Python": ("a.py", 'a = Account.from_key("{}")\n', digits),
    "dotenvx": (".env.keys", 'DOTENV_PRIVATE_KEY_PRODUCTION="{}"\n', digits),
    "login of yarn": (
        ".yarnrc.yml",
        'npmRegistries:\n  "https://npm.example.net":\n    npmAuthIdent: "me:{}"\n',
        alnum,
    ),
    "login of sssd": ("roles/x/templates/sssd.conf.j2", "[domain/x]\nldap_default_authtok = {}\n", lambda: alnum(9)),
}


@pytest.mark.parametrize("case", FOUND)
def test_a_secret_of_a_form_of_its_own_is_found_by_every_door(case: str) -> None:
    path, template, make = FOUND[case]
    value = make()
    text = "# of the team\n" + template.format(value)
    (match,) = scan_extras(text, path)
    before = text[: text.index(value)]
    assert (match.whole.reveal(), match.line, match.column) == (
        value,
        before.count("\n") + 1,
        len(before) - before.rfind("\n"),
    )
    data = text.encode()
    assert may_hold_shapes(data, path)
    assert not is_clean(data, path)
    if case.startswith("login"):
        return  # known by the file's name
    assert Possible.SHAPES in suspects([b"x", data, b"y"], [False] * 3).possible(1)


@pytest.mark.parametrize("indent", [None, 1, 4])
@pytest.mark.parametrize("make", [alnum, lambda: ending(alnum())], ids=["letters", "signs"])
def test_a_generated_password_is_found_in_terraforms_state(indent, make) -> None:
    value = make()
    for text in (state(value, indent), json.dumps({"state": state(value, indent)})):
        assert [each.whole.reveal() for each in scan_extras(text, "terraform.tfstate")] == [value]
        assert not is_clean(text.encode(), "terraform.tfstate")
        assert may_hold_shapes(text.encode(), "terraform.tfstate")


def test_a_generated_password_that_changes_alone_is_found_in_the_history() -> None:
    values = [alnum(), alnum()]
    text = state(values[0])
    versions = [text.encode(), text.replace(values[0], values[1]).encode()]
    told = new_in_each(versions, "terraform.tfstate", Stages())
    assert told == new_in_each(versions, "terraform.tfstate", Stages(), whole=True)
    assert [[value for _, _, value in each] for each in told] == [[value] for value in values]


def test_a_key_of_django_is_found_whichever_sign_begins_it() -> None:
    for sign in "!@#$%^&*(-_=+)":
        key = sign + django()[1:]
        assert [each.value.reveal() for each in scan_extras(f"SECRET_KEY = '{key}'\n", "settings.py")] == [key]


HARMLESS = {
    "a public account of a test chain": "accounts: ['0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80']",
    "an account from the environment": "accounts: [process.env.KEY], wallet: new Wallet(process.env.KEY)",
    "a small number": 'new Wallet("0x' + "0" * 63 + '1")',
    "hashes": 'transactions: ["0x' + "ab12cd34ef56" * 5 + "ab12" + '"], accounts: ["0x' + "ab12cd34ef" * 4 + '"]',
    "a public key of dotenvx": 'DOTENV_PUBLIC_KEY="02' + "ab12cd34ef56" * 5 + 'ab12"',
    "a reference in a channel": "https://conda.anaconda.org/t/${CONDA_TOKEN}/me https://conda.anaconda.org/t/<TOKEN>/me",
    "a page of a forum": "https://community.anaconda.cloud/t/conda-4-12-0-fails-to-install-on-windows-10/123",
    "a page of a forum, shorter": "https://discourse.conda.org/t/release-2024-11-0-of-conda-build/99",
    "a placeholder in a channel": "https://conda.anaconda.org/t/your-token-12345678-here/me",
    "a title": "fernet_key = $(cat /run/secrets/fernet) # Fernet(key)",
    "words of Django": "SECRET_KEY = 'a-very-long-sentence-that-is-fifty-characters-here'",
    "a rule of Django": "SECRET_KEY = '--------------------------------------------------'",
    "a hash for Django": "SECRET_KEY = 'ab12cd34ef56ab12cd34ef56ab12cd34ef56ab12cd34ef56ab'",
    "a filled key": "FERNET_KEY: " + "A" * 43 + "=",
    "another function": "def fernet(key: bytes, message: bytes, signing_key_of_the_message: bytes) -> bytes:",
    "a published phrase": 'mnemonic: "' + "test " * 11 + 'junk"',
    "a phrase of the standard": 'MNEMONIC="' + "abandon " * 11 + 'about"',
    "words in order": f'mnemonic = "{" ".join(sorted(LIST)[:12])}"',
    "a sentence": "mnemonic: these twelve words and the order that they have are what restores your wallet later on",
    "a sentence in quotes": 'SEED_PHRASE_HELP = "write down the words of the phrase that the wallet shows once"',
    "a reference to a phrase": "mnemonic: ${MNEMONIC}\nmnemonic: process.env.MNEMONIC\nMNEMONIC=\n",
    "an instruction": "mnemonic = opcode operand\nmnemonic: add\nmnemonics = ['push', 'pop', 'jump', 'call']\n",
}


@pytest.mark.parametrize("case", HARMLESS)
def test_a_reference_a_title_or_what_is_published_is_none(case: str) -> None:
    assert list(scan_extras(HARMLESS[case] + "\n", "docs/guide.md")) == []


def test_a_random_string_of_terraform_and_what_is_given_by_name_are_no_generated_password() -> None:
    text = state(alnum()).replace('"id": "none"', f'"id": "{alnum()}"')
    assert list(scan_extras(text, "terraform.tfstate")) == []
    assert list(scan_extras('{"override_special": null, "result": "ok-and-done"}', "a.json")) == []


@pytest.mark.parametrize("path", [".yarnrc.yml", "sssd.conf"])
@pytest.mark.parametrize("value", ["${NPM_AUTH-fallback}", "$TOKEN", "{{ ldap_password }}", "<password>"])
def test_a_reference_in_these_files_is_none(path: str, value: str) -> None:
    text = f'npmAuthIdent: "{value}"\nldap_default_authtok = {value}\nldap_default_authtok_type = password\n'
    assert list(scan_extras(text, path)) == []


LISTED = {
    "list of logins": ("user-data.yaml", "#cloud-config\nchpasswd:\n  list: |\n    root:{}\n"),
    "second of a list": ("user-data.yaml", "chpasswd:\n  expire: false\n  list:\n    - app:RANDOM\n    - root:{}\n"),
    "profile of OpenVPN": ("a.ovpn", "client\n<auth-user-pass>\nme\n{}\n</auth-user-pass>\n"),
}


@pytest.mark.parametrize("case", LISTED)
def test_a_password_in_a_list_of_logins_is_found_also_where_it_changes_alone(case: str) -> None:
    path, template = LISTED[case]
    values = [alnum(12), alnum(12)]
    versions = [template.format(value).encode() for value in values]
    assert all(not is_clean(version, path) and may_hold_shapes(version, path) for version in versions)
    told = new_in_each(versions, path, Stages())
    assert told == new_in_each(versions, path, Stages(), whole=True)
    assert [values[at] in [value for _, _, value in each] for at, each in enumerate(told)] == [True, True]


@pytest.mark.parametrize(
    "value", ["RANDOM", "R", "$6$rounds=4096$salt$hash", "${PASSWORD}", "{{ password }}", "<password>"]
)
def test_a_list_of_logins_without_a_password_has_none(value: str) -> None:
    for path, template in LISTED.values():
        if path.endswith(".yaml") or not value.startswith("R"):
            assert list(scan_extras(template.format(value), path)) == []
