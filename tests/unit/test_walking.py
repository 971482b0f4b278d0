"""Walks through secrets of others: they end, they stay within their caps, and what they pass by is named."""

import json
from collections.abc import Mapping, Sequence

import pytest

from tokenguard.clients.aws.aws_errors import AwsError
from tokenguard.clients.aws.aws_errors import AwsFailure as AwsReason
from tokenguard.clients.aws.list_secrets import SecretsSurvey
from tokenguard.clients.aws.secrets import Stored
from tokenguard.clients.vault import list_entries
from tokenguard.clients.vault.kv import KvEntry
from tokenguard.clients.vault.list_entries import KvSurvey
from tokenguard.clients.vault.vault_errors import VaultError, VaultFailure
from tokenguard.domain.field_address import AwsFolder, VaultFolder
from tokenguard.errors import InputError
from tokenguard.ports.secret_listing import ListedSecret, SkippedEntry


class Kv:
    """A mount in memory; a value that is a Reason is what reading there brings."""

    mount = "kv"

    def __init__(self, entries: Mapping[str, object]) -> None:
        self.entries = entries
        self.asked: list[str] = []

    def names(self, folder: str) -> Sequence[str]:
        self.asked.append(f"{folder}/")
        prefix = f"{folder}/" if folder else ""
        below = {path.removeprefix(prefix) for path in self.entries if path.startswith(prefix)}
        found = sorted({name.partition("/")[0] + ("/" if "/" in name else "") for name in below})
        if isinstance(trouble := self.entries.get(f"{folder}/"), VaultFailure):
            raise VaultError.because(trouble)
        return [name for name in found if name != "/" and name]

    def read(self, path: str) -> KvEntry | None:
        self.asked.append(path)
        found = self.entries.get(path)
        if isinstance(found, VaultFailure):
            raise VaultError.because(found)
        return KvEntry(version=1, data=found) if isinstance(found, dict) else None

    def labels(self, path: str) -> dict[str, str]:
        return {}


class Deep(Kv):
    """Folders without end."""

    def names(self, folder: str) -> Sequence[str]:
        return ["again/", "token"]


def walk(kv: Kv, path: str = "") -> list[ListedSecret | SkippedEntry]:
    survey = KvSurvey(kv, VaultFolder(mount="kv", path=path), {}, lambda _folder, _names: False)
    return list(survey.entries())


def test_a_folder_and_an_entry_of_one_name_are_both_looked_at():
    found = walk(Kv({"app": {"token": "a"}, "app/prod": {"token": "b"}, "other": {"token": "c"}}), "app")
    assert [each.path for each in found] == ["app", "app/prod"]


def test_only_texts_at_the_top_are_seen():
    [found] = walk(Kv({"app": {"token": "a", "": "x", "n": 1, "deep": {"token": "b"}, "list": ["c"], "none": None}}))
    assert dict(found.addresses) == {"token": "vault://kv/app#token"}


def test_folders_without_end_end(monkeypatch):
    monkeypatch.setattr(list_entries, "MAX_DEPTH", 4)
    found = walk(Deep({}))
    assert [each.reason for each in found] == ["nested too deeply"]


def test_too_many_entries_are_refused_and_not_cut(monkeypatch, words):
    monkeypatch.setattr(list_entries, "MAX_ENTRIES", 3)
    entries = {f"app{number}": {"token": "x"} for number in range(4)}
    with pytest.raises(InputError) as caught:
        walk(Kv(entries))
    words(caught.value)


def test_one_entry_brings_no_more_than_its_share():
    [found] = walk(Kv({"app": {f"token{number}": "x" for number in range(1_000)}}))
    assert len(found.texts) == 200


@pytest.mark.parametrize("reason", [VaultFailure.DENIED, VaultFailure.DELETED])
def test_what_cannot_be_read_is_named_and_the_walk_goes_on(reason):
    found = walk(Kv({"a b/c": reason, "d/": VaultFailure.DENIED, "d/e": {"token": "x"}, "f": {"token": "y"}}))
    assert [each.address for each in found if isinstance(each, SkippedEntry)] == ["vault://kv/a%20b/c", "vault://kv/d/"]
    assert not any(each.readable for each in found if isinstance(each, SkippedEntry))
    assert [each.path for each in found if isinstance(each, ListedSecret)] == ["f"]


@pytest.mark.parametrize(
    "reason", [VaultFailure.SEALED, VaultFailure.EXPIRED, VaultFailure.TLS, VaultFailure.MALFORMED]
)
def test_trouble_with_the_server_ends_the_walk(reason):
    with pytest.raises(VaultError):
        walk(Kv({"a": reason, "b": {"token": "x"}}))


class Region:
    """A region in memory."""

    def __init__(self, secrets: Mapping[str, object], tags: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self.secrets = secrets
        self.tags = tags or {}

    def pages(self, **_params: object):
        listed = [
            {"Name": name, "Tags": [{"Key": key, "Value": text} for key, text in self.tags.get(name, {}).items()]}
            for name in self.secrets
        ]
        yield from (listed[at : at + 2] for at in range(0, len(listed), 2))

    def read(self, name: str):
        found = self.secrets[name]
        if isinstance(found, AwsReason):
            raise AwsError(found)
        return None if found is None else Stored(version="v", stages=frozenset({"AWSCURRENT"}), data=found)


def survey(region: Region, prefix: str = "", **wanted: str) -> list[ListedSecret | SkippedEntry]:
    return list(SecretsSurvey(region, AwsFolder(region="eu-central-1", prefix=prefix), wanted).entries())


def test_names_are_cut_at_a_boundary():
    text = json.dumps({"token": "x"})
    found = survey(Region({"team/a": text, "teammate/b": text, "team": text}), "team")
    assert [each.path for each in found] == ["team", "team/a"]


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        ('{"token": "x", "n": 1, "deep": {"token": "y"}}', ["token"]),
        ("plain", [""]),
        ("{broken", [""]),
        ('{"a": "x", "a": "y"}', [""]),
        ("[]", [""]),
    ],
)
def test_what_a_secret_holds(data, fields):
    [found] = survey(Region({"a": data}))
    assert list(found.texts) == fields


def test_binary_and_vanished_secrets_are_nothing():
    assert survey(Region({"a": b"\x00", "b": None})) == []


def test_secrets_that_cannot_be_read_are_named():
    found = survey(Region({"a": AwsReason.DENIED, "b": AwsReason.KMS, "c": AwsReason.DELETED, "d": "text"}))
    assert [each.reason for each in found if isinstance(each, SkippedEntry)] == [
        "denied",
        "its KMS key denies access",
        "deleted",
    ]
    with pytest.raises(AwsError):
        survey(Region({"a": AwsReason.EXPIRED}))


def test_too_many_secrets_are_refused(monkeypatch, words):
    monkeypatch.setattr("tokenguard.clients.aws.list_secrets.MAX_ENTRIES", 3)
    with pytest.raises(InputError) as caught:
        survey(Region({f"a{number}": "x" for number in range(4)}))
    words(caught.value)
