"""The access policies of roles: at the store, and at the external fields that a rotator writes."""

from collections.abc import Sequence

from tokenguard.shell.wiring import Wiring


def role_policies(wiring: Wiring, adopted: Sequence[str] = ()) -> dict[str, str]:
    """The access policy of each role of the store, and of a rotator at adopted fields.

    Raises:
        InputError: a local store has no policies, or a place is not an address.
    """
    if not adopted:
        return wiring.backend.role_policies()
    from tokenguard.provisioning.adopted_policies import adopted_policies  # few ask for it

    beside = adopted_policies(adopted)
    return {**wiring.backend.role_policies(), **beside} if wiring.backend.shared else beside
