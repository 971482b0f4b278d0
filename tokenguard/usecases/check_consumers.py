"""Refuses consumers that this runner cannot deliver to."""

from collections.abc import Iterable

from tokenguard.domain.names import TokenName
from tokenguard.domain.token import Consumer
from tokenguard.errors import InputError
from tokenguard.ports.delivery import Delivery
from tokenguard.provisioning.plan_model import Action
from tokenguard.usecases.load_manifest import PlannedManifest
from tokenguard.usecases.parts import HasDeliveries


def check_consumers(parts: HasDeliveries, held: PlannedManifest, actions: Iterable[Action]) -> None:
    """Refuse a consumer that this machine cannot deliver to, before anything is written."""
    for action in actions:
        for consumer in action.deliver:
            delivery = parts.deliveries.of(consumer)
            if delivery is not None:
                _check_consumer(held, action.name, consumer, delivery)


def _check_consumer(held: PlannedManifest, name: TokenName, consumer: Consumer, delivery: Delivery) -> None:
    try:
        delivery.check(consumer)
    except InputError as error:
        place = f"{held.manifest.locate(name)}: {name}: {consumer}"
        raise InputError(f"{place}: {error.message}", hint=error.hint) from None
