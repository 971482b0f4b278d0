"""Who acts on an embedded store: the login the system knows, the host, and the CI run that says it is one."""

import os
import pwd
import re

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
    """`user:LOGIN` from the system's own list, not from the environment; the CI run is only what the CI says."""
    try:
        login = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        login = str(os.geteuid())
    return Actor(id=f"user:{_plain(login)}", host=_plain(os.uname().nodename), ci_run=_ci_run())


def _ci_run() -> str:
    for system, variable in _CI_RUNS.items():
        if run := os.environ.get(variable):
            return f"{system}:{_plain(run)}"
    return ""


def _plain(text: str) -> str:
    return _UNEXPECTED.sub("_", text)[:_LONGEST]
