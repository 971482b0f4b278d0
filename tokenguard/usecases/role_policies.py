"""What each role needs: at the store, and at the external fields that a rotator writes."""

from collections.abc import Sequence

from tokenguard.shell.store_url import is_local
from tokenguard.shell.wiring import Wiring


def role_policies(wiring: Wiring, adopted: Sequence[str] = ()) -> dict[str, str]:
    """What each role needs at the store that is meant, and a rotator at places that are adopted.

    Raises:
        InputError: there is nothing to print for a local store, or a place is no address.
    """
    if not adopted:
        return wiring.backend.role_policies()
    from tokenguard.shell.adopted_policies import adopted_policies  # few ask for it

    beside = adopted_policies(adopted)
    return beside if is_local(wiring.store_url) else {**wiring.backend.role_policies(), **beside}
