"""The organisation's policy: published to the store, and kept on this machine as it was pulled last."""

from datetime import datetime
from pathlib import Path

import msgspec

from tokenguard.errors import UPGRADE, InputError, Tampered
from tokenguard.file_replacement import replace_file
from tokenguard.files import check_private_file, make_private_dir, read_limited
from tokenguard.frozen import Frozen
from tokenguard.places import state_dir
from tokenguard.policy.loader import MAX_BYTES, Judge, default_policy, load_policy, read_policy
from tokenguard.policy.model import Policy

FORMAT = 1
_MAX_BYTES = 2 * MAX_BYTES
_PULL = "tokenguard policy pull"


class Published(Frozen, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A policy as it lies in the store."""

    format: int = FORMAT
    version: int
    """Increases with every publication; a lower one is refused."""
    published: str
    """When, ISO 8601."""
    published_by: str
    """Whom the store took the publisher for."""
    policy: str
    """A policy file without layers."""

    def read(self, judge: Judge | None = None) -> Policy:
        """The policy itself; InputError if this version does not understand it."""
        return load_policy(self.policy.encode(), source="organisation's policy", judge=judge)


def published(policy: Policy, before: Published | None, *, at: datetime, by: str) -> bytes:
    """What is written to the store; InputError if the policy is too large to be read again."""
    import json  # only a publication writes one

    from tokenguard.policy.writing import as_document

    text = json.dumps(as_document(policy), ensure_ascii=False, indent=1)
    if len(text.encode()) > MAX_BYTES:
        raise InputError(
            f"the policy with its layers is larger than {MAX_BYTES:,} bytes", hint="leave out rules or waivers"
        )
    version = before.version + 1 if before else 1
    made = Published(version=version, published=at.isoformat(timespec="seconds"), published_by=by, policy=text)
    made.read()
    return msgspec.json.encode(made, order="deterministic")


def read_published(data: bytes) -> Published:
    """Read what `published` made; InputError if it is of another format."""
    try:
        found = msgspec.json.decode(data, type=Published)
    except (msgspec.DecodeError, ValueError, RecursionError):
        found = None
    if found is None or found.format != FORMAT:
        raise InputError("not a policy that this version reads", hint=f"{UPGRADE}; or publish it again")
    return found


def keep(data: bytes) -> Published:
    """Keep a policy that was pulled from the store as this machine's.

    Raises:
        Tampered: it is older than the one that was pulled before, or another one of the same version.
        InputError: it is not acceptable.
    """
    new, old = read_published(data), pulled()
    new.read()
    if old is not None and new.version < old.version:
        raise Tampered(
            f"the store has version {new.version} of the policy; this machine already pulled version {old.version}",
            hint="if it is another store's: `tokenguard policy pull --forget` first",
        )
    if old is not None and new.version == old.version and new != old:
        raise Tampered(
            f"the store has another version {new.version} of the policy than this machine already pulled",
            hint="ask who published it (`tokenguard audit log`); if it is another store's: "
            "`tokenguard policy pull --forget` first",
        )
    place = _place()
    make_private_dir(place.parent)
    replace_file(place, data)
    return new


def forget() -> bool:
    """Stop using the organisation's policy; returns whether there was one."""
    place = _place()
    there = place.exists()
    place.unlink(missing_ok=True)
    return there


def pulled() -> Published | None:
    """What was pulled last; None if nothing was."""
    place = _place()
    if not place.exists():
        return None
    check_private_file(place)
    try:
        return read_published(read_limited(place, _MAX_BYTES))
    except InputError:
        raise InputError("the organisation's policy that was pulled cannot be read", hint=f"`{_PULL}` again") from None


def policy_in_force(file: Path | None) -> Policy:
    """The configuration's file, else the organisation's policy as it was pulled, else the default.

    Nothing but files of this machine is asked, so that a commit can be held to it too.

    Raises:
        InputError: it cannot be read.
    """
    if file is not None:
        return read_policy(file)
    shared = pulled()
    return shared.read() if shared is not None else default_policy()


def _place() -> Path:
    return state_dir() / "policy" / "organisation.json"
