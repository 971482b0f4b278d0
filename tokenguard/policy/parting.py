"""The commands that fix a `person-left` violation."""

from collections.abc import Sequence

from tokenguard.domain.document import Document
from tokenguard.domain.token_fields import STAND_INS


def commands_for_departed(document: Document, roles: Sequence[str]) -> str:
    """What ends it: a value that they may have kept is replaced, which records who made the next one, or removed."""
    record = document.record
    duty = [f"tokenguard edit {record.name} {each.option} ''" for each in STAND_INS if each.name in roles]
    made = set(roles) - {each.name for each in STAND_INS}
    if made and not record.kind.has_value:
        return f"tokenguard retire {record.name}"
    rotation = [f"tokenguard rotate {record.name}"] if made else []
    if document.busy:  # the record can be edited when the operation has ended
        return " && ".join([f"tokenguard rotate {record.name} --resume", *duty, *rotation])
    return " && ".join([*duty, *rotation])
