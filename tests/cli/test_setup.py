"""`setup` on the command line, without a server: what it is given, and what it writes down."""

import json

import pytest

from tokenguard.errors import InputError, TokenguardError, Unreachable
from tokenguard.shell.server_setup import VaultServerSetup

STORE = "vault://kv/video"
FILE = "version: 1\ngithub: {repository: acme/tokens, repository_id: 4711, environments: [tokens]}\n"


@pytest.fixture
def here(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cli.store = None
    (tmp_path / "server.yaml").write_text(FILE)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.yaml"], "cannot read nowhere.yaml"),
        (["."], "cannot read ."),
        (["--emit", "terraform", "--apply"], "cannot be combined"),
        (["--emit", "terraform", "--exit-code"], "cannot be combined"),
        (["--emit", "pulumi"], "--emit is not valid"),
        (["bad.yaml"], "bad.yaml:2:1"),
        ([], "the address of Vault is not configured"),
    ],
)  # fmt: skip
def test_bad_input_is_one_error(cli, here, arguments, words):
    (here / "bad.yaml").write_text("version: 1\ngithub: [1]\n")
    answer = cli("--store", STORE, "setup", *arguments)
    assert (answer.code, words in answer.err, answer.err.count("error: "), answer.out) == (2, True, 1, ""), answer


@pytest.mark.parametrize(
    ("store", "words"), [("local:///srv/x", "has no server"), ("aws://eu-central-1/video", "does not change IAM")]
)
def test_a_store_that_is_not_set_up_from_here_is_told_what_to_do(cli, here, store, words):
    answer = cli("--store", store, "setup", "--apply")
    assert (answer.code, words in answer.err) == (2, True), answer


def test_on_aws_the_account_must_be_named(cli, here, words):
    answer = cli("--store", "aws://eu-central-1/video", "setup", "--emit", "terraform")
    assert answer.code == 2, answer
    words(answer)


def test_what_is_emitted_is_one_document_and_needs_no_configuration(cli, here):
    answer = cli("--store", STORE, "setup", "--emit", "terraform")
    assert answer.code == 0, answer
    made = json.loads(answer.out)["resource"]
    assert set(made) == {"vault_mount", "vault_policy", "vault_jwt_auth_backend", "vault_jwt_auth_backend_role"}
    assert len(made["vault_policy"]) == 9


class RefusingServer:
    """A server that accepts some parts, then answers with an error."""

    def __init__(self, accepted: int, error: TokenguardError) -> None:
        self.kept, self._accepted, self._error = {}, accepted, error

    def read(self, resource):
        return self.kept.get(resource.path)

    def write(self, resource):
        if len(self.kept) == self._accepted:
            raise self._error
        self.kept[resource.path] = dict(resource.wanted)


@pytest.mark.parametrize(
    "error", [InputError("the issuer cannot be reached", hint="x"), Unreachable("denied", hint="x")]
)
@pytest.mark.parametrize("accepted", [0, 1, 11])
def test_exit_2_means_that_nothing_was_written(cli, here, monkeypatch, accepted, error):
    server = RefusingServer(accepted, error)
    monkeypatch.setattr(VaultServerSetup, "server", lambda _setup: server)
    answer = cli("--store", STORE, "setup", "--apply", "--format", "json")
    assert answer.code == (4 if accepted else error.exit_code), answer
    told = answer.document["error"]["message"]
    assert told.startswith(error.message)
    assert ("written before: " in told) is bool(accepted)
    assert len(told.partition("written before: ")[2].split(", ")) == max(accepted, 1)
