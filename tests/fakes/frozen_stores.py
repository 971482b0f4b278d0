"""Frozen stores: how one is taken out of `tests/data/frozen` and put where this tree can open it.

What is frozen is a store's content as the tree of commit 76a420f wrote it, and the world around it at that moment:
what the providers knew, what consumers held, what time it was. `tests/data/frozen/make_stores.py` made it, once.
"""

import base64
import gzip
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import urllib3

from tests.fakes.clock import FakeClock
from tests.fakes.memory_places import MemoryPlaces
from tests.fakes.secrets_manager.server import FakeAws
from tests.fakes.secrets_manager.state import Kept, Version
from tests.fakes.world import FakeDeliveries, FakeIssuer, FakeProvider, Made, World
from tests.integration.openbao import OpenBao
from tokenguard.domain.scope import Scope
from tokenguard.domain.token import Consumer, ConsumerKind, Record
from tokenguard.errors import InputError
from tokenguard.ports.provider import Method, Vendor
from tokenguard.stores.local.layout import StoreDirectory

FROZEN = Path(__file__).parents[1] / "data" / "frozen"
KINDS = ("local", "openbao", "aws")
PREFIX = "frozen/store"
"""Of the stores that have one."""
API = {"last_used": True}
GUIDED = {"mint": Method.PERSON, "revoke": Method.PERSON, "lists": False}
UNPROBED = {**GUIDED, "probe": False, "verifies_scope": False}
PROVIDERS = {"autoposting": API, "descript": GUIDED, "manual": UNPROBED, "studio": API}


class FrozenVendors:
    """Providers of several kinds over one world, each at the address that a record names."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.made: dict[tuple[str, str], FakeProvider] = {}

    def provider(self, name: str, base_url: str = "") -> FakeProvider:
        if name not in PROVIDERS:
            raise InputError("unknown provider", hint=", ".join(PROVIDERS))
        address = base_url or ("" if name == "manual" else f"https://api.{name}.example")
        if (name, address) not in self.made:
            provider = FakeProvider(self.world, **PROVIDERS[name])
            provider.name, provider.base_url = name, address
            self.made[name, address] = provider
        return self.made[name, address]

    def provider_of(self, record: Record) -> FakeProvider:
        return self.provider(record.provider, record.base_url)

    def of(self, record: Record) -> Vendor:
        provider = self.provider_of(record)
        return Vendor(provider, FakeIssuer(self.world) if provider.capabilities.mint is Method.API else None)


class FrozenDeliveries(FakeDeliveries):
    """Every consumer but a person is given values here, and nothing is to be said of any."""

    def warnings(self, consumer: Consumer) -> tuple[str, ...]:
        return ()


@dataclass
class Surroundings:
    """All that a store's content refers to."""

    clock: FakeClock
    world: World
    places: MemoryPlaces
    deliveries: FrozenDeliveries

    @classmethod
    def fresh(cls, start: datetime) -> "Surroundings":
        clock = FakeClock(start)
        return cls(clock, World(clock), MemoryPlaces(), FrozenDeliveries())

    def dumped(self) -> dict[str, Any]:
        made = [
            {
                "id": each.id, "label": each.label, "value": each.value, "scope": str(each.scope),
                "created_at": each.created_at.isoformat(), "revoked": each.revoked_at is not None,
                "last_used_at": each.last_used_at and each.last_used_at.isoformat(),
            }
            for each in self.world.made.values()
        ]  # fmt: skip
        held = [
            {"kind": each.kind.value, "target": each.target, "server": each.server, "value": value}
            for each, value in self.deliveries.delivery.held.items()
        ]
        return {"now": self.clock.now().isoformat(), "made": made, "held": held, "places": self.places.entries}

    @classmethod
    def loaded(cls, data: dict[str, Any]) -> "Surroundings":
        around = cls.fresh(datetime.fromisoformat(data["now"]))
        for each in data["made"]:
            kind, _, id_ = each["scope"].partition(":")
            around.world.made[each["id"]] = Made(
                each["id"], each["label"], each["value"], Scope(kind, id_), datetime.fromisoformat(each["created_at"]),
                revoked_at=-1e9 if each["revoked"] else None,
                last_used_at=each["last_used_at"] and datetime.fromisoformat(each["last_used_at"]),
            )  # fmt: skip
        for each in data["held"]:
            consumer = Consumer(ConsumerKind(each["kind"]), each["target"], each["server"])
            around.deliveries.delivery.held[consumer] = each["value"]
        around.places.entries = {url: (version, fields) for url, (version, fields) in data["places"].items()}
        return around


def write(path: Path, data: object) -> None:
    """Keep it, small, the same bytes for the same data."""
    path.write_bytes(gzip.compress(json.dumps(data, sort_keys=True).encode(), mtime=0))


def read(path: Path) -> Any:
    return json.loads(gzip.decompress(path.read_bytes()))


def surroundings(kind: str) -> Surroundings:
    return Surroundings.loaded(read(FROZEN / kind / "world.json.gz"))


# ---- a local store: its file, its key, and what this machine saw of it last


def put_local(directory: Path, state: Path) -> Path:
    """The store in `directory`, its anchor in `state` (TOKENGUARD_STATE_DIR); returns the key file."""
    directory.mkdir(mode=0o700)
    (state / "anchors").mkdir(mode=0o700, parents=True)
    state.chmod(0o700)
    _private(FROZEN / "local" / "store.db", StoreDirectory(directory).database)
    for anchor in (FROZEN / "local" / "anchors").iterdir():
        _private(anchor, state / "anchors" / anchor.name)
    key = state / "key"
    _private(FROZEN / "local" / "key", key)
    return key


def local_key() -> bytes:
    return base64.b64decode((FROZEN / "local" / "key").read_bytes())


def _private(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    target.chmod(0o600)


# ---- a store on OpenBao: every entry below the prefix, with its metadata and all versions


def export_openbao(server: OpenBao, mount: str, folder: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    listed = server.api("LIST", f"{mount}/metadata/{folder}").json()["data"]["keys"]
    for name in listed:
        path = f"{folder}/{name}".rstrip("/")
        if name.endswith("/"):
            found |= export_openbao(server, mount, path)
            continue
        about = server.api("GET", f"{mount}/metadata/{path}").json()["data"]
        versions = {
            number: server.api("GET", f"{mount}/data/{path}?version={number}").json()["data"]["data"]
            for number, each in about["versions"].items()
            if not each["destroyed"] and not each["deletion_time"]
        }
        found[path] = {
            "current": about["current_version"], "versions": versions, "max_versions": about["max_versions"],
            "cas_required": about["cas_required"], "custom": about["custom_metadata"],
        }  # fmt: skip
    return found


def put_openbao(server: OpenBao, mount: str) -> str:
    """Every entry again, each version under its own number; returns the store's address."""
    with urllib3.HTTPConnectionPool("127.0.0.1", server.port) as pool:
        for path, entry in read(FROZEN / "openbao" / "content.json.gz").items():
            for method, kind, body in _requests_of(entry):
                # not `api`, which takes twice as long: a store is two thousand requests
                answer = pool.request(
                    method, f"/v1/{mount}/{kind}/{path}", json=body, headers={"X-Vault-Token": server.root_token}
                )
                assert answer.status in {200, 204}, (method, path, answer.status, answer.data)
    return f"vault://{mount}/{PREFIX}"


def _requests_of(entry: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What makes an entry: method, kind of path, body."""
    versions, last = entry["versions"], entry["current"]
    for number in range(1, last + 1):
        yield "POST", "data", {"data": versions.get(str(number), {})}
    gone = [number for number in range(1, last + 1) if str(number) not in versions]
    if gone:
        yield "PUT", "destroy", {"versions": gone}
    about = {"max_versions": entry["max_versions"], "cas_required": entry["cas_required"]}
    about |= {"custom_metadata": entry["custom"]} if entry["custom"] else {}
    if any(about.values()):  # else it is as a new entry has it
        yield "POST", "metadata", about


# ---- a store on the fake of AWS: every secret, with its versions, labels and tags


def export_aws(aws: FakeAws) -> list[dict[str, Any]]:
    """Versions without a label that are older than a day are left out, as AWS may have removed them by then."""
    for kept in aws.service.shelf.secrets.values():
        kept.prune(aws.service.now(), 0)
    return [
        {
            **{name: getattr(kept, name) for name in _PLAIN},
            "versions": [
                {"id": each.id, "content": each.content, "created": each.created, "stages": sorted(each.stages)}
                for each in kept.versions.values()
            ],
        }
        for kept in aws.service.shelf.secrets.values()
    ]


_PLAIN = ("name", "arn", "created", "changed", "description", "kms_key", "tags", "deleted", "rotation_enabled")


def put_aws(aws: FakeAws) -> str:
    """Every secret again; returns the store's address."""
    aws.service.shelf.secrets.clear()
    for each in read(FROZEN / "aws" / "content.json.gz"):
        kept = Kept(**{name: each[name] for name in _PLAIN})
        for version in each["versions"]:
            kept.versions[version["id"]] = Version(**{**version, "stages": set(version["stages"])})
        aws.service.shelf.secrets[kept.name] = kept
    return f"aws://{aws.region}/{PREFIX}"


def own_state_dir(path: Path) -> None:
    """Let this process's anchors be there; for the script that freezes."""
    os.environ["TOKENGUARD_STATE_DIR"] = str(path)
