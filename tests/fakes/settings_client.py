"""A person at the sandbox's settings page, as far as HTTP goes: read the form, send it, see what is shown."""

import html
import http.client
import re
from urllib.parse import urlencode, urlsplit


class SettingsClient:
    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host = parts.netloc
        self.path = parts.path

    def request(self, method: str, body: str = "", **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self.host, timeout=5)
        try:
            sent = {"Content-Type": "application/x-www-form-urlencoded"} if method == "POST" else {}
            connection.request(method, self.path, body.encode(), sent | headers)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def csrf(self) -> str:
        _, page = self.request("GET")
        return html.unescape(re.search(r'name="csrf" value="([^"]+)"', page)[1])

    def post(self, **fields: str) -> tuple[int, str]:
        return self.request("POST", urlencode({"csrf": self.csrf(), **fields}))

    def create(self, name: str, drive_id: str) -> str:
        status, page = self.post(name=name, drive_id=drive_id)
        assert status == 200
        return html.unescape(re.search(r'id="new-token">([^<]+)<', page)[1])

    def revoke(self, token_id: str) -> int:
        return self.post(token_id=token_id)[0]
