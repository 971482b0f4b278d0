"""What each role of a store may do on a Vault, read back from the policy that a server holds it to."""

import re

import pytest

from tokenguard.stores.vault.layout import VaultAddress
from tokenguard.stores.vault.policies import VaultStoreRole, policy

PLACE = VaultAddress(mount="kv", prefix="team")
VALUES = {"live/*", "cand/*"}
KEYS = {"key/fingerprint"}
TOKENS = {"doc/*", "name/*", "idx/*", "log/*", "cand/*", "live/*", "fp/*", "dirty/*"}
MAY_WRITE = {
    VaultStoreRole.PUBLISHER: {"shared/*"},
    VaultStoreRole.APPROVER: {"shared/approvals/*"},
    VaultStoreRole.ROTATOR: TOKENS | {"shared/outbox/*", "shared/requests/*"},
}
"""All others, but for break-glass, write nothing."""
MAY_READ_VALUES = {
    VaultStoreRole.CI_READER: {"live/*"},
    VaultStoreRole.PUBLISHER: VALUES,
    VaultStoreRole.ROTATOR: VALUES | KEYS,
    VaultStoreRole.INVENTORY: KEYS,
}
LIMITED = [role for role in VaultStoreRole if role is not VaultStoreRole.BREAK_GLASS]


def allowed(role: VaultStoreRole, *wanted: str) -> set[str]:
    """Where a role may do one of these with the content of entries, below the store's prefix."""
    rules = re.findall(r'^path "kv/data/team/(.*?)" \{ capabilities = \[(.*?)\] \}$', policy(role, PLACE), re.MULTILINE)
    assert rules
    return {path for path, able in rules if set(re.findall(r'"(\w+)"', able)) & set(wanted)}


@pytest.mark.parametrize("role", LIMITED)
def test_a_role_writes_only_what_is_its_task(role):
    assert allowed(role, "create", "update", "patch", "delete", "sudo") == MAY_WRITE.get(role, set())


@pytest.mark.parametrize("role", LIMITED)
def test_a_role_reads_values_and_keys_only_if_they_are_its_task(role):
    assert allowed(role, "read") & (VALUES | KEYS) == MAY_READ_VALUES.get(role, set())


@pytest.mark.parametrize("role", LIMITED)
def test_no_policy_reaches_beyond_the_store(role):
    paths = re.findall(r'^path "(.*?)"', policy(role, PLACE), re.MULTILINE)
    outside = {path for path in paths if not re.match(r"kv/[a-z-]+/team/.", path)}
    assert outside <= {
        "kv/config", "auth/token/lookup-self", "auth/token/renew-self", "sys/capabilities-self",
    }  # fmt: skip


@pytest.mark.parametrize("role", [VaultStoreRole.SCANNER])
def test_outbox_and_requests_are_denied_to_those_who_read_what_is_public(role):
    assert allowed(role, "deny") == {"shared/outbox/*", "shared/requests/*"}


def test_a_publisher_verifies_what_it_may_not_publish():
    own = {"shared/approvals/*", "shared/outbox/*", "shared/requests/*"}
    assert own <= allowed(VaultStoreRole.PUBLISHER, "read")
    assert not own & allowed(VaultStoreRole.PUBLISHER, "create", "update", "deny")
