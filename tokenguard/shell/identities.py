"""Logins without a stored secret: the identity that CI or a cluster gives a job, read or asked for anew."""

import re
from collections.abc import Callable, Mapping

from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError
from tokenguard.settings import Settings
from tokenguard.shell.credentials import read_credential

GITHUB = "github-oidc:"
"""A credential that is asked of GitHub's runner; the audience follows."""
_AUDIENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}", re.ASCII)
_URL, _TOKEN = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"


def credential(
    source: str, environ: Mapping[str, str], settings: Settings, *, table: str, own: bool
) -> Secret | Callable[[], Secret]:
    """What a table of the configuration says to log in with.

    Args:
        source: `env:VARIABLE`, `file:PATH`, or for a job's own identity `github-oidc:AUDIENCE`.
        environ: the process's environment.
        settings: proxy and CA bundle.
        table: for errors: `[vault]`.
        own: the login takes the job's own identity, which others may be able to read and which is renewed in its place.

    Raises:
        InputError: it names none of them, or what it names is not there.
    """
    if source.startswith(GITHUB):
        if not own:
            raise InputError(
                f"credential of {table} names an identity, which this login method does not use",
                hint='write auth = "jwt"',
            )
        return _of_github(source.removeprefix(GITHUB), environ, settings, table)
    first = read_credential(source, environ, table=table, private=not own)
    if not own or not source.startswith("file:"):
        return first
    return lambda: read_credential(source, environ, table=table, private=False)


def _of_github(audience: str, environ: Mapping[str, str], settings: Settings, table: str) -> Callable[[], Secret]:
    from tokenguard.clients.job_identity import GithubIdentity  # few runners are GitHub's
    from tokenguard.http.address import proxy_at
    from tokenguard.http.client import Network  # loads urllib3
    from tokenguard.http.system_clock import SystemClock

    if not _AUDIENCE.fullmatch(audience):
        raise InputError(f"credential of {table} names no audience", hint='write "github-oidc:AUDIENCE"')
    url, request = environ.get(_URL, ""), environ.get(_TOKEN, "")
    if not url or not request:
        raise InputError(
            "this job may not ask GitHub for its identity",
            hint="let the job have `permissions: id-token: write`; a pull request from a fork never has it",
        )
    return GithubIdentity(
        url,
        Secret(request),
        audience,
        SystemClock(),
        Network(proxy=proxy_at(settings.proxy), ca_bundle=settings.ca_bundle),
    )
