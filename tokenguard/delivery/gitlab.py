"""A CI/CD variable of a GitLab project: created masked, protected and literal, kept masked, read back.

Source: GitLab's REST API, "Project-level CI/CD variables", and its rules for masking.
"""

from http import HTTPStatus

from tokenguard.delivery.hosts import Host, Hosts
from tokenguard.delivery.payload import one_text
from tokenguard.delivery.targets import RemoteTarget, parse_target
from tokenguard.documents import JsonTree
from tokenguard.domain.secret import Secret, Value
from tokenguard.domain.token import Consumer
from tokenguard.errors import InputError
from tokenguard.http.client import Request
from tokenguard.ports.delivery import ConsumerVerdict


class GitlabDelivery:
    """Implements `ports.delivery.Delivery` for `gitlab:[//HOST/]GROUP/PROJECT#KEY[@ENVIRONMENT]`."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts

    def check(self, consumer: Consumer) -> None:
        """Look at the variable, or at the project it would be made in; a hidden one could never be verified."""
        host, target = self._place(consumer)
        found = self._find(host, target)
        if found is None:
            host.ask(Request(path=_variables(target), query=(("per_page", "1"), ("page", "1"))))
        elif found.get("hidden") is True:
            raise InputError(
                f"{consumer} is hidden: GitLab never shows its value, so it cannot be verified",
                hint="replace it by a variable that is masked and protected, or confirm it as person:TEXT",
            )

    def push(self, consumer: Consumer, value: Value) -> None:
        """Create the variable, literal so that GitLab expands no `$` in it; or change its value, and have it masked.

        Everything else of a variable that is there stays: who made it decided that.
        """
        text = one_text(value)
        host, target = self._place(consumer)
        common: dict[str, JsonTree] = {"value": text, "masked": True}
        found = self._find(host, target)
        if found is not None:
            if found.get("raw") is False and "$" in text:
                raise InputError(
                    f"GitLab would expand a part of the value, because {consumer} expands references",
                    hint="in GitLab, clear `Expand variable reference` of that variable; then run this again",
                )
            host.ask(
                Request(
                    method="PUT",
                    path=(*_variables(target), target.parts["name"]),
                    query=_scope(target),
                    body=common,
                )
            )
            return
        fresh = {"key": target.parts["name"], "protected": True, "raw": True, "variable_type": "env_var"}
        scope = {"environment_scope": target.parts["scope"]} if "scope" in target.parts else {}
        host.ask(
            Request(method="POST", path=_variables(target), body=common | fresh | scope), expected=(HTTPStatus.CREATED,)
        )

    def verify(self, consumer: Consumer, value: Value) -> ConsumerVerdict:
        """Read it back."""
        found = self._find(*self._place(consumer))
        text = found.get("value") if found is not None else ""
        if not isinstance(text, str):
            return ConsumerVerdict.UNKNOWN
        return ConsumerVerdict.EXPECTED if Secret(text) == value.token else ConsumerVerdict.DIFFERENT

    def _place(self, consumer: Consumer) -> tuple[Host, RemoteTarget]:
        target = parse_target(consumer)
        return self._hosts.at(target.host, subject=consumer, path="/api/v4"), target

    @staticmethod
    def _find(host: Host, target: RemoteTarget) -> dict[str, JsonTree] | None:
        answer = host.ask(
            Request(path=(*_variables(target), target.parts["name"]), query=_scope(target)),
            expected=(HTTPStatus.OK, HTTPStatus.NOT_FOUND),
        )
        return None if answer.status == HTTPStatus.NOT_FOUND else answer.json_object() or {}


def _variables(target: RemoteTarget) -> tuple[str, ...]:
    return ("projects", target.parts["project"], "variables")


def _scope(target: RemoteTarget) -> tuple[tuple[str, str], ...]:
    return (("filter[environment_scope]", target.parts.get("scope", "*")),)
