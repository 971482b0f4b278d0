"""Who may use the network, and with what: a library of others behind our connections, or not at all."""

import ast
from functools import cache
from pathlib import Path

import pytest

import tokenguard

ROOT = Path(tokenguard.__file__).parent
LIBRARIES = {
    "aiohttp", "boto3", "botocore", "ftplib", "http.client", "httpx", "hvac", "requests", "smtplib", "socket", "ssl",
    "telnetlib", "urllib.request", "urllib3", "xmlrpc",
}  # fmt: skip
DOORS = {
    "http/": "the connections themselves, and what they are made of",
    "clients/aws/": "botocore signs and parses; `transport.py` sends",
    "clients/vault/adapter.py": "hvac names paths; `http_session.py` sends",
    "clients/vault/connection.py": "the same",
    "cli/demo.py": "the demo asks the sandbox that it has started on loopback",
    "cli/demo_person.py": "the same, as the person's browser",
    "masking/descriptors.py": "a socket pair with its own helper process",
    "notifications/mail.py": "smtplib speaks to the mail server of the runner's configuration, with a TLS context of `http/`",
    "streams/helper.py": "the same, the other end",
}


def _used(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
    return {library for library in LIBRARIES for name in names if f"{name}.".startswith(f"{library}.")}


@cache
def users() -> dict[str, set[str]]:
    """The files that use a network library."""
    return {str(path.relative_to(ROOT)): used for path in sorted(ROOT.rglob("*.py")) if (used := _used(path))}


def test_only_the_doors_use_a_network_library():
    assert [name for name in users() if not name.startswith(tuple(DOORS))] == []


@pytest.mark.parametrize("door", DOORS)
def test_the_list_of_doors_is_true(door):
    assert [name for name in users() if name.startswith(door)]


def test_a_library_s_own_client_is_made_in_one_place_each():
    """Whatever makes a session of botocore or hvac has it send through ours."""
    makers = {
        name
        for name in users()
        for node in ast.walk(ast.parse((ROOT / name).read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"boto3.session", "boto3.client", "hvac.Client"}
    }
    assert makers == {"clients/aws/region_client.py", "clients/vault/connection.py"}
