"""A mail server on loopback (RFC 5321, RFC 3207, RFC 4954), which can speak late, refuse, or have no TLS."""

import base64
import contextlib
import socketserver
import ssl
import threading
import time
from email import message_from_bytes, policy
from typing import Self

import trustme


class MailSink:
    """Keeps what it takes. `late`: seconds before each byte of its greeting; `refuses`: a reply to a verb; `silent`: no reply to it.

    `mailboxes`: replies to single recipients; `logins_offered`: whether it has AUTH.
    """

    def __init__(
        self, *, implicit_tls: bool = False, starttls: bool = True, login: tuple[str, str] | None = None
    ) -> None:
        self.ca = trustme.CA()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert("localhost", "127.0.0.1").configure_cert(self.context)
        self.implicit_tls, self.starttls, self.login = implicit_tls, starttls, login
        self.late, self.refuses, self.silent = 0.0, {}, ""
        self.mailboxes, self.logins_offered = {}, True
        self.taken, self.data, self.encrypted, self.logins = [], [], [], []
        sink = self

        class Conversation(socketserver.BaseRequestHandler):
            def handle(self):
                with contextlib.suppress(OSError, ValueError), contextlib.ExitStack() as open_:
                    sink._converse(self.request, open_)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Conversation)
        self._server.daemon_threads = False

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()  # waits for the conversations

    def _converse(self, connection, open_: contextlib.ExitStack) -> None:
        secure = self.implicit_tls
        if secure:
            connection = open_.enter_context(self.context.wrap_socket(connection, server_side=True))
        for byte in b"220 localhost\r\n" if self.late else ():
            time.sleep(self.late)
            connection.sendall(bytes([byte]))
        if not self.late:
            connection.sendall(b"220 localhost\r\n")
        lines, data = open_.enter_context(connection.makefile("rb")), None
        while line := lines.readline():
            if data is not None:
                if line != b".\r\n":
                    data.append(line.removeprefix(b"."))
                    continue
                answer = self.refuses.get("DATA", b"250 ok")
                if not answer:  # it hangs up
                    return
                if answer.startswith(b"2"):
                    self.taken.append(message_from_bytes(b"".join(data), policy=policy.default))
                    self.encrypted.append(secure)
                    self.data.append(b"".join(data))
                data = None
            else:
                verb = line.split()[0].decode().upper()
                if verb == self.silent:
                    continue
                answer = self.refuses.get(verb) or self._answer(verb, line)
                if verb == "DATA":
                    data, answer = [], b"354 go on"
            connection.sendall(answer + b"\r\n")
            if answer.startswith(b"220 tls"):
                connection = open_.enter_context(self.context.wrap_socket(connection, server_side=True))
                secure, lines = True, open_.enter_context(connection.makefile("rb"))
            if answer.startswith(b"221"):
                return

    def _answer(self, verb: str, line: bytes) -> bytes:
        if verb == "EHLO":
            more = b"250-STARTTLS\r\n" if self.starttls and not self.implicit_tls else b""
            return b"250-localhost\r\n" + more + (b"250 AUTH PLAIN" if self.logins_offered else b"250 HELP")
        if verb == "RCPT":
            return self.mailboxes.get(line.partition(b"<")[2].partition(b">")[0].decode(), b"250 ok")
        if verb == "AUTH":
            _, user, password = base64.b64decode(line.split()[2]).decode().split("\0")
            self.logins.append(user)
            return b"235 ok" if (user, password) == self.login else b"535 no: tgcanary-said-by-the-server"
        return {"STARTTLS": b"220 tls", "QUIT": b"221 bye"}.get(verb, b"250 ok")
