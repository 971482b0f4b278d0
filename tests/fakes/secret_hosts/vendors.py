"""The vendors' APIs for secrets, as their references describe them."""

import base64
import re
from dataclasses import dataclass, field
from typing import Any, ClassVar

from nacl.public import PrivateKey, SealedBox

from tests.fakes.secret_hosts.serving import Asked, Refused, SecretHost
from tokenguard.sandbox.cited_routes import CitedRoute

_GITHUB = "https://docs.github.com/en/rest/actions/secrets"
_GITLAB = "https://docs.gitlab.com/api/project_level_variables"
_KUBERNETES = "https://kubernetes.io/docs/reference/using-api/server-side-apply/"
_DOPPLER = "https://docs.doppler.com/reference/secrets"
_CONNECT = "https://developer.1password.com/docs/connect/api-reference"
_READ = "2026-11-30"
_MASKABLE = re.compile(r"[A-Za-z0-9+/=@:.~_%$-]{8,}")


@dataclass
class Github(SecretHost):
    """Actions secrets of `acme/app` and of its environment `prod`; opens the sealed boxes to see what a job would."""

    routes: ClassVar = (
        CitedRoute("GET /repos/acme/app/actions/secrets/{name}", _GITHUB, _READ),
        CitedRoute("GET /repos/acme/app/environments/prod/secrets/{name}", _GITHUB, _READ),
        CitedRoute(
            "PUT /repos/acme/app/actions/secrets/{name}",
            _GITHUB,
            _READ,
            silent="the status for a replaced key (`stale_key`)",
        ),
        CitedRoute(
            "PUT /repos/acme/app/environments/prod/secrets/{name}",
            _GITHUB,
            _READ,
            silent="the status for a replaced key (`stale_key`)",
        ),
    )

    key: PrivateKey = field(default_factory=PrivateKey.generate)
    key_id: str = "1"
    stale_key: int = 422
    """The status for a value that was sealed for another key."""
    held: dict[tuple[str, str], str] = field(default_factory=dict)
    changes: int = 0
    times: dict[tuple[str, str], str] = field(default_factory=dict)

    def replace_key(self) -> None:
        self.key, self.key_id = PrivateKey.generate(), f"{self.key_id}1"

    def put(self, place: str, name: str, text: str) -> None:
        self.changes += 1
        self.held[place, name] = text
        self.times[place, name] = f"2026-11-01T09:{self.changes // 60:02}:{self.changes % 60:02}Z"

    def act(self, asked: Asked) -> tuple[int, Any]:
        way = "/".join(asked.path)
        place, _, name = way.rpartition("/")
        if place not in {"repos/acme/app/actions/secrets", "repos/acme/app/environments/prod/secrets"}:
            raise Refused(404)
        if name == "public-key":
            return 200, {"key_id": self.key_id, "key": base64.b64encode(bytes(self.key.public_key)).decode()}
        if asked.method == "GET":
            if (place, name) not in self.held:
                raise Refused(404)
            return 200, {"name": name, "created_at": "2026-01-01T00:00:00Z", "updated_at": self.times[place, name]}
        if asked.method != "PUT" or set(asked.body) != {"encrypted_value", "key_id"}:
            raise Refused(422)
        if asked.body["key_id"] != self.key_id:
            raise Refused(self.stale_key)
        opened = SealedBox(self.key).decrypt(base64.b64decode(asked.body["encrypted_value"], validate=True)).decode()
        known = (place, name) in self.held
        self.put(place, name, opened)
        return (204, None) if known else (201, {})


@dataclass
class Gitlab(SecretHost):
    """CI/CD variables of the project `acme/app`."""

    routes: ClassVar = (
        CitedRoute("GET /api/v4/projects/{id}/variables", _GITLAB, _READ),
        CitedRoute(
            "POST /api/v4/projects/{id}/variables", _GITLAB, _READ, silent="the status for a key that exists (`exists`)"
        ),
        CitedRoute("GET /api/v4/projects/{id}/variables/{key}", _GITLAB, _READ),
        CitedRoute("PUT /api/v4/projects/{id}/variables/{key}", _GITLAB, _READ),
    )

    held: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    exists: int = 400
    """The status for a variable that is made a second time."""
    unset: ClassVar[dict[str, Any]] = {
        "variable_type": "env_var", "protected": False, "masked": False, "hidden": False, "raw": False,
        "environment_scope": "*", "description": None,
    }  # fmt: skip
    """What a variable has that was made without saying so."""

    def act(self, asked: Asked) -> tuple[int, Any]:
        if asked.path[:5] != ["api", "v4", "projects", "acme/app", "variables"]:
            raise Refused(404)
        if asked.method == "GET" and len(asked.path) == 5:
            size, page = int(asked.query["per_page"]), int(asked.query["page"])
            rows = [self._shown(each) for each in self.held.values()]
            return 200, rows[(page - 1) * size : page * size]
        scope = asked.query.get("filter[environment_scope]", "*")
        if asked.method == "POST" and len(asked.path) == 5:
            body = dict(asked.body)
            scope = body.setdefault("environment_scope", "*")
            if (body["key"], scope) in self.held:
                raise Refused(self.exists)
            self._keep((body["key"], scope), body)
            return 201, self._shown(body)
        key = (asked.path[5], scope)
        if key not in self.held:
            raise Refused(404)
        if asked.method == "PUT":
            self._keep(key, self.held[key] | asked.body)
        return 200, self._shown(self.held[key])

    def _shown(self, held: dict[str, Any]) -> dict[str, Any]:
        return self.unset | held | ({"value": None} if held.get("hidden") else {})

    def _keep(self, key: tuple[str, str], body: dict[str, Any]) -> None:
        if body.get("masked") and not _MASKABLE.fullmatch(body["value"]):
            raise Refused(400)
        self.held[key] = body


@dataclass
class Kubernetes(SecretHost):
    """Secrets of the namespace `video`, with managed fields."""

    routes: ClassVar = (
        CitedRoute("GET /api/v1/namespaces/{namespace}/secrets/{name}", _KUBERNETES, _READ),
        CitedRoute("PATCH /api/v1/namespaces/{namespace}/secrets/{name}", _KUBERNETES, _READ),
    )

    held: dict[str, dict[str, str]] = field(default_factory=dict)
    owners: dict[tuple[str, str], str] = field(default_factory=dict)
    about: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Labels, annotations, type and `immutable` of each Secret."""

    def act(self, asked: Asked) -> tuple[int, Any]:
        if asked.path[:5] != ["api", "v1", "namespaces", "video", "secrets"] or len(asked.path) != 6:
            raise Refused(404)
        name = asked.path[5]
        if asked.method == "GET":
            if name not in self.held:
                raise Refused(404)
            return 200, {"kind": "Secret", "data": self.held[name]}
        if asked.method != "PATCH" or asked.content_type != "application/apply-patch+yaml":
            raise Refused(415)
        manager, body = asked.query["fieldManager"], asked.body
        if body["kind"] != "Secret" or body["metadata"] != {"name": name, "namespace": "video"}:
            raise Refused(400)
        about = self.about.setdefault(name, {})
        about |= {key: text for key, text in body.items() if key not in {"apiVersion", "kind", "metadata", "data"}}
        wanted, data = body["data"], dict(self.held.get(name, {}))
        for key, text in wanted.items():
            base64.b64decode(text, validate=True)
            if self.owners.get((name, key), manager) != manager and data.get(key) != text:
                raise Refused(409)
        if asked.query.get("dryRun") == "All":
            return 200, {}
        for key in [key for (where, key), owner in self.owners.items() if where == name and owner == manager]:
            if key not in wanted:  # what a manager no longer names is taken away
                data.pop(key, None)
        fresh = name not in self.held
        self.held[name] = data | wanted
        self.owners |= {(name, key): manager for key in wanted}
        return (201 if fresh else 200), {"kind": "Secret"}


@dataclass
class Doppler(SecretHost):
    """The config `prd` of the project `app`; `${NAME}` refers to another secret."""

    routes: ClassVar = (
        CitedRoute("GET /v3/configs/config/secret", f"{_DOPPLER}-get", _READ),
        CitedRoute("GET /v3/configs/config/secrets", f"{_DOPPLER}-list", _READ),
        CitedRoute(
            "POST /v3/configs/config/secrets",
            f"{_DOPPLER}-update",
            _READ,
            silent="what becomes of a note that a change leaves out (`keeps_notes`)",
        ),
        CitedRoute("GET /v3/configs/config/secrets/names", f"{_DOPPLER}-names", _READ),
    )

    held: dict[str, str] = field(default_factory=dict)
    about: dict[str, dict[str, str]] = field(default_factory=dict)
    """Note and visibility of each secret, which `change_requests` of a write replace."""
    keeps_notes: bool = False
    """Whether what a change leaves out stays."""

    def act(self, asked: Asked) -> tuple[int, Any]:
        given = asked.query if asked.method == "GET" else asked.body
        if (given.get("project"), given.get("config")) != ("app", "prd"):
            raise Refused(404)
        if asked.method == "POST" and asked.path == ["v3", "configs", "config", "secrets"]:
            for change in given.get("change_requests", ()):
                self.about[change["name"]] = (self.about.get(change["name"], {}) if self.keeps_notes else {}) | change
            self.held |= given["secrets"]
            return 200, {"secrets": {name: self._shown(name) for name in self.held}}
        if asked.method == "GET" and asked.path == ["v3", "configs", "config", "secrets"]:
            return 200, {"secrets": {name: self._shown(name) for name in self.held}}
        if asked.method == "GET" and asked.path == ["v3", "configs", "config", "secrets", "names"]:
            return 200, {"names": sorted(self.held)}
        if asked.method != "GET" or asked.path != ["v3", "configs", "config", "secret"]:
            raise Refused(404)
        if given["name"] not in self.held:
            raise Refused(404)
        return 200, {"name": given["name"], "value": self._shown(given["name"])}

    def _shown(self, name: str) -> dict[str, str]:
        raw = self.held[name]
        computed = re.sub(r"\$\{(\w+)\}", lambda found: self.held.get(found[1], ""), raw)
        return {"raw": raw, "computed": computed, "note": self.about.get(name, {}).get("note", "")}


VAULT_ID = "v" * 26
ITEM_ID = "i" * 26


@dataclass
class Connect(SecretHost):
    """A 1Password Connect server with one item of two fields."""

    routes: ClassVar = (
        CitedRoute("GET /v1/vaults/{vault}/items", _CONNECT, _READ),
        CitedRoute("GET /v1/vaults/{vault}/items/{item}", _CONNECT, _READ),
        CitedRoute("PATCH /v1/vaults/{vault}/items/{item}", _CONNECT, _READ, silent="its answer (`tells_change`)"),
    )

    fields: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {"id": "username", "type": "STRING", "label": "username", "value": "somebody"},
            {"id": "f1", "type": "CONCEALED", "label": "token", "value": "made by hand"},
        ]
    )

    item: ClassVar[dict[str, Any]] = {
        "id": ITEM_ID, "title": "Video app", "version": 1, "vault": {"id": VAULT_ID}, "category": "API_CREDENTIAL",
    }  # fmt: skip
    tells_change: bool = True
    """Whether the answer to a change is the whole item."""

    def act(self, asked: Asked) -> tuple[int, Any]:
        if asked.path == ["v1", "vaults", VAULT_ID, "items"] and asked.method == "GET":
            return 200, [self.item]
        if asked.path != ["v1", "vaults", VAULT_ID, "items", ITEM_ID]:
            raise Refused(404)
        if asked.method == "PATCH":
            for change in asked.body:
                found = re.fullmatch(r"/fields/([a-z0-9]+)/([a-z]+)", change["path"])
                if change["op"] != "replace" or found is None:
                    raise Refused(400)
                next(each for each in self.fields if each["id"] == found[1])[found[2]] = change["value"]
            if not self.tells_change:
                return 200, {}
        return 200, self.item | {"fields": self.fields}

    def refusal(self, status: int) -> Any:
        return {"status": status, "message": "refused"}
