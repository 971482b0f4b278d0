"""Which delivery speaks to which kind of host."""

from collections.abc import Callable

from tokenguard.delivery.doppler import DopplerDelivery
from tokenguard.delivery.github import GithubDelivery
from tokenguard.delivery.gitlab import GitlabDelivery
from tokenguard.delivery.hosts import Hosts
from tokenguard.delivery.kubernetes import KubernetesDelivery
from tokenguard.delivery.onepassword import OnePasswordDelivery
from tokenguard.domain.token import ConsumerKind
from tokenguard.ports.delivery import Delivery

_KINDS: dict[ConsumerKind, Callable[[Hosts], Delivery]] = {
    ConsumerKind.GITHUB: GithubDelivery,
    ConsumerKind.GITLAB: GitlabDelivery,
    ConsumerKind.KUBERNETES: KubernetesDelivery,
    ConsumerKind.DOPPLER: DopplerDelivery,
    ConsumerKind.ONEPASSWORD: OnePasswordDelivery,
}


def delivery_to(kind: ConsumerKind, hosts: Hosts) -> Delivery:
    """The delivery of a kind; KeyError for one that needs no host."""
    return _KINDS[kind](hosts)
