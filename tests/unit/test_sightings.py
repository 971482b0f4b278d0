"""What an import proposes: one draft for each value, names from paths, owners from labels, nothing that is not a token."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.world import canary
from tokenguard.domain.field_address import VaultField, parse_field, parse_folder
from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.names import token_name
from tokenguard.domain.secret import Secret, Value
from tokenguard.errors import InputError
from tokenguard.inventory.discovered_values import drafts, padded, values_in
from tokenguard.ports.secret_listing import ListedSecret


def entry(path: str, labels: dict[str, str] | None = None, **texts: str) -> ListedSecret:
    return ListedSecret(
        path=path,
        texts={name: Secret(text) for name, text in texts.items()},
        addresses={name: VaultField(mount="kv", path=path, field=name).url for name in texts},
        labels=labels or {},
    )


def mark(value: Value) -> Fingerprint:
    return Fingerprint(hashlib.sha256(value.digest()).hexdigest()[:32])


def proposed(
    *entries: ListedSecret, taken: tuple[str, ...] = (), prefix: str = "", begun: dict[str, str] | None = None
):
    seen = [sighting for each in entries for sighting in values_in(each)]
    return drafts(seen, mark, taken=taken, begun=begun or {}, prefix=prefix)


@pytest.mark.parametrize(
    ("path", "field", "name"),
    [
        ("video/publisher/prod", "token", "video/publisher/prod"),
        ("Video Team/Publisher_X/PROD", "API_KEY", "video-team/publisher-x/prod"),
        ("a/b/c/d/e/f/g/h", "token", "c/d/e/f/g/h"),
        ("--/__/ü", "token", "token"),
        ("x" * 90, "token", "x" * 63),
        ("app.v2", "token", "app.v2"),
    ],
)
def test_a_path_becomes_a_name(path, field, name):
    [draft] = proposed(entry(path, **{field: canary()}))
    assert draft.texts["name"] == name
    assert token_name(draft.texts["name"])


def test_several_tokens_of_one_entry_are_told_apart_by_their_fields():
    found = proposed(entry("web/site", session_key=canary(), api_token=canary(), user="alice"))
    assert [draft.texts["name"] for draft in found] == ["web/site/api-token", "web/site/session-key"]


def test_names_that_are_taken_get_a_number():
    found = proposed(entry("App", token=canary()), entry("app", token=canary()), taken=("app",))
    assert [draft.texts["name"] for draft in found] == ["app-2", "app-3"]
    [long] = proposed(entry("x" * 63, token=canary()), taken=("x" * 63,))
    assert token_name(long.texts["name"]).endswith("-2")


def test_an_interrupted_record_keeps_its_name():
    [draft] = proposed(entry("app", token=canary()), taken=("app",), begun={"vault://kv/app#token": "app"})
    assert draft.texts["name"] == "app"


def test_a_prefix_goes_before_and_the_end_of_the_path_stays():
    [draft] = proposed(entry("a/b/c/d/e/f", token=canary()), prefix="legacy/vault")
    assert draft.texts["name"] == "legacy/vault/c/d/e/f"


def test_one_value_is_one_draft_and_the_other_places_are_told():
    value = canary()
    found = proposed(
        entry("b", {"team": "web"}, token=value), entry("a", token=value), entry("c", {"owner": "video"}, key=value)
    )
    assert len(found) == 1
    assert found[0].place == "vault://kv/a#token"
    assert found[0].also == ("vault://kv/b#token", "vault://kv/c#key")
    assert found[0].texts["owner"] == "web", "the first label that answers"


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ({"owner": "video", "team": "web"}, {"owner": "video"}),
        ({"Team": " Web ", "ENV": "Prod"}, {"owner": "web", "environment": "prod"}),
        ({"environment": "prod", "env": "dev"}, {"environment": "prod"}),
        ({"owner": "two words", "env": "\x1b[31m"}, {}),
        ({"owner": ""}, {}),
    ],
)
def test_labels_answer_for_owner_and_environment(labels, told):
    [draft] = proposed(entry("app", labels, token=canary()))
    assert {name: draft.texts[name] for name in ("owner", "environment") if name in draft.texts} == told


@pytest.mark.parametrize(
    "texts",
    [{"user": "alice"}, {"password": "tgcanary-password"}, {"token": "short"}, {"token": "two words here"},
     {"private_key": "-----BEGIN KEY-----\nx\n"}, {"key_id": "tgcanary-not-secret"}, {"note": "see the wiki page"}],
)  # fmt: skip
def test_what_is_no_token_is_no_draft(texts):
    assert proposed(entry("some/app", **texts)) == []


def test_a_token_with_white_space_around_it_is_told_and_not_taken():
    spoiled = entry("app", token=f"{canary()}\n", api_key=" two words ", note="  x  ", secret_key="short\n")
    assert padded(spoiled) == ["vault://kv/app#token"]
    assert values_in(spoiled) == []


@pytest.mark.parametrize("field", ["value", "data", "Secret", ""])
def test_a_field_that_says_nothing_is_told_by_its_entry(field):
    assert len(proposed(entry("some/deploy-token", **{field: canary()}))) == 1
    assert proposed(entry("some/database", **{field: canary()})) == []


def test_providers_are_known_by_shape_or_by_name():
    pair = f"dx_bearer_{canary()}:dx_secret_{canary()}"
    found = proposed(entry("x/anything", whatever=pair), entry("x/descript/app", token=canary()))
    assert [draft.texts["provider"] for draft in found] == ["descript", "descript"]


@given(st.text(max_size=200))
def test_any_text_is_an_address_in_one_spelling_or_refused(text):
    for read in (parse_field, parse_folder):
        for scheme in ("", "vault://", "aws://", "vault://kv/"):
            try:
                found = read(f"{scheme}{text}")
            except InputError:
                continue
            if read is parse_field:
                assert parse_field(found.url) == found


@given(
    st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=5),
    st.text(min_size=1, max_size=20),
)
def test_an_address_says_exactly_what_it_was_made_of(segments, field):
    made = VaultField(mount="kv/team", path="/".join(segments), field=field)
    try:
        assert parse_field(made.url) == made
    except InputError:
        hostile = [*segments, field]
        assert any(
            not each.isprintable() or each.strip() != each or each in {".", ".."} or "/" in each for each in hostile
        )
