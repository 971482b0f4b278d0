"""A provider file that describes the sandbox's Autoposting-like vendor, for the generic provider."""

from pathlib import Path

SANDBOX_FILE = """\
name: acme
base_url: BASE
kind: api_key
scope_kind: org
auth: header X-Api-Key
probe:
  request: GET /auth/profile
  alive: ["200", "403"]
  scope: /data/orgId
  scope_name: /data/name
create:
  request: POST /api-keys
  body: {name: "{label}", scopes: "{permissions}"}
  value: /data/key
  id: /data/id
list:
  request: GET /api-keys
  items: /data
  id: /id
  label: /name
  hint: /keyHint
  created: /createdAt
  last_used: /lastUsedAt
  expires: /expiresAt
  paging: offset
  limit: limit
revoke:
  request: DELETE /api-keys/{id}
shape: {prefix: sk-social-, characters: letters, min: "32", max: "128"}
"""

GUIDED_FILE = """\
name: acme
base_url: BASE
scope_kind: drive
probe:
  request: GET /projects
  query: {limit: "1"}
guide:
  where: https://acme.example > Settings
  create:
    - create a token named {label} for {scope_name} ({scope}) with {permissions}
  revoke:
    - revoke {label} ({hint}) of {scope_name} ({scope})
"""

OAUTH_FILES = {
    login: f"""\
name: oauth
base_url: BASE
admin_auth: {{basic: "{{client_id}}:{{token}}"}}
probe: {{request: GET /userinfo}}
revoke_value: {{request: POST /oauth2/revoke, form: {{token: "{{token}}", token_type_hint: access_token{more}}}, auth: {login}}}
guide: {{where: https://oauth.example, create: [create a token]}}
"""
    for login, more in {
        "admin": "",
        "body": ", client_id: '{admin_client_id}', client_secret: '{admin_token}'",
        "none": "",
    }.items()
}
OAUTH_FILES["token"] = """\
name: oauth
base_url: BASE
probe: {request: GET /userinfo}
revoke_value: {request: POST /oauth2/revoke, auth: token}
guide: {where: https://oauth.example, create: [create a token]}
"""
"""Token revocation as RFC 7009 has it, with each way to authenticate a client, and by a request of the token itself."""

VERSIONED_FILE = """\
name: versioned
base_url: BASE
scope_kind: org
encoding: application/vnd.api+json
probe: {request: GET /self, query: {version: "2026-11-01"}}
create:
  request: POST /keys
  query: {version: "2026-11-01", org: "{scope}"}
  body: {data: {type: key, attributes: {name: "{label}", roles: "{permissions}"}}}
  value: /data/attributes/key
  id: /data/id
list:
  request: GET /keys
  query: {version: "2026-11-01", org: "{scope}"}
  items: /data
  id: /id
  label: /attributes/name
  permissions: /attributes/roles
  paging: link
  next: /links/next
update:
  request: PATCH /keys
  query: {version: "2026-11-01", org: "{scope}", key: "{id}"}
  body:
    - {op: replace, path: /name, value: "{label}"}
    - {op: replace, path: /roles, value: "{permissions}"}
replace:
  request: POST /keys/{id}/value
  query: {version: "2026-11-01"}
  body: {}
  value: /data/attributes/key
revoke: {request: DELETE /keys, query: {version: "2026-11-01", org: "{scope}", key: "{id}"}}
"""
"""Requests with parameters, some of which name the token; JSON of another media type; changes as JSON Patch has them."""


def provider_file(folder: Path, base_url: str, text: str = SANDBOX_FILE) -> Path:
    path = folder / "acme.yaml"
    path.write_text(text.replace("BASE", base_url))
    return path
