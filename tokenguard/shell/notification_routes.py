"""The routes of notifications by this runner's own configuration: who is told what, and how it is sent."""

from collections.abc import Mapping
from functools import partial

from tokenguard.errors import InputError
from tokenguard.http.address import Address, proxy_at
from tokenguard.http.client import Network
from tokenguard.notifications.routes import NotificationChannel, NotificationRoute
from tokenguard.policy.model import Severity
from tokenguard.ports.clock import Clock
from tokenguard.settings import RouteConfig, Settings
from tokenguard.shell.credentials import read_credential, text_or_variable
from tokenguard.shell.notify_settings import smtp_server

_SHORTEST_SECRET = 32
"""Characters."""


def configured_routes(settings: Settings, environ: Mapping[str, str], clock: Clock) -> tuple[NotificationRoute, ...]:
    """The routes of this runner; credentials are read when a route is opened."""
    routes = settings.notify.routes if settings.notify is not None else {}
    return tuple(
        NotificationRoute(
            name=name,
            owners=each.owners,
            severity=Severity(each.severity),
            events=each.events,
            per_hour=each.per_hour,
            grouped=not each.webhook,
            open=partial(_channel, f"[notify.routes.{name}]", each, settings, environ, clock),
        )
        for name, each in routes.items()
    )


def _channel(
    table: str, config: RouteConfig, settings: Settings, environ: Mapping[str, str], clock: Clock
) -> NotificationChannel:
    if config.smtp:
        return _mail(table, config, settings, environ, clock)
    if config.chat:
        from tokenguard.notifications.chat import ChatChannel  # loads what only chats need

        return ChatChannel(read_credential(config.chat, environ, table=table, what="chat"))
    from tokenguard.notifications.webhook import WebhookChannel  # loads the HTTP client

    url = text_or_variable(config.webhook, environ, what="webhook", table=table)
    secret = read_credential(config.secret, environ, table=table, what="secret")
    if len(secret) < _SHORTEST_SECRET:
        raise InputError(
            f"the secret of {table} is shorter than {_SHORTEST_SECRET} characters",
            hint="generate one with `openssl rand -hex 32`",
        )
    network = Network(proxy=proxy_at(settings.proxy), ca_bundle=settings.ca_bundle)
    return WebhookChannel(Address.parse(url, what=f"webhook of {table}"), secret, clock, network)


def _mail(
    table: str, config: RouteConfig, settings: Settings, environ: Mapping[str, str], clock: Clock
) -> NotificationChannel:
    from tokenguard.notifications.mail import MailChannel, MailServer, MailTls  # loads smtplib

    address = smtp_server(config, table)
    server = MailServer(
        host=address.host,
        port=address.port,
        tls=MailTls(config.tls),
        user=config.user,
        password=read_credential(config.secret, environ, table=table, what="secret") if config.secret else None,
        ca_bundle=settings.ca_bundle,
    )
    return MailChannel(server, config.sender, config.to, clock)
