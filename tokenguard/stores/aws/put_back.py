"""Notices that the label of what is current was moved back to an earlier version.

AWS attaches `AWSPREVIOUS` to the version that `AWSCURRENT` leaves, so after a move back it is on the later one.
"""

from collections.abc import Callable

from tokenguard.clients.aws.secrets import CURRENT, PREVIOUS, Secrets, Stored
from tokenguard.errors import Tampered


def check_current(secrets: Secrets, secret: str, region: str, current: Stored, length: Callable[[Stored], int]) -> bool:
    """Whether the current version is not older than the previous one; False if it was replaced meanwhile.

    Args:
        secrets: reads them.
        secret: the secret's name.
        region: its region.
        current: what was read as the current version.
        length: how many audit entries a version knows of, which only grows; 0 for a version of another writer.

    Raises:
        Tampered: the previous version is a later one.
    """
    previous = secrets.read(secret, stage=PREVIOUS)
    if previous is None or length(previous) <= length(current):
        return True
    again = secrets.seen(lambda: secrets.read(secret), lambda found: found is None or found.version != current.version)
    if again is None or again.version != current.version:
        return False  # reads may lag behind another runner's write
    raise Tampered(
        f"an earlier version of the secret {secret} was put back: later changes are missing",
        hint=f"find who moved its label {CURRENT} in CloudTrail; `aws secretsmanager update-secret-version-stage "
        f"--region {region} --secret-id '{secret}' --version-stage {CURRENT} --move-to-version-id {previous.version} "
        f"--remove-from-version-id {current.version}` makes the latest version current again",
    )
