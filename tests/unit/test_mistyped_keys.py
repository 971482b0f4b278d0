"""A mistyped key of a policy, its tests, a server file or a provider file is told as that, not as the key that is missing because of it."""

import re

import pytest

from tokenguard.errors import InputError
from tokenguard.policy.loader import load_policy
from tokenguard.policy.policy_tests import read_trial
from tokenguard.providers.generic.loading import describe
from tokenguard.provisioning.server_setup.server_file import read_setup

POLICY = """format: 1
name: x
rules:
  - id: maximum-age
    severity: error
    why: x
    source: y
    fix: z
    days: {prod: 90}
    otherwise: 365
    warn: [7]
own_rules:
  - id: mine
    severity: error
    why: x
    source: y
    fix: z
    says: x
    holds: "true"
overrides:
  - rule: maximum-age
    environment: dev
waivers:
  - rule: maximum-age
    token: x/*
    owner: team
    reason: because
    until: 2027-01-01
"""
TESTS = """format: 1
policy: default
cases:
  - name: x
    token: {owner: team}
    also:
      - verified: 2026-01-01
    expect: {maximum-age: holds}
"""
PROVIDER = """format: 1
name: acme
base_url: https://acme.example
scope_kind: team
lifetime: 90d
guide:
  where: x
probe:
  request: GET /me
  alive:
    - status: 200
      at: /state
      is: [active]
  scope: /team
create:
  request: POST /tokens
  body: {$label: "{label}"}
  value: /token
  id: /id
list:
  request: GET /tokens
  items: ""
  id: /id
  label: /label
  paging: cursor
  next: /next
  status: {field: /state, alive: [on], ended: [off]}
revoke:
  - request: DELETE /tokens/{id}
update:
  request: PATCH /tokens/{id}
  body: {$label: "{label}"}
revoke_value:
  request: POST /revoke
  form: {$token: "{token}"}
shape: {prefix: ac_, characters: alnum}
rate: {requests: 5, per: 1s}
"""
SERVER = """version: 1
audience: x
github:
  repository: o/r
  repository_id: "4711"
  environments: [x]
kubernetes:
  namespace: x
  service_account: x
aws:
  account: "123456789012"
  github_owner_id: "12"
"""
READERS = {
    "policy": (load_policy, POLICY),
    "tests": (read_trial, TESTS),
    "server": (read_setup, SERVER),
    "provider": (describe, PROVIDER),
}
_KEY = re.compile(r"(?:^[ -]*|\{)([a-z_]+)(?=: |:\n)", re.MULTILINE)
_CASES = [
    (document, found.start(1), found[1])
    for document, (_, text) in READERS.items()
    for found in _KEY.finditer(text)
    if found[1] != "prod"
]


@pytest.mark.parametrize("document", READERS)
def test_the_documents_are_valid(document):
    read, text = READERS[document]
    read(text.encode(), source="a")


@pytest.mark.parametrize(("document", "start", "key"), _CASES)
def test_a_mistyped_key_is_told_first(document, start, key):
    read, text = READERS[document]
    line, column = text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)
    with pytest.raises(InputError) as caught:
        read(f"{text[:start]}{key}{key[-1]}{text[start + len(key) :]}".encode(), source="a")
    assert caught.value.message.startswith(f"a:{line}:{column}: ")
    assert f" {key}?" in caught.value.hint
