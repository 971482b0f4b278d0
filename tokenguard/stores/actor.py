"""Identifies the actor on an embedded store: system login, host and CI run."""

import os
import pwd
import re
from functools import cache

from tokenguard.domain.event import Actor

_CI_RUNS = {
    "github": "GITHUB_RUN_ID",
    "gitlab": "CI_JOB_ID",
    "buildkite": "BUILDKITE_BUILD_ID",
    "circleci": "CIRCLE_WORKFLOW_JOB_ID",
    "azure": "BUILD_BUILDID",
    "jenkins": "BUILD_TAG",
}
_UNEXPECTED = re.compile(r"[^A-Za-z0-9._-]", re.ASCII)
_LONGEST = 100


def current_actor() -> Actor:
    """Return the actor: `user:LOGIN` from the system's user database, and the CI run that the environment names."""
    return Actor(id=f"user:{_login(os.geteuid())}", host=_plain(os.uname().nodename), ci_run=_ci_run())


@cache
def _login(user: int) -> str:
    """The system reads its user database anew for each call."""
    try:
        return _plain(pwd.getpwuid(user).pw_name)
    except KeyError:
        return str(user)


def _ci_run() -> str:
    for system, variable in _CI_RUNS.items():
        if run := os.environ.get(variable):
            return f"{system}:{_plain(run)}"
    return ""


def _plain(text: str) -> str:
    return _UNEXPECTED.sub("_", text)[:_LONGEST]
