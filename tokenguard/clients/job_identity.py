"""The identity token that GitHub Actions gives a job: asked for anew with each login, since it lives for minutes."""

import re
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError, Unreachable
from tokenguard.http.address import Address
from tokenguard.http.answer import Failure
from tokenguard.http.client import Client, Credential, Network, Request
from tokenguard.ports.clock import Clock

_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]*)*", re.ASCII)
_JWT = re.compile(r"[A-Za-z0-9_-]{2,4096}\.[A-Za-z0-9_-]{2,16384}\.[A-Za-z0-9_-]{2,4096}", re.ASCII)
_WHERE = "ACTIONS_ID_TOKEN_REQUEST_URL"
_ATTEMPTS = 3
_PAUSE = 1.0
"""Seconds between two attempts."""


class GithubIdentity:
    """Calling it asks for a token that names the job to `audience`.

    Args:
        url: what the runner put into ACTIONS_ID_TOKEN_REQUEST_URL.
        credential: what it put into ACTIONS_ID_TOKEN_REQUEST_TOKEN.
        audience: whom the token is for.
        clock: what pauses are made with.
        network: proxy and CA bundle.

    Raises:
        InputError: the address is not one.
    """

    def __init__(self, url: str, credential: Secret, audience: str, clock: Clock, network: Network) -> None:
        base, self._query = _split(url)
        self._client = Client(base, clock, network)
        self._credential = credential
        self._audience = audience
        self._clock = clock

    def __call__(self) -> Secret:
        """A fresh token; Unreachable if none was given."""
        request = Request(
            query=(*self._query, ("audience", self._audience)), credential=Credential(secret=self._credential)
        )
        for attempt in range(_ATTEMPTS):
            answer = self._client.send(request)
            if not isinstance(answer, Failure):
                found = (answer.json_object() or {}).get("value") if answer.ok else None
                if isinstance(found, str) and _JWT.fullmatch(found):
                    return Secret(found)
                if answer.status // 100 != 5:  # noqa: PLR2004 - HTTP
                    break
            if attempt + 1 < _ATTEMPTS:
                self._clock.sleep(_PAUSE)
        raise Unreachable(
            "GitHub gave this job no identity token",
            hint="let the job have `permissions: id-token: write`; a pull request from a fork never has it",
        )


def _split(url: str) -> tuple[Address, tuple[tuple[str, str], ...]]:
    """Where to ask, and with which query. The runner's paths may hold empty segments, which ours never do."""
    try:
        parts = urlsplit(url)
        base = Address.parse(f"{parts.scheme}://{parts.netloc}", what=_WHERE)
        query = tuple(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)) if parts.query else ()
    except ValueError:
        raise InputError(f"{_WHERE} is not an address", hint="only the runner itself sets it") from None
    if not _PATH.fullmatch(parts.path) or ".." in parts.path.split("/") or any(name == "audience" for name, _ in query):
        raise InputError(f"{_WHERE} is not an address", hint="only the runner itself sets it")
    return replace(base, path=parts.path.rstrip("/")), query
