"""What stores refuse, whatever kind they are: each refusal in one wording, so that people have to learn it once."""

from tokenguard.errors import Conflict, InputError
from tokenguard.ports.shared_item import Item

_AGAIN = "run the command again: it goes on from what is there now"


def no_such_token() -> InputError:
    """There is no token of the id that was given."""
    return InputError("no such token", hint="`tokenguard list` shows names")


def token_changed() -> Conflict:
    """Another writer has moved the document on."""
    return Conflict("the token changed since it was read", hint=_AGAIN)


def name_taken() -> Conflict:
    """Another token bears the name, or is about to."""
    return Conflict("the name belongs to another token", hint="choose another name")


def slot_taken() -> Conflict:
    """A candidate or a tombstone is under that label already, and the first writer decides."""
    return Conflict("the slot is taken", hint=_AGAIN)


def slot_without_value() -> Conflict:
    """What is to be published is not there, or has been destroyed."""
    return Conflict("there is no value under that label", hint=_AGAIN)


def live_moved() -> Conflict:
    """Another writer has published or withdrawn since the pin was read."""
    return Conflict("the live version moved", hint=_AGAIN)


def still_live() -> Conflict:
    """What consumers read must not be destroyed."""
    return Conflict("the label is live", hint="publish another one first")


def move_changed() -> Conflict:
    """Somebody else has begun or ended a move of the store."""
    return Conflict("another move of this store was begun or ended meanwhile", hint=_AGAIN)


def shared_changed(item: Item) -> Conflict:
    """Somebody else has shared a newer one."""
    return Conflict(f"the shared {item} changed since it was read", hint=_AGAIN)
