"""The e-mail channel: one plain-text message, over TLS, through the mail server of the runner's configuration."""

import smtplib
import socket
import ssl
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from email.policy import default
from email.utils import format_datetime
from enum import StrEnum, unique
from pathlib import Path

from tokenguard.domain.secret import Secret
from tokenguard.frozen import Frozen
from tokenguard.http import tls
from tokenguard.notifications.message import NotificationMessage
from tokenguard.notifications.outbox import SendResult
from tokenguard.ports.clock import Clock
from tokenguard.waiting import DeadlineExceeded, run_with_deadline

_DEADLINE = 30.0
"""Seconds for the whole conversation: timeouts of sockets count per read, and a server may speak byte by byte."""


@unique
class MailTls(StrEnum):
    """How the connection is encrypted."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"
    """Only for a server on this machine."""


_ASCII = default.clone(cte_type="7bit")
"""Every server takes it; one without 8BITMIME may refuse other bytes (RFC 6152)."""


class MailServer(Frozen, frozen=True, kw_only=True):
    """Where mail is handed over, and as whom."""

    host: str
    port: int
    tls: MailTls
    user: str = ""
    password: Secret | None = None
    ca_bundle: Path | None = None


class MailChannel:
    """Sends to some addresses.

    Args:
        server: the mail server.
        sender: the address that messages come from.
        to: the addresses that they go to; one that the server refuses for ever does not hold up the others.
        clock: for the date.
        deadline: seconds for one message.
    """

    def __init__(
        self, server: MailServer, sender: str, to: tuple[str, ...], clock: Clock, *, deadline: float = _DEADLINE
    ) -> None:
        self._server = server
        self._sender = sender
        self._to = to
        self._clock = clock
        self._deadline = deadline
        self._context = None if server.tls is MailTls.NONE else tls.context(server.ca_bundle)

    def send(self, message: NotificationMessage) -> SendResult:
        """Hand it over once."""
        made, taken, reason = self._mail(message), list[_Refused](), ""
        try:
            run_with_deadline(lambda: self._converse(made, taken.append), self._deadline)
        except DeadlineExceeded:
            reason = "timeout"
        except (smtplib.SMTPException, OSError, ValueError) as error:
            reason = _reason(error)
        for refused in taken:
            reason = _later(refused)
        missed = "some-recipients-refused" if any(taken) else ""
        return SendResult(ids=message.ids, reason=reason, missed=missed)

    def _converse(self, made: EmailMessage, taken: Callable[["_Refused"], None]) -> None:
        """Hand it over; `taken` once the server has it, however the connection ends (RFC 5321, 4.1.1.4)."""
        server = self._server
        with self._connected() as connection:
            if server.tls is MailTls.STARTTLS:
                connection.starttls(context=self._context)
            if server.password is not None:
                connection.ehlo_or_helo_if_needed()
                if not connection.has_extn("auth"):
                    raise _NoLoginError
                connection.login(server.user, server.password.reveal())
            taken(connection.send_message(made))

    def _connected(self) -> smtplib.SMTP:
        server, name = self._server, socket.gethostname()  # named: it would look up its own address otherwise
        if server.tls is MailTls.TLS:
            return smtplib.SMTP_SSL(server.host, server.port, name, timeout=self._deadline, context=self._context)
        return smtplib.SMTP(server.host, server.port, name, timeout=self._deadline)

    def _mail(self, message: NotificationMessage) -> EmailMessage:
        made = EmailMessage(policy=_ASCII)
        made["Subject"] = message.subject
        made["From"] = self._sender
        made["To"] = ", ".join(self._to)
        made["Date"] = format_datetime(self._clock.now())
        made["Message-ID"] = f"<{message.digest_id}@tokenguard.invalid>"
        made["Auto-Submitted"] = "auto-generated"
        made.set_content(message.text)
        return made


_FOR_EVER = 500
"""From here on an answer is a permanent refusal."""
_Refused = Mapping[str, tuple[int, bytes]]
"""Addresses with the server's answers."""


class _NoLoginError(smtplib.SMTPException):
    """The server takes no login."""


_WORDS: Mapping[type[Exception], str] = {
    smtplib.SMTPServerDisconnected: "disconnected",
    _NoLoginError: "no-login",
    smtplib.SMTPNotSupportedError: "no-starttls",
    ssl.SSLError: "tls",
    TimeoutError: "timeout",
}


def _later(refused: _Refused) -> str:
    """The reason to try again: an address is refused for now only (a 4yz answer; RFC 5321, 4.2.1)."""
    return next((f"smtp-{code}" for code, _ in refused.values() if code < _FOR_EVER), "")


def _reason(error: Exception) -> str:
    """A closed list of words: what a server says is never quoted."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _later(error.recipients) or "recipients-refused"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"smtp-{error.smtp_code}"
    return next((word for kind, word in _WORDS.items() if isinstance(error, kind)), "connect")
