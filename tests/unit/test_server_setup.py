"""A set-up as data: what is refused in the file, what each job must show, and what Terraform is given."""

import json
import re

import pytest

from tokenguard.errors import InputError
from tokenguard.provisioning.server_setup.declared import JobRole
from tokenguard.provisioning.server_setup.server_file import read_setup
from tokenguard.provisioning.server_setup.setup_diff import Change, step
from tokenguard.provisioning.server_setup.vault_setup import ServerObjectKind, resources, slug
from tokenguard.shell.aws_store import roles_of
from tokenguard.shell.server_setup import vault_resources

GITHUB = "github: {repository: acme/tokens, repository_id: 4711, environments: [tokens]}\n"
FULL = f"""\
version: 1
audience: tokenguard
audit: /var/log/openbao/audit.log
{GITHUB}gitlab: {{project: acme/group/tokens, project_id: 42, environments: [tokens]}}
kubernetes: {{namespace: tokens, service_account: tokenguard}}
aws: {{account: "123456789012", github_owner_id: 9919, kms_key: "arn:aws:kms:eu-central-1:123456789012:key/1-2"}}
"""


def read(text):
    return read_setup(text.encode(), source="server.yaml")


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("", "1", "mapping"),
        ("version: 2\n" + GITHUB, "1:1", "version: this must be 1"),
        ("version: 1\n", "", "no login is declared"),
        ("version: 1\nbitbucket: {}\n" + GITHUB, "2:1", "unknown key"),
        ("version: 1\ngithub: {}\n", "2:1", "repository_id: this must be the number"),
        ("version: 1\ngithub: {repository_id: 0}\n", "2:10", "gh api repos"),
        ("version: 1\ngithub: {repository_id: [1]}\n", "2:10", "gh api repos"),
        ("version: 1\n" + GITHUB.replace("acme/tokens", "'acme/*'"), "2:10", "repository: this is not valid"),
        ("version: 1\n" + GITHUB.replace("acme/tokens", "acme/../x"), "2:10", "repository: this is not valid"),
        ("version: 1\n" + GITHUB.replace("[tokens]", "[]"), "2:", "environments: this must be a list"),
        ("version: 1\n" + GITHUB.replace("[tokens]", "['*']"), "2:", "only plain names"),
        ("version: 1\n" + GITHUB.replace("[tokens]", "[a, a]"), "2:", "only plain names"),
        ("version: 1\n" + GITHUB.replace("{", "{branch: '*', "), "2:10", "branch: this is not valid"),
        ("version: 1\n" + GITHUB.replace("{", "{issuer: 'http://example.org', "), "2:10", "issuer: this is not valid"),
        ("version: 1\n" + GITHUB.replace("{", "{workflow: 'x.sh', "), "2:10", "workflow: this is not valid"),
        ("version: 1\naudit: ../x\n" + GITHUB, "2:1", "audit: this is not valid"),
        ("version: 1\naws: {account: 12}\n" + GITHUB, "2:7", "account: this is not valid"),
        ("version: 1\naws: {account: '123456789012'}\n" + GITHUB, "2:7", "github_owner_id"),
        ("version: 1\naws: {account: '123456789012', github_owner_id: 0}\n" + GITHUB, "2:32", "gh api repos"),
        ("version: 1\naws: {account: '123456789012', github_subject: x}\n" + GITHUB, "2:32", "github_subject"),
        ("version: 1\nkubernetes: {namespace: A, service_account: x}\n", "2:14", "namespace: this is not valid"),
        ("version: 1\naudience: 'a b'\n" + GITHUB, "2:1", "audience: this is not valid"),
        ("version: 1\nx: &a 1\n", "2:4", "anchors"),
        ("version: 1\nfields: []\n" + GITHUB, "2:1", "fields"),
        ("version: 1\nfields: vault://kv/a#b\n" + GITHUB, "2:1", "fields"),
        ("version: 1\nfields: [vault://kv/a]\n" + GITHUB, "2:1", "field"),
        ("version: 1\nfields: ['vault://kv/a#b', 'vault://kv/a#b']\n" + GITHUB, "2:1", "fields"),
        ("version: 1\nfields: ['vault://kv/a#b', {a: b}]\n" + GITHUB, "2:1", "fields"),
        ("version: 1\nfields: ['https://kv/a#b']\n" + GITHUB, "2:1", "field"),
        ("version: 1\nfields: ['vault://kv/../sys#b']\n" + GITHUB, "2:1", "field"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_acceptable_is_refused_with_its_place(text, place, words):
    with pytest.raises(InputError) as refused:
        read(text)
    assert refused.value.message.startswith(f"server.yaml{':' if place else ''}{place}"), refused.value.message
    assert words in refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize("system", [0, 1])
def test_every_rotator_is_bound_to_repository_branch_environment_and_event_and_no_planner_is_one(system):
    jobs = read(FULL).jobs[system]
    rotator, planner = jobs.claims(JobRole.ROTATOR), jobs.claims(JobRole.PLANNER)
    assert {"ref", "environment", "workflow_ref" if system == 0 else "ci_config_ref_uri"} <= set(rotator)
    assert not any("*" in each for claims in (rotator, planner) for values in claims.values() for each in values)
    events = rotator.get("event_name") or rotator["pipeline_source"]
    assert not {"pull_request", "pull_request_target", "merge_request_event"} & set(events)


def test_every_policy_and_role_is_named_for_its_store_alone():
    places = [
        ("kv", ""),
        ("kv", "a"),
        ("kv", "a/b"),
        ("kv", "a-b"),
        ("kv", "A"),
        ("kv/a", "b"),
        ("kv/a", ""),
        ("kv-a", ""),
        ("KV", "a"),
    ]
    names = [slug(*place) for place in places]
    assert len(set(names)) == len(places)
    assert all(re.fullmatch(r"[a-z0-9.-]+", name) for name in names)


def test_a_policy_comes_before_the_role_that_has_it_and_a_method_before_its_roles():
    made = list(resources(read(FULL), mount="kv", prefix="video", policies={"rotator": "x", "planner": "y"}))
    kinds = [each.kind for each in made]
    assert kinds[0] is ServerObjectKind.MOUNT
    assert kinds.index(ServerObjectKind.METHOD) > max(
        number for number, kind in enumerate(kinds) if kind is ServerObjectKind.POLICY
    )
    assert kinds[-1] is ServerObjectKind.AUDIT


@pytest.mark.parametrize(
    ("found", "change", "differs"),
    [
        (None, Change.CREATE, ()),
        ({"policy": "x\n"}, Change.NONE, ()),
        ({"policy": "y"}, Change.CHANGE, ("policy",)),
        ({}, Change.CHANGE, ("policy",)),
    ],
)
def test_what_differs_is_told_by_field(found, change, differs):
    policy = next(
        each
        for each in resources(read(FULL), mount="kv", prefix="", policies={"r": "x"})
        if each.kind is ServerObjectKind.POLICY
    )
    assert (step(policy, found).change, step(policy, found).differs) == (change, differs)


@pytest.mark.parametrize("kind", [ServerObjectKind.MOUNT, ServerObjectKind.METHOD, ServerObjectKind.AUDIT])
def test_what_others_may_depend_on_is_never_changed(kind):
    each = next(one for one in vault_resources(read(FULL), "vault://kv/video") if one.kind is kind)
    assert step(each, {**each.wanted, "type": "another"}).change is Change.BLOCKED


def test_a_claim_less_or_more_is_another_role():
    role = next(each for each in vault_resources(read(FULL), "vault://kv/video") if each.kind is ServerObjectKind.ROLE)
    claims = role.wanted["bound_claims"]
    for other in ({}, {**claims, "extra": ["x"]}, {**claims, "repository_id": ["4711", "4712"]}):
        assert step(role, {**role.wanted, "bound_claims": other}).differs == ("bound_claims",)
    assert (
        step(role, {**role.wanted, "token_policies": list(reversed(role.wanted["token_policies"]))}).change
        is Change.NONE
    )


def test_terraform_is_given_what_would_be_applied():
    from tokenguard.provisioning.server_setup.terraform import of_aws, of_vault

    setup = read(FULL)
    made = vault_resources(setup, "vault://kv/video")
    rendered = json.loads(json.dumps(of_vault(made)))["resource"]
    role = rendered["vault_jwt_auth_backend_role"]["tg-kv-video-rotator-github"]
    assert role["bound_claims"]["event_name"] == "push,schedule,workflow_dispatch"
    assert role["backend"] == "tokenguard-github"
    assert sum(map(len, rendered.values())) == len(made) - 2, "a method and its issuer are one resource"
    on_aws = of_aws(setup, roles_of(setup, "aws://eu-central-1/video"))["resource"]
    trust = json.loads(on_aws["aws_iam_role"]["tg-video-github-rotator"]["assume_role_policy"])
    assert trust["Statement"][0]["Condition"] == {
        "StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"},
        "StringLike": {"token.actions.githubusercontent.com:sub": ["repo:acme@9919/tokens@4711:environment:tokens"]},
    }
    assert on_aws["aws_kms_grant"]["tg-video-github-planner"]["operations"] == ["Decrypt"]


def test_the_subject_of_an_older_repository_has_names_alone():
    setup = read(FULL.replace("github_owner_id: 9919", "github_subject: names"))
    (role,) = (each for each in roles_of(setup, "aws://eu-central-1/video") if each.name == "tg-video-github-rotator")
    condition = json.loads(role.trust)["Statement"][0]["Condition"]["StringLike"]
    assert list(condition.values()) == [["repo:acme/tokens:environment:tokens"]]


def test_terraform_fills_nothing_in_that_was_meant_literally():
    from tokenguard.provisioning.server_setup.terraform import of_vault

    made = list(resources(read(FULL), mount="kv", prefix="", policies={"r": '${file("x")} %{ if }'}))
    text = of_vault(made)["resource"]["vault_policy"]["tg-kv-r"]["policy"]
    assert text == '$${file("x")} %%{ if }'


def test_the_rotator_alone_may_write_the_fields_that_are_listed():
    plain, fuller = (
        {
            each.name: each
            for each in vault_resources(read(text), "vault://kv/video")
            if each.kind is ServerObjectKind.POLICY
        }
        for text in ("version: 1\n" + GITHUB, "version: 1\nfields: ['vault://kv/apps/publisher#key']\n" + GITHUB)
    )
    differs = [name for name in plain if plain[name] != fuller[name]]
    assert differs == ["tg-kv-video-rotator"]
    text = fuller[differs[0]].wanted["policy"]
    assert text.startswith(plain[differs[0]].wanted["policy"])
    assert re.findall(r'path "kv/data/apps/publisher" \{ capabilities = (.*) \}', text) == ['["read", "patch"]']


def test_on_aws_the_rotator_alone_may_write_the_fields_that_are_listed():
    account = "aws: {account: '123456789012', github_owner_id: 9919}\n"
    text = "version: 1\nfields: ['aws://eu-central-1/apps/publisher#key']\n" + account + GITHUB
    planner, rotator = roles_of(read(text), "aws://eu-central-1/video")
    named = "secret:apps/publisher-"
    assert (named in planner.policy, named in rotator.policy) == (False, True)
    assert json.loads(rotator.policy)["Version"] == "2012-10-17"


@pytest.mark.parametrize(
    "field", ["aws://eu-central-1/a#b", "vault://kv/apps/*#b", "vault://kv/%2B/a#b", "vault://kv/a%22b#c"]
)
def test_a_field_that_no_policy_can_grant_alone_is_refused(field):
    with pytest.raises(InputError):
        vault_resources(read(f"version: 1\nfields: ['{field}']\n" + GITHUB), "vault://kv/video")


def test_a_field_of_a_vault_is_refused_where_jobs_log_in_to_aws():
    text = "version: 1\nfields: ['vault://kv/a#b']\naws: {account: '123456789012'}\n" + GITHUB
    with pytest.raises(InputError):
        roles_of(read(text), "aws://eu-central-1/video")
