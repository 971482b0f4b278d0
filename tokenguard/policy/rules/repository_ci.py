"""Rules about CI files: no key that lives for ever where a short-lived one can be had, and no token in a log."""

import re
from collections.abc import Iterable, Iterator, Mapping

from tokenguard.policy.repository_answer import (
    RepositoryAnswer,
    RepositoryNotEvaluable,
    RepositoryQuestion,
    RepositoryViolation,
)
from tokenguard.policy.repository_names import is_ci_file
from tokenguard.policy.repository_view import RepositoryView
from tokenguard.policy.shell_lines import ShellCommand, pipelines
from tokenguard.policy.yaml_scalars import Path, Scalar, read_scalars

_Scalars = Mapping[Path, Scalar]
_UNREADABLE = "a CI file cannot be read as YAML"
_KEYS = {
    "AWS": {"aws_secret_access_key", "aws_access_key_id"},
    "Google Cloud": {"credentials_json", "google_credentials", "gcp_sa_key", "gcloud_service_key", "gcp_credentials"},
    "Azure": {"azure_credentials", "azure_client_secret", "arm_client_secret"},
    "Vault": {"vault_token", "bao_token", "vault_secret_id"},
    "PyPI": {"pypi_api_token", "pypi_token", "twine_password"},
}
_OF_KEY = {key: system for system, keys in _KEYS.items() for key in keys}
_OF_ACTION = {
    ("azure/login", "creds"): "Azure",
    ("hashicorp/vault-action", "token"): "Vault",
    ("hashicorp/vault-action", "secretid"): "Vault",
    ("pypa/gh-action-pypi-publish", "password"): "PyPI",
}
_FROM_SECRETS = re.compile(
    r"\$\{\{[^{}]{0,200}\bsecrets\s{0,9}(?:\.\s{0,9}|\[\s{0,9}['\"])([A-Za-z_]\w{0,99})[^{}]{0,200}\}\}"
)
_MADE_IN_THE_JOB = re.compile(r"\$\{\{\s*(?:steps|needs|inputs)\.|\$\(|`|\$\{?CI_JOB_")
_SCRIPTS = frozenset(
    {
        "run",
        "script",
        "before_script",
        "after_script",
        "command",
        "commands",
        "bash",
        "pwsh",
        "powershell",
        "inlinescript",
    }
)
_NAMED_SECRET = re.compile(
    r"\$(?:env:|\{(?!\{))?([A-Za-z_]{0,99}(?:TOKEN|SECRET|PASSW(?:OR)?D|API_?KEY|PRIVATE_KEY|ACCESS_KEY|CREDENTIAL)S?"
    r"(?:_[A-Z0-9_]{0,99})?[0-9]{0,9})"
    r"(?![A-Za-z0-9_]|:\+)"
)
_NOT_A_VALUE = re.compile(r"_(?:FILE|PATH|DIR|ID|NAME|URL|URI|HOST|TYPE|EXPIRY|TTL)$")
_VARIABLE = re.compile(r"\$(?:env:|\{(?!\{))?([A-Za-z_]\w*)(?!\w|:\+)")
_PRINTS = frozenset({"echo", "printf", "print", "write-host", "write-output", "write-information"})
_PASSES_ON = frozenset(
    {"base64", "tee", "cat", "rev", "xxd", "od", "hexdump", "sed", "tr", "fold", "cut", "head", "tail", "awk", "grep",
     "sort", "nl", "column"}
)  # fmt: skip
_TRACES = re.compile(r"^set\s+(?:-\w*x\w*|-o\s+xtrace)(?:\s|$)")
_TRACED_SHELL = re.compile(r"^(?:ba|z|da|k)?sh\s+-\w*x")
_LOUD_CURL = re.compile(r"\s(?:-\w*v\w*|--verbose|--trace(?:-ascii)?)(?=\s|$)")
_LINE_GOES_ON = re.compile(r"\\\n\s*")


def long_lived_keys(question: RepositoryQuestion) -> RepositoryAnswer:
    """`ci-long-lived-key`: what a CI system keeps for ever is stolen once; OIDC gives it a key for each run."""
    for path, scalars in _ci_files(question.view):
        if scalars is None:
            yield RepositoryNotEvaluable(path, _UNREADABLE)
            continue
        told = set[tuple[int, str]]()
        for line, system in _kept(scalars):
            if (line, system) not in told:
                told.add((line, system))
                yield RepositoryViolation(
                    path, line, f"a long-lived key of {system}, which issues short-lived ones through OIDC"
                )


def echoed_tokens(question: RepositoryQuestion) -> RepositoryAnswer:
    """`ci-token-echoed`: logs are read by more people than secrets, and masking misses every other spelling."""
    for path, scalars in _ci_files(question.view):
        if scalars is None:
            yield RepositoryNotEvaluable(path, _UNREADABLE)
            continue
        secret = _names_of_secrets(scalars)
        for scalar in scalars.values():
            if _is_script(scalar.path):
                yield from (RepositoryViolation(path, line, text) for line, text in _loud(scalar, secret))


def _ci_files(view: RepositoryView) -> Iterator[tuple[str, _Scalars | None]]:
    for file in view:
        if is_ci_file(file.path):
            yield file.path, read_scalars(file.text)


def _kept(scalars: _Scalars) -> Iterator[tuple[int, str]]:
    for path, scalar in scalars.items():
        if not scalar.text.strip():
            continue
        system = _system(scalars, path)
        if system and not _MADE_IN_THE_JOB.search(scalar.text):
            yield scalar.line, system
        for line, text in scalar.lines():
            for found in _FROM_SECRETS.finditer(text):
                if (named := _OF_KEY.get(found[1].lower())) is not None:
                    yield line, named


def _system(scalars: _Scalars, path: Path) -> str:
    key = str(path[-1]).lower().replace("-", "_") if path else ""
    uses = scalars.get((*path[:-2], "uses")) if len(path) > 1 and path[-2] == "with" else None
    action = uses.text.partition("@")[0].lower() if uses is not None else ""
    if action == "pypa/gh-action-pypi-publish" and any((*path[:-1], name) in scalars for name in _OTHER_INDEX):
        return ""
    return _OF_ACTION.get((action, key)) or _OF_KEY.get(key, "")


_OTHER_INDEX = ("repository-url", "repository_url")


def _is_script(path: Path) -> bool:
    named = [step for step in path if isinstance(step, str)]
    return bool(named) and named[-1].lower() in _SCRIPTS


def _names_of_secrets(scalars: _Scalars) -> frozenset[str]:
    """The variables that the file itself fills from the CI system's secrets."""
    return frozenset(str(path[-1]) for path, each in scalars.items() if path and _FROM_SECRETS.search(each.text))


def _loud(scalar: Scalar, secret: frozenset[str]) -> Iterator[tuple[int, str]]:
    traced = 0
    for line, text in _whole_lines(scalar):
        for pipeline in pipelines(text):
            first = pipeline[0]
            if _TRACES.match(first.text):
                traced = line
            elif traced and any(_shows(each, secret) for each in pipeline):
                yield traced, "the shell's tracing prints commands with a token in them"
                traced = 0
            reason = _printed(pipeline, secret)
            if reason:
                yield line, reason


def _whole_lines(scalar: Scalar) -> Iterable[tuple[int, str]]:
    """The lines of a script without comments, those that go on in the next one joined."""
    begun, waiting = 0, ""
    for line, text in scalar.lines():
        begun, waiting = (line, text) if not waiting else (begun, waiting + "\n" + text)
        if not text.endswith("\\"):
            if not waiting.lstrip().startswith("#"):
                yield begun, _LINE_GOES_ON.sub(" ", waiting)
            waiting = ""


def _printed(pipeline: list[ShellCommand], secret: frozenset[str]) -> str:
    first, last = pipeline[0], pipeline[-1]
    if any(each.writes_to_a_file for each in pipeline) or "::add-mask::" in first.text:
        return ""
    if first.text in {"env", "printenv", "export -p"} and secret and len(pipeline) == 1:
        return "it prints every variable, and some of them are tokens"
    if not any(_shows(each, secret) for each in pipeline):
        return ""
    if first.name.lower() in _PRINTS and (last is first or last.name in _PASSES_ON):
        return "it prints a token into the log" if last is first else "it prints a token into the log, encoded"
    if first.name == "curl" and _LOUD_CURL.search(first.text):
        return "curl prints its request with the token in it"
    return "the shell's tracing prints commands with a token in them" if _TRACED_SHELL.match(first.text) else ""


def _shows(command: ShellCommand, secret: frozenset[str]) -> bool:
    """Whether the value of a secret would be in the command's words."""
    if _FROM_SECRETS.search(command.text):  # the CI system fills it in before any shell sees a quote
        return True
    text = command.expanded
    named = any(not _NOT_A_VALUE.search(found[1]) for found in _NAMED_SECRET.finditer(text))
    return named or any(found[1] in secret for found in _VARIABLE.finditer(text))
