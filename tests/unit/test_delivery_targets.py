"""Targets of remote deliveries: one canonical spelling, and nothing that leads somewhere else than it says."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenguard.delivery.delivery_registry import parse_consumer
from tokenguard.delivery.targets import parse_target
from tokenguard.domain.token import ConsumerKind
from tokenguard.errors import InputError

ID = "a" * 26
GOOD = {
    "github:acme/app#DESCRIPT_TOKEN": "api.github.com",
    "github:acme/app@prod#DESCRIPT_TOKEN": "api.github.com",
    "github:octo_corp/app@eu/prod (blue)#T": "api.github.com",
    "github:acme/app@größer@2#T": "api.github.com",
    "github://ghe.example.com/acme/app#T": "ghe.example.com",
    "gitlab:acme/video/app#KEY": "gitlab.com",
    "gitlab:acme/app#KEY@review/*": "gitlab.com",
    "gitlab://git.example:8443/acme/app#KEY": "git.example:8443",
    "k8s://10.0.0.7:6443/video/app.tokens#token.txt": "10.0.0.7:6443",
    "doppler:app/prd#TOKEN": "api.doppler.com",
    f"onepassword://connect.example/{ID}/{ID}#api token": "connect.example",
}
BAD = [
    "github:acme#T", "github:acme/app", "github:acme/app#", "github:acme/app#lower", "github:acme/app#GITHUB_TOKEN",
    "github:acme/app#1T", "github:acme/app/more#T", "github:acme/..#T", "github:../app#T", "github:acme/app@#T", "github:acme/app@ prod#T", "github:acme/app@..#T", "github:acme/app@a/../b#T",
    "github://GHE.example/acme/app#T", "github://u:p@ghe.example/acme/app#T", "github:///acme/app#T",
    "github:https://api.github.com/acme/app#T", "github:acme/app?x#T", "github:acme/app%2f..#T",
    "gitlab:app#KEY", "gitlab:acme/app#KEY-1", "gitlab:acme/app#KEY@", "gitlab:acme//app#KEY", "gitlab:acme/../app#K",
    "k8s:video/app#K", "k8s://host/video#K", "k8s://host/Video/app#K", "k8s://host/video/app#a b", "k8s://host/v/..#K",
    "doppler:app#T", "doppler:app/prd#t", "doppler:App/prd#T", "doppler:app/prd/x#T",
    f"onepassword:{ID}/{ID}#f", f"onepassword://h/{ID}/short#f", f"onepassword://h/{ID}/{ID}#",
    "vault:kv/app", "vault://kv/app", "vault://kv#f", "vault://kv/../app#f", "aws://nowhere/app", "aws:app",
    "github:acme/app#T\n", "gitlab:acme/app\u202e#K",
]  # fmt: skip


@pytest.mark.parametrize("text", GOOD)
def test_a_target_is_read_and_names_its_host(text):
    consumer = parse_consumer(text, base=Path("/"))
    assert str(consumer) == text
    assert parse_target(consumer).host == GOOD[text]


def test_a_vendors_own_host_is_left_out_of_the_canonical_spelling():
    spelled = {str(parse_consumer(f"github:{each}acme/app#T", base=Path("/"))) for each in ("", "//api.github.com/")}
    assert spelled == {"github:acme/app#T"}


@pytest.mark.parametrize("text", ["vault://kv/team/app#token", "aws://eu-central-1/team/app", "aws://us-east-1/a#b"])
def test_fields_elsewhere_are_spelled_as_for_adopting(text):
    assert str(parse_consumer(text, base=Path("/"))) == text


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_target_is_refused_in_one_safe_line(text):
    with pytest.raises(InputError) as caught:
        parse_consumer(text, base=Path("/"))
    assert (caught.value.message + caught.value.hint).isprintable()


@given(st.sampled_from(sorted(set(ConsumerKind))), st.text(st.sampled_from("aZ0/#@:.-_%?\\ *~é"), max_size=30))
def test_whatever_is_accepted_is_spelled_canonically_and_never_climbs(kind, rest):
    try:
        consumer = parse_consumer(f"{kind}:{rest}", base=Path("/base"))
    except InputError:
        return
    assert parse_consumer(str(consumer), base=Path("/base")) == consumer
    if kind not in {ConsumerKind.PERSON, ConsumerKind.DOTENV, ConsumerKind.COMMAND}:
        assert not {".", ".."} & set(consumer.target.replace("#", "/").replace("@", "/").split("/"))
