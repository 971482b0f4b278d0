"""Rules about files with values: not tracked by git, and private."""

from tokenguard.policy.repository_answer import (
    RepositoryAnswer,
    RepositoryNotEvaluable,
    RepositoryQuestion,
    RepositoryViolation,
)
from tokenguard.policy.repository_names import VENDOR_CREDENTIALS, is_env_file, is_secret_file

_OTHERS = 0o077
_ENCRYPTED = ("sops_version=", "sops_mac=")
_VENDORS = frozenset(f"~/{path}" for path in VENDOR_CREDENTIALS)


def env_tracked(question: RepositoryQuestion) -> RepositoryAnswer:
    """`env-file-tracked`: what git has once, every clone has for ever."""
    for file in question.view:
        if file.tracked and is_env_file(file.path) and not any(mark in file.text for mark in _ENCRYPTED):
            yield RepositoryViolation(file.path, 0, "git tracks this file of environment variables")


def env_ignored(question: RepositoryQuestion) -> RepositoryAnswer:
    """`env-file-ignored`: the file that is not there yet is committed by the first `git add .`."""
    if not question.view.with_git:
        yield RepositoryNotEvaluable(".env", "this is not a git repository")
    for path in question.view.not_ignored:
        yield RepositoryViolation(path, 0, "no .gitignore keeps this file out of the repository")


def secret_modes(question: RepositoryQuestion) -> RepositoryAnswer:
    """`secret-file-mode`: a file of values is its owner's alone."""
    for file in question.view:
        if file.path.startswith("~/") or not is_secret_file(file.path):
            continue
        values = is_env_file(file.path) or not file.tracked  # git gives every tracked file its own mode
        if values and file.mode & _OTHERS:
            yield RepositoryViolation(file.path, 0, f"other users can access it (mode {file.mode:o})")


def vendor_credentials(question: RepositoryQuestion) -> RepositoryAnswer:
    """`vendor-credentials-mode`: what a vendor's own program keeps is a credential like any other."""
    for file in question.view:
        if file.path in _VENDORS and file.mode & _OTHERS:
            yield RepositoryViolation(file.path, 0, f"other users can access the login in it (mode {file.mode:o})")
