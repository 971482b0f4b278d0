"""What of a file's name decides how its content is read: the same content may be a secret under another name."""

import os
from collections.abc import Hashable

from tokenguard.detection.assignments import is_code, is_source_map
from tokenguard.detection.credential_files import is_credential_file
from tokenguard.detection.extras import is_of_ci
from tokenguard.detection.judging.file_kind import kind_of_place
from tokenguard.detection.pins import is_lock_file, is_of_materials
from tokenguard.detection.rules import is_ignored


def reading_by_name(path: str) -> Hashable:
    """Equal for names under which the same content has the same findings."""
    name = path.rsplit("/", 1)[-1]
    return (
        os.path.splitext(name)[1],  # noqa: PTH122 - as the rules ask
        kind_of_place(path),
        name if is_credential_file(path) else "",
        is_code(path),
        is_source_map(path),
        is_of_ci(path),
        is_lock_file(path),
        is_of_materials(path),
        is_ignored(path),
    )
