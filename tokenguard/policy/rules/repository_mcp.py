"""The rule about MCP clients: a login that can be ended is offered, so no token belongs into their configuration."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from tokenguard.documents import JsonTree
from tokenguard.domain.callback_url import holds_secret
from tokenguard.frozen import Frozen
from tokenguard.policy.json_with_comments import line_of, read_json
from tokenguard.policy.repository_answer import (
    RepositoryAnswer,
    RepositoryNotEvaluable,
    RepositoryQuestion,
    RepositoryViolation,
)
from tokenguard.policy.repository_names import is_mcp_config

_SERVERS = frozenset({"mcpServers", "servers"})
_CREDENTIAL = re.compile(
    r"(?i)authorization|token|secret|passw(?:or)?d|api[_-]?key|access[_-]?key|credential|bearer|(?:^|[_-])key$"
)
_NOT_ONE = re.compile(r"(?i)(?:_|-)(?:file|path|url|uri|id|name|host|endpoint|type)$")
_REFERENCE = re.compile(r"\$\{[^}]*\}|\$\w+|%\w+%|\{\{[^}]*\}\}|<[^>]*>|\b(?:Bearer|Basic|Token)\b", re.IGNORECASE)
_IN_ARGUMENT = re.compile(r"(?:--?)?([A-Za-z][\w-]*)\s*[:=]\s*(\S.*)")


class _Credential(Frozen, frozen=True):
    path: tuple[str, ...]
    literal: bool


def static_tokens(question: RepositoryQuestion) -> RepositoryAnswer:
    """`mcp-static-token`: an assistant's configuration is copied and shown; OAuth leaves nothing in it."""
    offering = question.rule.words("oauth_hosts")
    for file in question.view:
        if not is_mcp_config(file.path):
            continue
        tree = read_json(file.text)
        if tree is None:
            yield RepositoryNotEvaluable(file.path, "a file of MCP servers cannot be read as JSON")
            continue
        for path, server in _servers(tree, ()):
            hosts = {host for host in offering if _leads_to(server, host)}
            for found in _credentials(server, path):
                line = line_of(file.text, found.path)
                if hosts:
                    yield RepositoryViolation(
                        file.path, line, f"a fixed token for {', '.join(sorted(hosts))}, which offers OAuth"
                    )
                elif found.literal:
                    yield RepositoryViolation(file.path, line, "an MCP server's token is here in plain text")


def _servers(tree: JsonTree, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], dict[str, JsonTree]]]:
    """Every mapping of a server, wherever the client keeps its list."""
    if not isinstance(tree, dict):
        return
    for key, node in tree.items():
        if key in _SERVERS and isinstance(node, dict):
            yield from (((*path, key, name), each) for name, each in node.items() if isinstance(each, dict))
        else:
            yield from _servers(node, (*path, key))


def _texts(node: JsonTree) -> list[str]:
    return [each for each in node if isinstance(each, str)] if isinstance(node, list) else []


def _leads_to(server: dict[str, JsonTree], host: str) -> bool:
    addresses = [each for each in server.values() if isinstance(each, str)] + _texts(server.get("args"))
    return any(_host(each) == host for each in addresses)


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _credentials(server: dict[str, JsonTree], path: tuple[str, ...]) -> Iterator[_Credential]:
    for part in ("headers", "env", "requestInit"):
        yield from _named(server.get(part), (*path, part))
    for key, value in server.items():
        if isinstance(value, str) and value.startswith(("http://", "https://")) and _in_url(value):
            yield _Credential((*path, key), literal=_is_literal(urlsplit(value).query or value))
    words = _texts(server.get("args"))
    for before, word in zip(["", *words], words, strict=False):
        pair = _IN_ARGUMENT.fullmatch(word)
        name, value = (pair[1], pair[2]) if pair else (before.lstrip("-") if before.startswith("-") else "", word)
        if name and _is_name(name) and not (before.startswith("-") and word.startswith("-") and not pair):
            yield _Credential((*path, "args", word), literal=_is_literal(value))


def _named(node: JsonTree, path: tuple[str, ...]) -> Iterator[_Credential]:
    if not isinstance(node, dict):
        return
    for name, value in node.items():
        if isinstance(value, dict):
            yield from _named(value, (*path, name))
        elif isinstance(value, str) and value and _is_name(name):
            yield _Credential((*path, name), literal=_is_literal(value))


def _is_name(name: str) -> bool:
    return _CREDENTIAL.search(name) is not None and _NOT_ONE.search(name) is None


def _is_literal(value: str) -> bool:
    """Whether something is left when references to variables are taken away."""
    return re.search(r"\w{4}", _REFERENCE.sub("", value)) is not None


def _in_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.password is not None or holds_secret(parts.query)
