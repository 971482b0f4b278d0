"""Finds the leader among the configured nodes of a cluster, without a login."""

from tokenguard.clients.vault.http_session import HardenedSession
from tokenguard.clients.vault.vault_errors import VaultError
from tokenguard.http.address import Address

_LEADS = 200
"""How the active node answers; standbys, sealed and new ones answer otherwise."""
_DEADLINE = 3.0
"""Seconds for one node: of those that are down some do not even refuse."""


class Nodes:
    """Selects the address in use. A single address is used without asking for the leader."""

    def __init__(self, session: HardenedSession, addresses: tuple[Address, ...]) -> None:
        self._session = session
        self._addresses = addresses
        self.current = addresses[0]

    @property
    def several(self) -> bool:
        """Whether there is a choice."""
        return len(self._addresses) > 1

    def find_leader(self) -> Address:
        """Return the leader's address, or the current one while there is no leader."""
        if self.several:
            inorder = (self.current, *(each for each in self._addresses if each != self.current))
            self.current = next(filter(self._leads, inorder), self.current)
        return self.current

    def _leads(self, address: Address) -> bool:
        try:
            return self._session.ask("GET", f"{address}/v1/sys/health", deadline=_DEADLINE).status == _LEADS
        except VaultError:
            return False
