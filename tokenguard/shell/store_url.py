"""Which store is meant: an address, a name of the configuration, or the platform's default place."""

import os
from collections.abc import Callable
from pathlib import Path

from tokenguard.errors import InputError
from tokenguard.places import data_dir
from tokenguard.settings import Settings
from tokenguard.text import safe_text


def local_directory(url: str) -> Path:
    """The directory of a `local:///DIR` store; InputError for any other address."""
    scheme, separator, rest = url.partition("://")
    if scheme in {"vault", "aws"} and separator:
        where = {"vault": "a Vault", "aws": "AWS"}[scheme]
        raise InputError("this is for local stores only", hint=f"{where} keeps its keys and backups itself")
    if scheme != "local" or not separator or not rest.startswith("/"):
        shown = safe_text(scheme, one_line=True, limit=20) if separator else "no scheme"
        raise InputError(f"not the address of a store ({shown})", hint="write local:///DIR with an absolute path")
    directory = Path("/" + _unquoted(rest).lstrip("/"))  # `//srv` would be another path, and a host in an address
    if "\0" in str(directory) or directory == Path("/") or ".." in directory.parts:
        raise InputError("not the address of a store", hint="write local:///DIR with an absolute path without `..`")
    return directory


def is_local(url: str) -> bool:
    """Whether a store is an embedded one, of this machine alone."""
    return url.startswith("local://")


def is_on_vault(url: str) -> bool:
    """Whether a store lies on a Vault or OpenBao."""
    return url.startswith("vault://")


def is_on_aws(url: str) -> bool:
    """Whether a store lies in AWS Secrets Manager."""
    return url.startswith("aws://")


def takes_practice_tokens(url: str, store: Callable[[], object]) -> bool:
    """Whether a store may hold tokens of practice providers on this machine.

    A shared one only if it was created with --sandbox; `store` opens it, which a local one does not need.
    """
    return is_local(url) or bool(getattr(store(), "sandbox", False))


def named_store(given: str, settings: Settings) -> str:
    """The address of the store that is meant.

    Args:
        given: an address, or the name of one of the configuration's `[stores.NAME]`; empty for the default.
        settings: the configuration.

    Raises:
        InputError: neither an address nor a name that the configuration knows.
    """
    if given and "://" not in given:
        if url := settings.stores.get(given):
            return url
        raise InputError(
            "neither the address of a store nor a configured name",
            hint="write local:///DIR, vault://MOUNT/PREFIX or aws://REGION/PREFIX",
        )
    return given or settings.store_url or default_store_url()


def default_store_url() -> str:
    """A local store in the platform's place for data."""
    from urllib.parse import quote  # only where no store is named

    return "local://" + quote(os.fsencode(data_dir().absolute() / "store"))


def _unquoted(path: str) -> str:
    if "%" not in path:
        return path
    from urllib.parse import unquote  # few paths have an escape

    return unquote(path, errors="surrogateescape")
