"""What a child process finds in its environment: what it was given, and none of the keys to where that came from."""

import re
import sys
from collections.abc import Iterable, Mapping

_STORE_CREDENTIALS = re.compile(
    r"TOKENGUARD_.*|VAULT_.*|BAO_.*|AWS_.*|ACTIONS_ID_TOKEN_REQUEST_.*|CI_JOB_JWT.*|OP_SERVICE_ACCOUNT_TOKEN|OP_SESSION_.*"
)
"""Variables that give access to every token of the store, or allow to request it."""
_COERCED = frozenset({"C.UTF-8", "C.utf8", "UTF-8"})


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
    if _is_of_python(parent):
        passed.pop("LC_CTYPE", None)
    return passed | dict(given)


def _is_of_python(environ: Mapping[str, str]) -> bool:
    """Whether Python itself has set `LC_CTYPE`, as it does where no locale is set (PEP 538): a child would see it.

    It turns on its UTF-8 mode then, and not where the variable was there before.
    """
    asked = "PYTHONUTF8" in environ or "utf8" in sys._xoptions or sys.version_info >= (3, 15)  # noqa: SLF001 - documented
    return bool(sys.flags.utf8_mode) and not asked and environ.get("LC_CTYPE") in _COERCED
