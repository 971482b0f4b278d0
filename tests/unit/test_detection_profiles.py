"""Profiles: the default leaves out pinned revisions and nothing else; `detect-secrets` is what detect-secrets reports."""

import base64
import math
import secrets
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.rules_oracle import oracle, ours
from tokenguard.detection.known_token_index import OwnTag
from tokenguard.detection.match import LeftOut, TextMatch
from tokenguard.detection.reporting import pinned
from tokenguard.detection.rules import scan_rules
from tokenguard.domain.finding import FindingKind
from tokenguard.domain.profile import Profile
from tokenguard.domain.secret import Secret
from tokenguard.scanning.bundle import Bundle, Publisher
from tokenguard.scanning.content import Blob
from tokenguard.scanning.scanner import Stages, scan


def random_base64(length: int) -> str:
    """Random bytes as text above the limit of entropy: one text in fifty of the shortest is below it."""
    while True:
        text = base64.b64encode(secrets.token_bytes(length)).decode()
        if -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values()) > _LIMIT:
            return text


_LIMIT = 4.5
_FORMS: dict[str, Callable[[], str]] = {
    "COMMIT": lambda: secrets.token_hex(20),
    "MD5": lambda: secrets.token_hex(16),
    "SHA256": lambda: secrets.token_hex(32),
    "SHA512": lambda: secrets.token_hex(64),
    "B256": lambda: random_base64(32),
    "B384": lambda: random_base64(48),
    "B512": lambda: random_base64(64),
    "KEY": lambda: random_base64(30),
}


def filled(text: str) -> str:
    """The text with a random value for each form that it names."""
    for name, make in _FORMS.items():
        while f"<{name}>" in text:
            text = text.replace(f"<{name}>", make(), 1)
    return text


PINNED = [
    (".pre-commit-config.yaml", "repos:\n  - repo: https://example.org/a/b\n    rev: <COMMIT>  # frozen: v1.2\n"),
    (".pre-commit-config.yaml", "repos:\n- rev: '<COMMIT>'\n  repo: x\n"),
    (".pre-commit-config.yaml", "repos: [{repo: x, rev: <COMMIT>}]\n"),
    (".github/workflows/a.yml", "jobs:\n  a:\n    steps:\n      - uses: actions/checkout@<COMMIT> # v4\n"),
    (".github/workflows/a.yml", "- uses: aws-actions/get-secret@<COMMIT> # v2\n"),
    (".gitlab-ci.yml", "include:\n  - project: a/b\n    ref: <COMMIT>\nimage: a/b@sha256:<SHA256>\n"),
    ("compose.yaml", "services:\n  a:\n    image: 'redis:7@sha256:<SHA256>'\n"),
    ("values.yaml", "image:\n  digest: sha256:<SHA256>\n"),
    ("values.yaml", "image: registry/secrets:1.0@sha256:<SHA256>\nsecret_image: a/b@sha256:<SHA256>\n"),
    ("Dockerfile", "FROM registry/secret:1@sha256:<SHA256>\n"),
    ("main.tf", 'secret_image = "a/b@sha256:<SHA256>"\n'),
    ("labels.yml", "org.opencontainers.image.revision: <COMMIT>\nvcs-ref: <COMMIT>\ngit_commit: <COMMIT>\n"),
    ("requirements.yml", "collections:\n- name: a.b\n  version: <COMMIT>\n"),
    ("requirements.txt", "a==1 \\\n    --hash=sha256:<SHA256> \\\n    --hash=sha256:<SHA256>\n"),
    ("package-lock.json", '{"resolved": "https://example.org/a.tgz",\n"integrity": "sha512-<B512>"}\n'),
    ("npm-shrinkwrap.json", '{"integrity": "sha512-<B512>"}\n'),
    ("yarn.lock", '  resolved "https://example.org/a.tgz#<COMMIT>"\n  integrity sha512-<B512>\n'),
    ("pnpm-lock.yaml", "packages:\n  /a@1:\n    resolution: {integrity: sha512-<B512>}\n"),
    ("sbom/syft.json", '"digests": [\n{"algorithm": "sha1",\n"value": "<COMMIT>"}],\n"parent": "d91fe3ae6bb15cad"\n'),
    ("docs/app.spdx.json", '"SPDXID": "SPDXRef-Package-java-archive-<COMMIT>"\n'),
    ("bom.json", '{"hashes": [{"alg": "SHA-256", "content": "<SHA256>"}]}\n'),
    ("app.cdx.json", '{"bom-ref": "pkg:npm/a@1?package-id=<COMMIT>", "content": "<MD5>"}\n'),
    ("bun.lock", '"a": ["a@1", "", {}, "sha512-<B512>"],\n'),
    ("deno.lock", '"remote": {"https://deno.land/a.ts": "<SHA256>"}\n'),
    ("poetry.lock", 'files = [{file = "a", hash = "sha256:<SHA256>"}]\ncontent-hash = "<SHA256>"\n'),
    ("uv.lock", 'sdist = { url = "https://example.org/a", hash = "sha256:<SHA256>", size = 1 }\n'),
    ("pdm.lock", 'content_hash = "sha256:<SHA256>"\n'),
    ("pylock.toml", 'wheels = [{ hashes = {sha256 = "<SHA256>"} }]\n'),
    ("Pipfile.lock", '"_meta": {"hash": {"sha256": "<SHA256>"}},\n"hashes": ["sha256:<SHA256>"]\n'),
    ("Cargo.lock", 'checksum = "<SHA256>"\nsource = "git+https://example.org/a?rev=<COMMIT>#<COMMIT>"\n'),
    ("Cargo.toml", 'a = { git = "https://example.org/a", rev = "<COMMIT>" }\n'),
    ("go.sum", "example.org/a v1.0.0 h1:<B256>\nexample.org/a v1.0.0/go.mod h1:<B256>\n"),
    ("Gopkg.lock", 'revision = "<COMMIT>"\n'),
    ("Gemfile.lock", "  revision: <COMMIT>\nCHECKSUMS\n  rake (13.0) sha256=<SHA256>\n"),
    ("composer.lock", '"reference": "<COMMIT>", "content-hash": "<MD5>"\n'),
    ("flake.lock", '"narHash": "sha256-<B256>",\n"rev": "<COMMIT>"\n'),
    ("default.nix", 'rev = "<COMMIT>";\nsha256 = "<SHA256>";\nhash = "sha256-<B256>";\n'),
    (".terraform.lock.hcl", 'hashes = [\n  "h1:<B256>",\n  "zh:<SHA256>",\n]\n'),
    ("Chart.lock", "digest: sha256:<SHA256>\n"),
    ("conda-lock.yml", "- hash:\n    md5: <MD5>\n    sha256: <SHA256>\n"),
    ("pubspec.lock", 'sha256: "<SHA256>"\nresolved-ref: "<COMMIT>"\n'),
    ("mix.lock", '"a": {:hex, :a, "1", "<SHA256>", [:mix], [], "hexpm", "<SHA256>"},\n'),
    ("Package.resolved", '"revision" : "<COMMIT>"\n'),
    ("gradle/verification-metadata.xml", '<sha256 value="<SHA256>" origin="x"/>\n'),
    ("WORKSPACE", 'sha256 = "<SHA256>",\ncommit = "<COMMIT>"\nintegrity = "sha256-<B256>"\n'),
    ("index.html", '<script src="x" integrity="sha384-<B384>"></script>\n'),
    ("a.rb", 'sha256 "<SHA256>"\nsha256 cellar: :any, arm64: "<SHA256>"\n'),
    ("PKGBUILD", "sha256sums=('<SHA256>')\nsha512sums=('<SHA512>')\n"),
    (".copier-answers.yml", "_commit: <COMMIT>\n"),
]
KEPT = [
    ("a.yaml", "token: <COMMIT>\n"),
    ("a.yaml", "rev: <MD5>\n"),
    ("a.yaml", "rev: <KEY>\n"),
    ("a.yaml", "revoked: <COMMIT>\n"),
    ("a.yaml", "prev: <COMMIT>\n"),
    ("a.yaml", "uses: <COMMIT>\n"),
    ("a.yaml", "digest: <KEY>\n"),
    ("a.yaml", "sha256: <COMMIT>\n"),
    ("a.yaml", "hmac-sha256: <SHA256>\n"),
    ("a.yaml", "password: sha256:<SHA256>\n"),
    ("a.yaml", "secret: <SHA256>\n"),
    ("a.py", 'token = "<SHA256>"  # rev: 1\n'),
    ("a.py", 'rev = "<COMMIT>"; key = "<KEY>"\n'),
    ("a.py", 'checksum = "<SHA256>"\n'),
    ("pnpm-lock.yaml", "registry: {password: '<SHA256>'}\n"),
    ("pnpm-lock.yaml", "tarball: https://user:<COMMIT>@example.org/a.tgz\n"),
    ("npm-shrinkwrap.json", '"a": "<KEY>"\n'),
    ("notes/lock.yaml", "a: <SHA256>\n"),
]  # fmt: skip


def found(path: str, text: str, profile: Profile) -> tuple[list[TextMatch], int]:
    hits = list(scan_rules(text, path, profile))
    return [each for each in hits if isinstance(each, TextMatch)], sum(isinstance(each, LeftOut) for each in hits)


@pytest.mark.parametrize(("path", "text"), PINNED)
def test_the_default_leaves_out_pinned_revisions(path: str, text: str) -> None:
    for _ in range(3):
        assert found(path, filled(text), Profile.DEFAULT)[0] == []


def test_many_of_them_are_what_detect_secrets_reports() -> None:
    """So that the table above is about something; of some lock files detect-secrets reads nothing."""
    told = [bool(found(path, filled(text), Profile.DETECT_SECRETS)[0]) for path, text in PINNED]
    assert sum(told) >= 20


@pytest.mark.parametrize(("path", "text"), KEPT)
def test_what_only_stands_near_one_or_has_another_length_is_no_pin(path: str, text: str) -> None:
    """Whether it is a secret is then for the judge to say."""
    text = filled(text)
    every = found(path, text, Profile.STRICT)[0]
    assert any(not pinned(match, text.split("\n")[match.line - 1], path) for match in every)


def test_the_same_value_in_another_place_of_the_line_is_no_pin() -> None:
    value = _FORMS["COMMIT"]()
    line = f'rev = "{value}"; token = "{value}"'
    every = found("a.py", f"{line}\n", Profile.STRICT)[0]
    assert any(not pinned(match, line, "a.py") for match in every)


@pytest.mark.parametrize("name", ["a.yaml", "a.cfg", "a.py", "pnpm-lock.yaml", ".pre-commit-config.yaml"])
def test_the_profile_of_detect_secrets_is_what_detect_secrets_reports(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    for _, text in [*PINNED, *KEPT]:
        path.write_text(filled(text))
        assert ours(path) == oracle([path])[path], text


def test_a_pin_that_is_left_out_hides_nothing_else_in_the_file() -> None:
    """Of the lines that detect-secrets rebuilds only the first list with a finding counts; a pin is none."""
    key = _FORMS["KEY"]()
    for text in (
        f"a: |\n  x = 1\nrev: {_FORMS['COMMIT']()}\nb: x  # token = '{key}'\n",
        f"rev: {_FORMS['COMMIT']()}\nkey: '{key}'\n",
    ):
        with_pin = {each.value.reveal() for each in found("a.yaml", text, Profile.DEFAULT)[0]}
        without = {each.value.reveal() for each in found("a.yaml", text.replace("rev: ", "# "), Profile.DEFAULT)[0]}
        assert key in with_pin
        assert with_pin >= without


def test_the_teams_own_token_is_told_wherever_it_is_pinned() -> None:
    value = _FORMS["COMMIT"]()
    match = TextMatch(
        kind=FindingKind.OWN, type="own token", line=1, column=6, value=Secret(value), whole=Secret(value)
    )
    for path, text in (("a.yaml", f"rev: {value}\n"), ("flake.lock", f'"rev": "{value}"\n')):
        report = scan([Blob(path=path, data=text.encode())], Stages(own=lambda _data: [match]))
        assert [finding.kind for finding in report.findings] == [FindingKind.OWN]


def test_what_was_left_out_is_counted_by_lines() -> None:
    text = filled("- rev: <COMMIT>\n- rev: <COMMIT>\n- token: <KEY>\n")
    report = scan([Blob(path="a.yaml", data=text.encode())], Stages())
    assert (report.left_out, len(report.findings)) == (2, 1)
    report = scan([Blob(path="a.yaml", data=text.encode())], Stages(profile=Profile.DETECT_SECRETS))
    assert (report.left_out, len(report.findings)) == (0, 3)


@pytest.mark.parametrize("one", Profile)
@pytest.mark.parametrize("other", Profile)
def test_of_two_profiles_the_one_that_reports_more_counts(one: Profile, other: Profile) -> None:
    assert one | other == max(one, other, key=list(Profile).index)


def test_every_pin_of_a_long_line_is_left_out() -> None:
    text = "[" + ", ".join(f'"sha512-{_FORMS["B512"]()}"' for _ in range(100)) + "]\n"
    matches, left_out = found("a.json", text, Profile.DEFAULT)
    assert (matches, left_out) == ([], 100)


def test_a_bundle_of_own_tokens_may_be_committed() -> None:
    """It holds keyed tags, ids and a signature, and the docs have teams publish it as a file."""
    tags = [OwnTag(tag=secrets.token_hex(16), anchor=1, length=42, token=secrets.token_hex(16)) for _ in range(3)]
    bundle = Bundle(version=1, published="2026-11-29", expires="2026-12-29", symbols="", entries=tuple(tags))
    text = Publisher(secrets.token_bytes(64)).signed(bundle).decode()
    assert found("tokens.bundle", text, Profile.DEFAULT)[0] == []
    assert found("tokens.bundle", text, Profile.DETECT_SECRETS)[0]
    assert found("tokens.bundle", f'{text.rstrip()}\nkey = "{_FORMS["B256"]()}"\n', Profile.DEFAULT)[0]
    assert found("tokens.bundle", text.rstrip()[:-1] + f',"key":"{_FORMS["KEY"]()}"}}', Profile.DEFAULT)[0]
