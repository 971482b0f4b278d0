"""Walks through what hosts keep that give their secrets back: Doppler, GitLab's variables, 1Password; only reads.

Sources: Doppler's API reference (`/v3/configs/config/secrets`), GitLab's REST API ("Project-level CI/CD variables",
in pages), 1Password's Connect server API (items of a vault, then each whole).
"""

import re
from collections.abc import Callable, Iterator
from http import HTTPStatus

from tokenguard.delivery.hosts import Host, Hosts
from tokenguard.documents import JsonTree
from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError
from tokenguard.http.client import Request
from tokenguard.ports.secret_listing import ListedSecret, SkippedEntry

MAX_ENTRIES = 5_000
_PAGE = 50
"""Rows of one answer: a hundred long ones may be more than the client takes in."""
_HOST = r"(?://(?P<host>[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::[0-9]{1,5})?)/)"
_SOURCES = {
    "doppler": re.compile(_HOST + r"?(?P<project>[a-z0-9_-]{1,100})/(?P<config>[a-z0-9_-]{1,100})", re.ASCII),
    "gitlab": re.compile(
        _HOST + r"?(?P<project>[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*){1,20})", re.ASCII
    ),
    "onepassword": re.compile(_HOST + r"(?P<vault>[a-z0-9]{26})", re.ASCII),
}
_DEFAULT_HOSTS = {"doppler": "api.doppler.com", "gitlab": "gitlab.com", "onepassword": ""}
_UNTOLD = frozenset({"STRING", "CONCEALED"})
"""Types of a 1Password field that may hold a token."""


class HostSurvey:
    """Implements `ports.surveying.Survey` for `doppler:PROJECT/CONFIG`, `gitlab:GROUP/PROJECT`, `onepassword://HOST/VAULT`.

    Raises:
        InputError: the address is none of them, or the host has no credential here.
    """

    def __init__(self, hosts: Hosts, address: str) -> None:
        kind, _, rest = address.partition(":")
        found = _SOURCES[kind].fullmatch(rest)
        if found is None or {".", ".."} & set(rest.split("/")):
            raise InputError(
                "not the address of a host's secrets",
                hint="write doppler:PROJECT/CONFIG, gitlab:GROUP/PROJECT or onepassword://HOST/VAULT-ID",
            )
        self._parts = found.groupdict()
        self._address = address
        name = self._parts["host"] or _DEFAULT_HOSTS[kind]
        self._host = hosts.at(name, path="/api/v4" if kind == "gitlab" else "")
        walks: dict[str, Callable[[], Iterator[ListedSecret | SkippedEntry]]] = {
            "doppler": self._doppler,
            "gitlab": self._gitlab,
            "onepassword": self._onepassword,
        }
        self._walk = walks[kind]

    def entries(self) -> Iterator[ListedSecret | SkippedEntry]:
        """Everything that is there."""
        for count, each in enumerate(self._walk()):
            if count >= MAX_ENTRIES:
                raise InputError(f"there are more than {MAX_ENTRIES:,} secrets", hint="name a smaller part")
            yield each

    def _doppler(self) -> Iterator[ListedSecret | SkippedEntry]:
        query = tuple((name, self._parts[name]) for name in ("project", "config"))
        answer = self._host.ask(Request(path=("v3", "configs", "config", "secrets"), query=query))
        secrets = (answer.json_object() or {}).get("secrets")
        if not isinstance(secrets, dict):
            raise self._host.undocumented()
        for name, value in sorted(secrets.items()):
            raw = value.get("raw") if isinstance(value, dict) else None
            if isinstance(raw, str) and not name.startswith("DOPPLER_"):
                path = f"{self._parts['project']}/{self._parts['config']}/{name}"
                yield _entry(path, name, raw, f"{self._address}#{name}")

    def _gitlab(self) -> Iterator[ListedSecret | SkippedEntry]:
        for found in _pages(self._host, ("projects", self._parts["project"], "variables")):
            key, scope = found.get("key"), found.get("environment_scope")
            if not isinstance(key, str) or not isinstance(scope, str):
                continue
            address = f"{self._address}#{key}" + ("" if scope == "*" else f"@{scope}")
            text = found.get("value")
            if isinstance(text, str) and found.get("variable_type") != "file":
                environment = {} if "*" in scope else {"environment": scope}
                yield _entry(f"{self._parts['project']}/{key}", key, text, address, environment)
            else:
                yield SkippedEntry(address=address, reason="hidden, or a file", readable=True)

    def _onepassword(self) -> Iterator[ListedSecret | SkippedEntry]:
        items = ("v1", "vaults", self._parts["vault"], "items")
        for item in _rows(self._host, Request(path=items)):
            identifier = item.get("id")
            if isinstance(identifier, str) and re.fullmatch(r"[a-z0-9]{26}", identifier):
                yield from self._item(identifier)

    def _item(self, identifier: str) -> Iterator[ListedSecret | SkippedEntry]:
        address = f"{self._address}/{identifier}"
        answer = self._host.ask(
            Request(path=("v1", "vaults", self._parts["vault"], "items", identifier)),
            expected=(HTTPStatus.OK, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND),
        )
        found = answer.json_object() or {}
        fields, title = found.get("fields"), found.get("title")
        if answer.status != HTTPStatus.OK or not isinstance(fields, list):
            yield SkippedEntry(address=address, reason=f"http status {answer.status}", readable=False)
            return
        texts: dict[str, Secret] = {}
        addresses: dict[str, str] = {}
        for each in fields:
            text = each.get("value") if isinstance(each, dict) else None
            if not isinstance(each, dict) or not isinstance(text, str) or each.get("type", "STRING") not in _UNTOLD:
                continue
            key = str(each.get("id"))
            if re.fullmatch(r"[A-Za-z0-9_]{1,100}", key):
                label = each.get("label")
                name = label if isinstance(label, str) and label and label not in texts else key
                texts[name], addresses[name] = Secret(text), f"{address}#{key}"
        yield ListedSecret(
            path=title if isinstance(title, str) else identifier, texts=texts, addresses=addresses, labels={}
        )


def _pages(host: Host, path: tuple[str, ...]) -> Iterator[dict[str, JsonTree]]:
    for page in range(1, MAX_ENTRIES // _PAGE + 2):
        rows = _rows(host, Request(path=path, query=(("per_page", str(_PAGE)), ("page", str(page)))))
        yield from rows
        if len(rows) < _PAGE:
            return


def _rows(host: Host, request: Request) -> list[dict[str, JsonTree]]:
    """A list of objects; what is none is not the end of a list, and raises Unreachable."""
    found = host.ask(request).json()
    if not isinstance(found, list):
        raise host.undocumented()
    rows = [row for row in found if isinstance(row, dict)]
    if len(rows) != len(found):
        raise host.undocumented()
    return rows


def _entry(path: str, name: str, text: str, address: str, labels: dict[str, str] | None = None) -> ListedSecret:
    return ListedSecret(path=path, texts={name: Secret(text)}, addresses={name: address}, labels=labels or {})
