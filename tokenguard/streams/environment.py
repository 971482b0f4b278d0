"""What a child process finds in its environment: what it was given, and none of the keys to where that came from."""

import re
from collections.abc import Iterable, Mapping

_STORE_CREDENTIALS = re.compile(
    r"TOKENGUARD_.*|VAULT_.*|BAO_.*|AWS_.*|ACTIONS_ID_TOKEN_REQUEST_.*|CI_JOB_JWT.*|OP_SERVICE_ACCOUNT_TOKEN|OP_SESSION_.*"
)
"""Variables that give access to every token of the store, or allow to request it."""


def child_environment(
    parent: Mapping[str, str], given: Mapping[str, str], keep: Iterable[str] = (), *, withheld: Iterable[str] = ()
) -> dict[str, str]:
    """The parent's environment without credentials of stores and of this runner, with what is given.

    Args:
        parent: the environment of this process.
        given: variable to value; wins over the parent's.
        keep: names that are passed on although they are credentials.
        withheld: further names that are not passed on: the variables in which the configuration has credentials.
    """
    kept, own = frozenset(keep), frozenset(withheld)
    passed = {
        name: value
        for name, value in parent.items()
        if name in kept or not (name in own or _STORE_CREDENTIALS.fullmatch(name))
    }
    return passed | dict(given)
