"""A secret of GitHub Actions, of a repository or of one of its environments.

GitHub takes values in a sealed box under the repository's own key and never gives one back. That ours is the last one
written is known by the time of its last change, which we note right after our own write; a later process cannot know.
Source: GitHub's REST API, "Actions secrets", version 2022-11-28.
"""

import base64
from http import HTTPStatus

from tokenguard.delivery.hosts import Host, Hosts
from tokenguard.delivery.payload import one_text
from tokenguard.delivery.targets import parse_target
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Consumer
from tokenguard.errors import InputError
from tokenguard.http.answer import Answer
from tokenguard.http.client import Request
from tokenguard.ports.delivery import ConsumerVerdict

VENDOR = "api.github.com"
_HEADERS = (("X-GitHub-Api-Version", "2022-11-28"),)
_WRITTEN = (HTTPStatus.CREATED, HTTPStatus.NO_CONTENT)


class GithubDelivery:
    """Implements `ports.delivery.Delivery` for `github:[//HOST/]OWNER/REPOSITORY[@ENVIRONMENT]#NAME`."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts
        self._written: dict[str, tuple[bytes, str]] = {}
        """By target: what we wrote last (its digest), and GitHub's time of the change."""

    def check(self, consumer: Consumer) -> None:
        """Ask for the key that values are sealed under: the same permission is needed to write."""
        host, secrets, _ = self._place(consumer)
        _, key = _public_key(host, secrets)
        _sealed("", key)

    def push(self, consumer: Consumer, value: Value) -> None:
        """Seal the value and put it; a key that was replaced in between is asked for again."""
        text = one_text(value)
        host, secrets, name = self._place(consumer)
        self._written.pop(consumer.target, None)
        for last in (False, True):
            key_id, key = _public_key(host, secrets)
            body = {"encrypted_value": _sealed(text, key), "key_id": key_id}
            expected = _WRITTEN if last else (*_WRITTEN, HTTPStatus.UNPROCESSABLE_ENTITY)
            request = Request(method="PUT", path=(*secrets, name), body=body, headers=_HEADERS)
            if host.ask(request, expected=expected).status in _WRITTEN:
                break
        changed = _changed(host, secrets, name)
        if changed is not None:
            self._written[consumer.target] = (value.digest(), changed)

    def verify(self, consumer: Consumer, value: Value) -> ConsumerVerdict:
        """THIS only for a value that this process wrote and that was not changed since."""
        host, secrets, name = self._place(consumer)
        changed = _changed(host, secrets, name)
        if changed is None:
            return ConsumerVerdict.DIFFERENT
        digest, at = self._written.get(consumer.target, (b"", ""))
        if not digest:
            return ConsumerVerdict.UNKNOWN
        return ConsumerVerdict.EXPECTED if (digest, at) == (value.digest(), changed) else ConsumerVerdict.DIFFERENT

    def _place(self, consumer: Consumer) -> tuple[Host, tuple[str, ...], str]:
        target = parse_target(consumer)
        parts = target.parts
        repository = ("repos", parts["owner"], parts["repo"])
        environment = parts.get("environment")
        secrets = ("environments", environment, "secrets") if environment else ("actions", "secrets")
        host = self._hosts.at(target.host, subject=consumer, path="" if target.host == VENDOR else "/api/v3")
        return host, (*repository, *secrets), parts["name"]


def _public_key(host: Host, secrets: tuple[str, ...]) -> tuple[str, bytes]:
    found = host.ask(Request(path=(*secrets, "public-key"), headers=_HEADERS)).json_object() or {}
    key_id, text = found.get("key_id"), found.get("key")
    try:
        key = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except ValueError:
        key = b""
    if not isinstance(key_id, str) or len(key) != 32:  # noqa: PLR2004 - bytes of a Curve25519 key
        raise host.undocumented()
    return key_id, key


def _sealed(text: str, key: bytes) -> str:
    try:
        from nacl.public import PublicKey, SealedBox  # only who delivers to GitHub needs it
    except ImportError:
        raise InputError(
            "delivering to GitHub needs PyNaCl, which is not installed", hint="pip install PyNaCl, where tokenguard is"
        ) from None
    return base64.b64encode(SealedBox(PublicKey(key)).encrypt(text.encode())).decode()


def _changed(host: Host, secrets: tuple[str, ...], name: str) -> str | None:
    """GitHub's time of the secret's last change; None if there is no such secret."""
    request = Request(path=(*secrets, name), headers=_HEADERS)
    answer: Answer = host.ask(request, expected=(HTTPStatus.OK, HTTPStatus.NOT_FOUND))
    if answer.status == HTTPStatus.NOT_FOUND:
        return None
    changed = (answer.json_object() or {}).get("updated_at")
    if not isinstance(changed, str) or not changed:
        raise host.undocumented()
    return changed
