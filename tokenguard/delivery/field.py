"""One field of another Vault entry or AWS secret: replaced by compare-and-set, so that no other field is lost."""

from collections.abc import Callable

from tokenguard.delivery.payload import one_text
from tokenguard.domain.secret import Secret, Value
from tokenguard.domain.token import Consumer
from tokenguard.errors import Conflict
from tokenguard.ports.delivery import ConsumerVerdict
from tokenguard.ports.external_fields import ExternalField, FieldValue, nothing_there

_ATTEMPTS = 3
"""Others may write other fields of the same entry meanwhile."""


class PlaceDelivery:
    """Implements `ports.delivery.Delivery` for `vault://MOUNT/PATH#FIELD` and `aws://REGION/NAME[#FIELD]`.

    Args:
        place: finds the place of a consumer; InputError if that is on another server than this machine is set to use.
    """

    def __init__(self, place: Callable[[Consumer], ExternalField]) -> None:
        self._place = place

    def check(self, consumer: Consumer) -> None:
        """Look whether the field is there."""
        self._read(consumer)

    def push(self, consumer: Consumer, value: Value) -> None:
        """Replace the field, unless it holds the value already."""
        text = Secret(one_text(value))
        for attempt in range(_ATTEMPTS):
            held = self._read(consumer)
            if held.text == text and held.ending is None:
                return
            try:
                self._place(consumer).replace(held.version, text)
            except Conflict:
                if attempt + 1 == _ATTEMPTS:
                    raise
            else:
                return

    def verify(self, consumer: Consumer, value: Value) -> ConsumerVerdict:
        """Read it back."""
        held = self._place(consumer).read()
        return ConsumerVerdict.EXPECTED if held is not None and held.text == value.token else ConsumerVerdict.DIFFERENT

    def _read(self, consumer: Consumer) -> FieldValue:
        place = self._place(consumer)
        held = place.read()
        if held is None:
            hint = "create the entry with that field first (any text); from then on only the field's value is replaced"
            raise nothing_there(place, str(consumer), hint=hint)
        return held
