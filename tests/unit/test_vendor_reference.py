"""A provider file is compared with the examples of a reference page, and each way in which it may differ is told."""

import pytest

from tests.fakes.vendors.reference import Reference, differences
from tokenguard.providers.generic.loading import describe

PAGE = """\
```plaintext
GET keys/:team
```

| Name | Type |
|---|---|
| `state` | string |

```json
[{"id": 7, "title": "one", "used": null, "scopes": ["read"], "live": true}]
```

```plaintext
POST /keys/:team
```

| `title` | string |
| `scopes` | list |

```json
{"id": 7, "secret": "s3cr3t"}
```

```plaintext
PATCH /keys/:team/:key
```

| `title` | string |

```plaintext
DELETE /keys/:team/:key
```
"""
FILE = """\
name: acme
base_url: https://acme.example
scope_kind: team
create: {request: "POST /keys/{scope}", body: {title: "{label}", scopes: "{permissions}"}, value: /secret, id: /id}
list:
  request: GET /keys/{scope}
  query: {state: active}
  items: ""
  id: /id
  label: /title
  last_used: /used
  permissions: /scopes
  paging: link
  limit: per_page
  status: {field: /live, alive: ["true"], ended: ["false"]}
update: {request: "PATCH /keys/{scope}/{id}", body: {title: "{label}"}}
revoke: {request: "DELETE /keys/{scope}/{id}"}
"""


def found(tmp_path, old="", new=""):
    page = tmp_path / "acme.md"
    page.write_text(PAGE)
    assert old in FILE
    file = describe(FILE.replace(old, new, 1).encode() if old else FILE.encode(), source="acme")
    return [str(each) for each in differences(file, Reference(page))]


def test_a_file_that_agrees(tmp_path):
    assert found(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("value: /secret", "value: /token", "create: the example has no /token"),
        ('{title: "{label}", scopes', '{name: "{label}", scopes', "create: the page has no attribute name"),
        ("state: active", "status: active", "list: the page has no attribute status"),
        ("last_used: /used", "last_used: /used_at", "list: the example has no /0/used_at"),
        ("permissions: /scopes", "permissions: /rights", "list: the example has no /0/rights"),
        ("field: /live", "field: /active", "list: the example has no /0/active"),
        ("PATCH /keys/", "PATCH /key/", "update: the page has no PATCH /key/{scope}/{id}"),
        ('body: {title: "{label}"}}', 'body: {name: "{label}"}}', "update: the page has no attribute name"),
        ("DELETE /keys/{scope}/{id}", "DELETE /keys/{id}", "revoke: the page has no DELETE /keys/{id}"),
    ],
)
def test_each_difference_is_told(tmp_path, old, new, said):
    assert found(tmp_path, old, new) == [said]
