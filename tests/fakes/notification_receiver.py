"""A receiver of notifications as docs/notifications.md describes it, on a free port of this machine."""

import json
import secrets
from http.server import BaseHTTPRequestHandler

from tests.fakes.loopback import Loopback
from tokenguard.domain.secret import Secret
from tokenguard.webhooks import NotificationDeliveries, Refused

SECRET = f"tgcanary{secrets.token_hex(24)}"


class Receiver(Loopback):
    """Verifies with our own library, and remembers what it handled."""

    def __init__(self, clock):
        self.deliveries = NotificationDeliveries([Secret(SECRET)], clock=clock)
        self.handled, self.bodies, self.status = [], [], 204

    def handler(self):
        receiver = self

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.bodies.append(json.loads(body))
                status = receiver.status
                if status < 300:
                    try:
                        with receiver.deliveries.receive(self.headers.items(), body) as delivery:
                            receiver.handled.append(delivery)
                    except Refused as refused:
                        status = refused.status
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        return Answer

    @property
    def events(self):
        """Every event that was handled, also those of a digest."""
        found = []
        for each in self.handled:
            found += each.data.get("notifications", [each.data])
        return [(each["event"], each["token"]) for each in found]
