"""Scan settings and policy for the hook; the configuration is read in full only if needed.

A repository has no say in this: it is the user's own configuration, which is never looked for in a working directory.
"""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tokenguard.files import expanded, read_limited
from tokenguard.places import config_dir

if TYPE_CHECKING:
    from tokenguard.policy.model import Policy
    from tokenguard.scanning.team_rules import TeamRules
    from tokenguard.settings import ScanConfig, Settings

_MAX_BYTES = 65_536


def user_scan_settings(environ: Mapping[str, str]) -> "ScanConfig | None":
    """`[scan]` of the configuration, None if there is none; InputError if the file is not acceptable."""
    settings = _settings_with(b"scan", environ)
    return settings.scan if settings is not None else None


def user_policy_file(environ: Mapping[str, str]) -> Path | None:
    """`[policy] file` of the configuration, if there is one; InputError as above."""
    settings = _settings_with(b"policy", environ)
    return settings.policy_file if settings is not None else None


def _settings_with(section: bytes, environ: Mapping[str, str]) -> "Settings | None":
    """The whole configuration, if it could say something of that section."""
    named = environ.get("TOKENGUARD_CONFIG", "")
    path = expanded(named) if named else config_dir() / "config.toml"
    try:
        if section not in read_limited(path, _MAX_BYTES):
            return None
    except OSError:
        if not named:
            return None
    from tokenguard.shell.configuration import load_settings  # most commits need none of it

    return load_settings("", environ)


def policy_of_scans(environ: Mapping[str, str]) -> "Callable[[], Policy]":
    """The policy that scans are held to, read when it is asked for the first time; InputError as above."""

    @cache
    def policy() -> "Policy":
        from tokenguard.shell.organisation_policy import policy_in_force  # most commits need none

        return policy_in_force(user_policy_file(environ))

    return policy


def team_rules(settings: "ScanConfig | None") -> "TeamRules | None":
    """The team's own plug-ins and filters, loaded; None if the user named none."""
    if settings is None or not (settings.detect_secrets_plugins or settings.detect_secrets_filters):
        return None
    from tokenguard.scanning.team_rules import TeamFiles, TeamRules  # few teams have any

    return TeamRules(TeamFiles(plugins=settings.detect_secrets_plugins, filters=settings.detect_secrets_filters))
