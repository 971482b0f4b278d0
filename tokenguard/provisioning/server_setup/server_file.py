"""Reads `server.yaml`: known keys with plain values, each error with its line and column; nothing is looked up."""

import re

from tokenguard.domain.field_address import parse_field
from tokenguard.errors import InputError
from tokenguard.mapping_reader import MappingReader
from tokenguard.provisioning.server_setup.declared import Jobs, Pods, ServerSetup
from tokenguard.text import safe_text

MAX_BYTES = 65_536
_HINT = "correct the file; nothing was done. docs/ci.md has a complete one"
_ID = re.compile(r"[1-9]\d{0,17}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}(?:/[A-Za-z0-9_.][A-Za-z0-9._-]{0,99}){1,9}", re.ASCII)
_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}", re.ASCII)
_WORKFLOW = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9._/-]{0,199}\.ya?ml", re.ASCII)
_ENVIRONMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}", re.ASCII)
_HTTPS = re.compile(
    r"https://[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?(?::\d{1,5})?(?:/[A-Za-z0-9._-]{1,100}){0,5}"
    r"|http://127\.0\.0\.1:\d{1,5}",  # an issuer on this machine, for practice
    re.ASCII,
)
_FILE = re.compile(r"(?:/[A-Za-z0-9_][A-Za-z0-9._-]{0,99}){1,12}", re.ASCII)
_SPACE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_PEM = re.compile(
    r"-----BEGIN CERTIFICATE-----\n(?:[A-Za-z0-9+/=]{1,76}\n){1,100}-----END CERTIFICATE-----\n?", re.ASCII
)
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
_KEY = re.compile(r"arn:aws(?:-[a-z]+)*:kms:[a-z0-9-]{1,30}:\d{12}:key/[A-Za-z0-9-]{1,100}", re.ASCII)
_SUBJECT = re.compile(r"ids|names")
"""What GitHub writes into a job's subject; names alone for older repositories (its changelog of 2026-04-23)."""
_ISSUERS = {"github": "https://token.actions.githubusercontent.com", "gitlab": "https://gitlab.com"}
_WORKFLOWS = {"github": ".github/workflows/tokens.yml", "gitlab": ".gitlab-ci.yml"}
_KEYS = ("version", "audience", *_ISSUERS, "kubernetes", "fields", "audit", "aws")
_POD_KEYS = ("host", "namespace", "service_account", "ca_certificate")
_AWS_KEYS = ("account", "kms_key", "github_subject", "github_owner_id")
_NUMBERS = {
    "github": ("repository", "repository_id", "gh api repos/OWNER/NAME --jq .id"),
    "gitlab": ("project", "project_id", "the project's page shows it"),
}


def read_setup(data: bytes, *, source: str) -> ServerSetup:
    """Read a file; InputError with file, line and column where it is not acceptable."""
    top = MappingReader.of_yaml(data, source=source, hint=_HINT, max_bytes=MAX_BYTES)
    top.version("version", "1", _KEYS)
    github = "github" in top
    setup = ServerSetup(
        audience=_text(top, "audience", _WORD, "tokenguard"),
        jobs=tuple(
            _jobs(jobs, system) for system in _ISSUERS if (jobs := top.within(system, _job_keys(system))) is not None
        ),
        pods=None if (pods := top.within("kubernetes", _POD_KEYS)) is None else _pods(pods),
        fields=tuple(_fields(top)) if "fields" in top else (),
        audit_file=_text(top, "audit", _FILE, ""),
        **({} if (aws := top.within("aws", _AWS_KEYS)) is None else _aws(aws, github=github)),
    )
    top.close()
    if not setup.jobs and setup.pods is None:
        raise InputError(f"{safe_text(source, one_line=True, limit=200)}: no login is declared", hint=_HINT)
    return setup


def _fields(top: MappingReader) -> list[str]:
    given = top.tree("fields")
    found = [each for each in given if isinstance(each, str)] if isinstance(given, list) else []
    if not found or not isinstance(given, list) or len(set(found)) != len(given):
        top.refuse("this must be a list of addresses, each once", "fields")
    for each in found:
        try:
            parse_field(each)
        except InputError:
            top.refuse("this must hold vault://MOUNT/PATH#FIELD or aws://REGION/NAME#FIELD", "fields")
    return found


def _job_keys(system: str) -> tuple[str, ...]:
    repository, number, _ = _NUMBERS[system]
    return ("issuer", repository, number, "workflow", "branch", "environments")


def _jobs(section: MappingReader, system: str) -> Jobs:
    repository, number, where = _NUMBERS[system]
    given = section.tree(number)
    if not isinstance(given, str) or not _ID.fullmatch(given):
        section.refuse(f"this must be the number of a {repository} ({where})", number)
    found = Jobs(
        system=system,
        issuer=_text(section, "issuer", _HTTPS, _ISSUERS[system]),
        repository=_text(section, repository, _NAME),
        number=given,
        workflow=_text(section, "workflow", _WORKFLOW, _WORKFLOWS[system]),
        branch=_text(section, "branch", _BRANCH, "main"),
        environments=tuple(_environments(section)),
    )
    section.close()
    return found


def _environments(section: MappingReader) -> list[str]:
    given = section.items("environments", least=1)
    found = [each for each in given if isinstance(each, str) and _ENVIRONMENT.fullmatch(each)]
    if len(found) != len(given) or len(set(found)) != len(found):
        section.refuse("this may hold only plain names, each once", "environments")
    return found


def _pods(section: MappingReader) -> Pods:
    found = Pods(
        host=_text(section, "host", _HTTPS, "https://kubernetes.default.svc"),
        namespace=_text(section, "namespace", _SPACE),
        account=_text(section, "service_account", _SPACE),
        certificate=_text(section, "ca_certificate", _PEM, ""),
    )
    section.close()
    return found


def _aws(section: MappingReader, *, github: bool) -> dict[str, str]:
    found = {
        "aws_account": _text(section, "account", _ACCOUNT),
        "kms_key": _text(section, "kms_key", _KEY, ""),
    }
    if github and _text(section, "github_subject", _SUBJECT, "ids") == "ids":
        given = section.tree("github_owner_id")
        if not isinstance(given, str) or not _ID.fullmatch(given):
            section.refuse(
                "github_owner_id must be the number of the repository's owner (gh api repos/OWNER/NAME --jq .owner.id)",
                "github_owner_id" if given is not None else "account",
            )
        found["github_owner"] = given
    section.close()
    return found


def _text(section: MappingReader, key: str, shape: re.Pattern[str], default: str | None = None) -> str:
    if default is not None and key not in section:
        return default
    given = section.tree(key)
    if not isinstance(given, str) or not shape.fullmatch(given) or ".." in given:
        section.refuse("this is missing" if given is None else "this is not valid", key)
    return given
