"""Checks a route of `[notify.routes]`: one receiver, with all that its kind needs, and no key without a meaning."""

import re

from tokenguard.errors import InputError
from tokenguard.frozen import field_names
from tokenguard.http.address import Address
from tokenguard.notifications.notification import NotificationKind
from tokenguard.settings import RouteConfig

SMTP_TLS = {"starttls": 587, "tls": 465, "none": 25}
"""How mail is encrypted on its way to the server, with the usual port."""
_RECEIVERS = {
    "webhook": (("secret",), ("secret",)),
    "smtp": (("sender", "to"), ("sender", "to", "user", "secret", "tls")),
    "chat": ((), ()),
}
"""What names a receiver, with the keys that it needs and those that it may have."""
_FOR_ALL = frozenset({"owners", "severity", "events", "per_hour"})
_MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?", re.ASCII)
_MOST_ADDRESSES = 50
_MOST_PER_HOUR = 1_000
_SEVERITIES = ("error", "warning", "note")


def route_problem(name: str, found: RouteConfig) -> tuple[str, str] | None:
    """What is wrong with a route, and a hint; None if nothing is. InputError for an address that is not usable."""
    table = f"[notify.routes.{name}]"
    receivers = [each for each in _RECEIVERS if getattr(found, each)]
    if len(receivers) != 1:
        return f"{table} names {'no receiver' if not receivers else 'several receivers'}", "give webhook, smtp or chat"
    (receiver,) = receivers
    needed, allowed = _RECEIVERS[receiver]
    if missing := [each for each in needed if not getattr(found, each)]:
        return f"{missing[0]} of {table} is missing", f"{receiver} needs {' and '.join(needed)}"
    defaults = RouteConfig()
    for each in field_names(RouteConfig):
        if each not in {receiver, *allowed, *_FOR_ALL} and getattr(found, each) != getattr(defaults, each):
            return (
                f"{each} of {table} does not apply to this kind of route",
                f"{receiver} takes {', '.join(allowed) or 'nothing else'}",
            )
    return _filters(table, found) or {"webhook": _webhook, "smtp": _smtp, "chat": _chat}[receiver](table, found)


def _filters(table: str, found: RouteConfig) -> tuple[str, str] | None:
    if found.severity not in _SEVERITIES:
        return f"severity of {table} is unknown", f"use {', '.join(_SEVERITIES)}"
    if set(found.events) - {str(each) for each in NotificationKind}:
        kinds = ", ".join(each for each in NotificationKind if each is not NotificationKind.TEST)
        return f"events of {table} contains an unknown event", f"use {kinds}"
    if not 1 <= found.per_hour <= _MOST_PER_HOUR:
        return f"per_hour of {table} is out of range", f"between 1 and {_MOST_PER_HOUR:,}"
    return None


def _webhook(table: str, found: RouteConfig) -> None:
    if not found.webhook.startswith("env:"):
        Address.parse(found.webhook, what=f"webhook of {table}")


def _smtp(table: str, found: RouteConfig) -> tuple[str, str] | None:
    if found.tls not in SMTP_TLS:
        return f"tls of {table} is unknown", f"use {', '.join(SMTP_TLS)}"
    server = smtp_server(found, table)
    if found.tls == "none" and not server.loopback:
        return f"tls of {table} is none", "mail without encryption is for a server on this machine only"
    if bool(found.user) != bool(found.secret):
        return f"user or secret of {table} is missing", "a login needs both"
    if found.tls == "none" and found.secret:
        return f"{table} would send a password without encryption", "use starttls or tls"
    if len(found.to) > _MOST_ADDRESSES or not all(_MAIL.fullmatch(each) for each in (found.sender, *found.to)):
        return f"sender or to of {table} is not an address", "write user@example.org; at most 50 in to"
    return None


def _chat(table: str, found: RouteConfig) -> tuple[str, str] | None:
    if not found.chat.startswith(("env:", "file:")):
        return f"chat of {table} is not a reference", 'its address holds a token: use "env:VARIABLE" or "file:PATH"'
    return None


def smtp_server(found: RouteConfig, table: str) -> Address:
    """Host and port of the mail server; InputError if they are not ones."""
    port = "" if re.search(r":[0-9]+\Z", found.smtp) else f":{SMTP_TLS[found.tls]}"
    no_server = InputError(f"smtp of {table} is not a server", hint="write HOST or HOST:PORT")
    try:
        address = Address.parse(f"https://{found.smtp}{port}", what="a mail server")
    except InputError:
        raise no_server from None  # its hint is about addresses of the web
    if address.path or "/" in found.smtp:
        raise no_server
    return address
