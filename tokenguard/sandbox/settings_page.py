"""The page where a person makes and revokes Descript-like tokens: `Settings > API tokens`, without JavaScript."""

import hmac
import secrets
from html import escape
from http import HTTPStatus
from urllib.parse import parse_qs

from tokenguard.sandbox.fault_settings import Operation
from tokenguard.sandbox.wire import Call, Reply, page
from tokenguard.sandbox.world import Issued, World

PATH = ("settings", "api-tokens")
_MAX_NAME = 100
_FORM = "application/x-www-form-urlencoded"

# `same-origin`, since under `no-referrer` browsers send `Origin: null` with the page's own forms
_HEADERS = (
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'"),
    ("Referrer-Policy", "same-origin"),
    ("X-Frame-Options", "DENY"),
    ("X-Content-Type-Options", "nosniff"),
)

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 52rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .5rem; border-bottom: 1px solid #8884 }
input, select, button { font: inherit; padding: .35rem .6rem; border: 1px solid #888; border-radius: .4rem }
button { cursor: pointer } form.create { display: flex; flex-wrap: wrap; gap: .8rem; align-items: end }
label { display: grid; gap: .2rem } .note { padding: .8rem; border: 1px solid #888; border-radius: .5rem }
.banner { background: #fc06; padding: .4rem .8rem; border-radius: .4rem } code { overflow-wrap: anywhere }
"""


class SettingsPage:
    """Renders the page and takes its forms. The caller has checked Host and Origin."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._csrf = secrets.token_urlsafe(24)

    def answer(self, call: Call) -> Reply | None:
        """One view or one form; None where a knob loses the reply after the effect."""
        self._world.count(f"{call.method} /settings/api-tokens")
        if call.method == "GET":
            return self._page()
        if call.method != "POST" or not call.headers.get("content-type", "").startswith(_FORM):
            return self._page("This page takes its own forms only.", HTTPStatus.METHOD_NOT_ALLOWED)
        fields = {name: found[-1] for name, found in parse_qs(call.body.decode("utf-8", "replace")).items()}
        if not hmac.compare_digest(fields.get("csrf", "").encode(), self._csrf.encode()):
            return self._page("The form was stale or not ours: nothing was changed.", HTTPStatus.FORBIDDEN)
        if "token_id" in fields:
            return self._revoke(fields["token_id"])
        return self._create(fields.get("name", "").strip(), fields.get("drive_id", ""))

    def _create(self, name: str, drive_id: str) -> Reply | None:
        if not 0 < len(name) <= _MAX_NAME or self._world.drive(drive_id) is None:
            return self._page("Give the token a name and choose a Drive.", HTTPStatus.BAD_REQUEST)
        token = self._world.create_token(name, drive_id)
        if self._world.knobs.drops(Operation.TOKEN_CREATE):
            return None
        shown = (
            f"<p><strong>{escape(name)}</strong> was created. Copy it now: it is shown only this once.</p>"
            f'<p><code id="new-token">{escape(token.secret.reveal())}</code></p>'
        )
        return self._page(shown=shown)

    def _revoke(self, token_id: str) -> Reply | None:
        if not self._world.revoke_token(token_id):
            return self._page("There is no such token.", HTTPStatus.NOT_FOUND)
        if self._world.knobs.drops(Operation.TOKEN_REVOKE):
            return None
        return self._page("The token was revoked.")

    def _page(self, message: str = "", status: int = HTTPStatus.OK, *, shown: str = "") -> Reply:
        told = shown or (f"<p>{escape(message)}</p>" if message else "")
        note = f'<div class="note" role="status">{told}</div>' if told else ""
        body = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>API tokens - Settings (sandbox)</title><style>{_STYLE}</style></head><body>
<p class="banner">Sandbox: nothing here is real, and all of it is gone when the sandbox stops.</p>
<h1>Settings &rsaquo; API tokens</h1>
{note}{self._form()}{self._table()}
</body></html>
"""
        return page(body, status, _HEADERS)

    def _form(self) -> str:
        options = "".join(
            f'<option value="{escape(drive.id)}">{escape(drive.name)}</option>' for drive in self._world.drives
        )
        return f"""<h2 id="create">Create token</h2>
<form class="create" method="post" aria-labelledby="create">{self._hidden()}
<label for="name">Name<input id="name" name="name" required maxlength="{_MAX_NAME}" autocomplete="off"></label>
<label for="drive_id">Drive<select id="drive_id" name="drive_id" required>{options}</select></label>
<button type="submit" id="create-token">Create token</button></form>
"""

    def _table(self) -> str:
        rows = "".join(map(self._row, self._world.tokens()))
        empty = "" if rows else "<p>There are no tokens yet.</p>"
        return f"""<h2 id="tokens">Your tokens</h2>
<table aria-labelledby="tokens"><thead><tr><th scope="col">Name</th><th scope="col">Drive</th>
<th scope="col">Created</th><th scope="col">Revoke</th></tr></thead><tbody>{rows}</tbody></table>{empty}
"""

    def _row(self, token: Issued) -> str:
        drive = self._world.drive(token.place)
        name = escape(token.name)
        return (
            f'<tr data-token-id="{escape(token.id)}"><td>{name}</td><td>{escape(drive.name if drive else "")}</td>'
            f"<td>{token.created_at:%Y-%m-%d %H:%M} UTC</td>"
            f'<td><form method="post">{self._hidden()}<input type="hidden" name="token_id" value="{escape(token.id)}">'
            f'<button type="submit" aria-label="Revoke {name}">Revoke</button></form></td></tr>'
        )

    def _hidden(self) -> str:
        return f'<input type="hidden" name="csrf" value="{escape(self._csrf)}">'
