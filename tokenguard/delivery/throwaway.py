"""Files that end with the job that writes them: on hosted runners of a CI, and in any runner's working directories."""

import os
from collections.abc import Mapping
from pathlib import Path

from tokenguard.errors import InputError
from tokenguard.files import shown

_HOSTED = {
    "GITHUB_ACTIONS": "GitHub Actions", "GITLAB_CI": "GitLab", "CIRCLECI": "CircleCI", "TF_BUILD": "Azure Pipelines",
    "BITBUCKET_BUILD_NUMBER": "Bitbucket Pipelines", "TRAVIS": "Travis CI", "CODEBUILD_BUILD_ID": "AWS CodeBuild",
    "APPVEYOR": "AppVeyor", "CIRRUS_CI": "Cirrus CI", "DRONE": "Drone", "SEMAPHORE": "Semaphore",
}  # fmt: skip
"""What each sets in every job."""
_OFF = frozenset({"", "0", "false"})
_DIRECTORIES = (
    "RUNNER_TEMP", "RUNNER_WORKSPACE", "RUNNER_TOOL_CACHE", "GITHUB_WORKSPACE", "CI_PROJECT_DIR", "CI_BUILDS_DIR",
    "CIRCLE_WORKING_DIRECTORY", "PIPELINE_WORKSPACE", "AGENT_BUILDDIRECTORY", "AGENT_TEMPDIRECTORY",
    "BUILDKITE_BUILD_CHECKOUT_PATH", "BITBUCKET_CLONE_DIR", "TRAVIS_BUILD_DIR", "DRONE_WORKSPACE", "CODEBUILD_SRC_DIR",
)  # fmt: skip
"""Where a runner works; it empties these, on a machine of the team's own too."""
_OWN = "RUNNER_ENVIRONMENT", "CI_DISPOSABLE_ENVIRONMENT", "JENKINS_URL", "WORKSPACE"
VARIABLES = frozenset({*_HOSTED, *_DIRECTORIES, *_OWN})
"""Everything that is looked at: practice, whose consumer ends with it too, leaves them out."""
_HINT = (
    "use a target that the consumer reads (docs/deliveries.md lists the kinds), or run this on the consumer's machine"
)


def refuse_throwaway(path: Path, environ: Mapping[str, str]) -> None:
    """InputError if no consumer can read a file there once this job has ended."""
    system = _hosted(environ)
    if system:
        raise InputError(
            f"{shown(path)} is on a hosted runner of {system}, whose files are lost when this job ends", hint=_HINT
        )
    if any(path.is_relative_to(each) for each in _working_directories(environ)):
        raise InputError(f"{shown(path)} is in a working directory of this CI runner", hint=_HINT)


def is_throwaway(path: Path, environ: Mapping[str, str]) -> bool:
    """Whether a file there says nothing about what a consumer reads."""
    try:
        refuse_throwaway(path, environ)
    except InputError:
        return True
    return False


def _hosted(environ: Mapping[str, str]) -> str:
    """The CI whose hosted runner this is; empty on the team's own machines, as far as the CI tells them apart."""
    if environ.get("RUNNER_ENVIRONMENT") == "self-hosted":
        return ""
    if _is_set(environ, "GITLAB_CI") and not _is_set(environ, "CI_DISPOSABLE_ENVIRONMENT"):  # an executor on the host
        return ""
    return next((name for variable, name in _HOSTED.items() if _is_set(environ, variable)), "")


def _is_set(environ: Mapping[str, str], variable: str) -> bool:
    return environ.get(variable, "").lower() not in _OFF


def _working_directories(environ: Mapping[str, str]) -> list[Path]:
    names = [*_DIRECTORIES, *(["WORKSPACE"] if "JENKINS_URL" in environ else [])]
    given = [environ[name].replace("~", environ.get("HOME", "~"), 1) for name in names if environ.get(name)]
    found = [Path(os.path.realpath(each)) for each in given if each.startswith("/")]
    return [each for each in found if each != each.parent]
