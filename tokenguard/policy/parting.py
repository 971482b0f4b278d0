"""The commands that fix a `person-left` violation."""

from collections.abc import Sequence

from tokenguard.domain.token import Record


def parting(record: Record, roles: Sequence[str]) -> str:
    """What ends it: a value that they may have kept is replaced, a grant is removed, and the record forgets them."""
    if not record.kind.has_value:
        made = set(roles) - {"deputy"}
        return f"tokenguard retire {record.name}" if made else f"tokenguard edit {record.name} --deputy ''"
    clear = " ".join(f"--{role.replace('_', '-')} ''" for role in roles)
    edit = f"tokenguard edit {record.name} {clear}"
    return edit if set(roles) == {"deputy"} else f"tokenguard rotate {record.name} && {edit}"
