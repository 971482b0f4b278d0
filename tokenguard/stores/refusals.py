"""Errors that every kind of store raises, with the same wording in each."""

from collections.abc import Iterator
from contextlib import contextmanager

from tokenguard.errors import Conflict, InputError
from tokenguard.ports.shared_item import Item

_AGAIN = "run the command again; it continues from the current state"


class NoStore(InputError):
    """There is no store at an address.

    Args:
        url: the address.
        where: the place as messages name it.
        check: what to look at if there should be one.
        hint: where a store that was never there is more likely than one that should be.
        doubt: why a store that this machine used may be there all the same.
    """

    def __init__(self, url: str, where: str, check: str, *, hint: str = "", doubt: str = "") -> None:
        super().__init__(
            f"there is no store at {where}", hint=hint or f"{check}; `tokenguard --store {url} init` creates one"
        )
        self._url, self._where, self._check, self._doubt = url, where, check, doubt

    def of_before(self) -> InputError:
        """Return the error on a machine that used a store there before: a new one would hold none of its tokens."""
        return InputError(
            f"the store at {self._where} is not there any more{self._doubt}: this machine used one there before",
            hint=f"{self._check}; `tokenguard --store {self._url} init --anew` creates another, empty one",
        )


@contextmanager
def as_of_before() -> Iterator[None]:
    """Tell a missing store as one that this machine used before."""
    try:
        yield
    except NoStore as error:
        raise error.of_before() from None


def no_such_token() -> InputError:
    """The given token id does not exist."""
    return InputError("no such token", hint="list the names with `tokenguard list`")


def token_changed() -> Conflict:
    """Another writer has changed the document."""
    return Conflict("the token changed since it was read", hint=_AGAIN)


def name_taken() -> Conflict:
    """Another token has or is claiming the name."""
    return Conflict("the name belongs to another token", hint="choose another name")


def slot_taken() -> Conflict:
    """The slot already holds a candidate or a tombstone; the first writer wins."""
    return Conflict("there is already a value under that label", hint=_AGAIN)


def slot_without_value() -> Conflict:
    """The value to publish is missing or destroyed."""
    return Conflict("there is no value under that label", hint=_AGAIN)


def live_moved() -> Conflict:
    """Another writer has published or withdrawn since the pin was read."""
    return Conflict("the live version changed", hint=_AGAIN)


def still_live() -> Conflict:
    """A live value must not be destroyed."""
    return Conflict("the value under that label is live", hint="publish another one first")


def move_changed() -> Conflict:
    """Another writer has begun or ended a migration of the store."""
    return Conflict("another migration of this store was started or ended in the meantime", hint=_AGAIN)


def shared_changed(item: Item) -> Conflict:
    """Another writer has shared a newer version."""
    return Conflict(f"the shared {item} changed since it was read", hint=_AGAIN)
