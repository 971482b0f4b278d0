"""The access policies of roles: at the store, and at the external fields that a rotator writes."""

from collections.abc import Sequence

from tokenguard.usecases.parts import HasBackend


def role_policies(parts: HasBackend, adopted: Sequence[str] = ()) -> dict[str, str]:
    """The access policy of each role of the store, and of a rotator at adopted fields.

    Raises:
        InputError: a local store has no policies, or a place is not an address.
    """
    if not adopted:
        return parts.backend.role_policies()
    from tokenguard.provisioning.adopted_policies import adopted_policies  # few ask for it

    beside = adopted_policies(adopted)
    return {**parts.backend.role_policies(), **beside} if parts.backend.shared else beside
