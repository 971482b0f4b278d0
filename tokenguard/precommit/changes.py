"""Checks the changes of a commit against the rules about repositories.

The rules load only when a file of theirs is staged.
"""

import os
import sys
from pathlib import Path

from tokenguard.policy.repository_names import is_watched, may_hold_callback
from tokenguard.scanning.content import Blob


class StagedFiles:
    """Collects the few staged files that a rule asks about.

    Pre-signed URLs are not among them: the scan reports every staged one.
    """

    def __init__(self) -> None:
        self._contents: list[tuple[str, bytes]] = []

    def see(self, blob: Blob) -> None:
        """Take a staged file if a rule asks about it."""
        if is_watched(blob.path) or may_hold_callback(blob.data):
            self._contents.append((blob.path, blob.data))

    def violate(self) -> bool:
        """Print the violations; says whether one is grave enough to stop the commit.

        Raises:
            InputError: the repository's `.tokenguard.toml`, the configuration or its policy is not acceptable.
        """
        if not self._contents:
            return False
        from tokenguard.policy.repository_assessment import (  # few commits change such a file
            assess_repository,
        )
        from tokenguard.policy.repository_overrides import tightened
        from tokenguard.scanning.bundle import now_utc
        from tokenguard.scanning.git import Git
        from tokenguard.scanning.repository import view_of_changes
        from tokenguard.scanning.repository_settings import repository_settings
        from tokenguard.shell.organisation_policy import policy_in_force
        from tokenguard.shell.scan_settings import user_policy_file
        from tokenguard.text import safe_text

        asked = repository_settings(Git(Path()))
        policy = tightened(policy_in_force(user_policy_file(os.environ)), asked)
        found = assess_repository(policy, view_of_changes(self._contents), now_utc())
        for each in found.violations:
            line = f"{each.severity}: {each.place}: {each.rule}: {each.text}\n  fix: {each.fix}"
            sys.stdout.write(safe_text(line) + "\n")
        return bool(found.at_least(asked.failing()))
