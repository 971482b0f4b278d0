"""Manifests of Kubernetes Secrets and logins of registries are known by their content, in files of any name."""

import base64
import secrets

import pytest

from tests.fakes.possible_findings import may_hold_shapes
from tokenguard.detection.extras import scan_extras
from tokenguard.detection.secret_manifests import manifest_places

HEAD = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\n"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def found(text: str) -> list[tuple[str, int]]:
    return [(match.value.reveal(), match.line) for match in scan_extras(text, "app.yaml")]


@pytest.mark.parametrize(
    "form",
    [
        HEAD + "data:\n  extra: {}\n",
        HEAD + "data:\n  # of the team\n  extra: '{}'  # now\n",
        HEAD + 'data:\n  "extra": "{}"\n',
        HEAD + "data:\n  .dockercfg: |\n    {}\ntype: Opaque\n",
        HEAD + "data:\n  user: c3ZjMTIzNDU=\n  extra: >-\n    {}\n",
        'a: 1\n---\ndata:\n  extra: {}\nkind: "secret"\n',
    ],
)
def test_a_value_of_a_secret_is_found_whatever_its_name_is(form: str) -> None:
    value = encoded(f"svc:{secrets.token_hex(8)}")
    text = form.format(value)
    line = text[: text.index(value)].count("\n") + 1
    assert found(text) == [(value, line)]
    assert may_hold_shapes(text.encode(), "app.yaml")


def test_a_plain_value_of_a_secret_is_found() -> None:
    value = secrets.token_hex(12)
    assert found(f"{HEAD}stringData:\n  rcon: {value}\n  host: db.example.test\n") == [(value, 6)]


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "data:\n  extra: {{ .Values.password }}\n",
        HEAD + 'data:\n  extra: ""\n',
        HEAD + "data:\n  extra:\n",
        HEAD + f"data:\n  extra: {encoded('bar')}\n",
        HEAD + "data:\n  extra: not base64 at all\n",
        HEAD + f"data:\n  username: {encoded('administrator')}\n",
        HEAD + "stringData:\n  token: ${TOKEN_OF_APP}\n",
        HEAD + f"stringData:\nother:\n  extra: {encoded('svc:password')}\n",
        HEAD.replace("Secret", "ConfigMap") + f"data:\n  extra: {encoded('svc:password')}\n",
        HEAD + f"---\nkind: ConfigMap\ndata:\n  extra: {encoded('svc:password')}\n",
    ],
)
def test_references_short_values_and_other_kinds_are_none(text: str) -> None:
    assert list(manifest_places(text)) == []


@pytest.mark.parametrize("quote", ['"', '\\"', '\\\\\\"'])
def test_a_registrys_login_is_found_in_a_document_within_a_string(quote: str) -> None:
    value = encoded(f"svc:{secrets.token_hex(12)}")
    text = "{Qauths Q: {Qa.example.testQ: {QauthQ: QVALUEQ}}}".replace("Qauths Q", "QauthsQ")
    assert [text for text, _ in found(text.replace("Q", quote).replace("VALUE", value))] == [value]


def test_a_line_of_many_quotes_keeps_nothing_busy() -> None:
    list(manifest_places(HEAD + "data:\n" + '  a: "' * 20_000))
    list(manifest_places('"auths"' + '\\"auth\\"' * 20_000))
