"""The commands on a store of a real OpenBao, with each role's printed policy and nothing more."""

import base64
import itertools

import pytest

from tests.fakes.vault_command_line import NAME, VaultCommandLine

_numbers = itertools.count()


@pytest.fixture
def cli(openbao, sandbox, tmp_path, capfd) -> VaultCommandLine:
    return VaultCommandLine(openbao, sandbox, tmp_path, capfd, url=f"vault://secret/team{next(_numbers)}")


@pytest.fixture
def made(cli) -> VaultCommandLine:
    assert cli("init", "--sandbox").code == 0
    assert cli.issue().code == 0
    return cli


def policies(cli: VaultCommandLine) -> dict[str, str]:
    return policies_of(cli, cli.url)


def policies_of(cli: VaultCommandLine, url: str) -> dict[str, str]:
    answer = cli("init", "--print-policy", "--format", "json", url=url)
    assert answer.code == 0
    return answer.document["policies"]


def test_a_store_is_made_once(cli, words):
    made = cli("init", "--format", "json")
    assert made.code == 0
    assert made.document["store"] == cli.url
    assert len(made.document["store_id"]) == 32
    again = cli("init")
    assert again.code == 2
    words(again)


def test_there_is_no_store_before_it_is_made(cli, words):
    answer = cli("list")
    assert answer.code == 2
    words(answer)
    assert f"--store {cli.url} init" in answer.err


def test_a_shared_store_refuses_providers_of_this_machine(cli, words):
    assert cli("init").code == 0
    refused = cli.issue()
    assert refused.code == 2
    words(refused)
    assert cli("list", "--format", "json").document["tokens"] == []


def test_the_whole_life_of_a_token(made):
    first = made.live()
    assert made("rotate", NAME).code == 0
    second = made.live()
    assert made("rotate", NAME, "--compromised", "--reason", "seen in a log").code == 0
    third = made.live()
    assert len({first, second, third}) == 3
    assert made("verify", NAME).code == 0
    assert made("list").out.count(NAME) == 1
    shown = made("show", NAME)
    assert "vault:token:" in shown.out
    assert made("edit", NAME, "--purpose", "other").code == 0
    assert made("audit", "verify").code == 0
    assert made("doctor").code == 0
    assert made("rotate", "--resume").code == 0
    assert made("retire", NAME, "--yes").code == 0
    assert made("audit", "log", NAME).code == 0
    everything = "".join(made(*line).out for line in (["list"], ["show", NAME], ["audit", "log"], ["runbook", NAME]))
    assert not any(value in everything for value in (first, second, third))


def test_a_rotator_does_everything_but_make_the_store(made):
    token = made.server.new_token(policies(made)["rotator"])
    made.token = token
    assert made.issue("video/app/prod/second").code == 0
    for line in (
        ["rotate", NAME], ["rotate", NAME, "--compromised", "--reason", "x"], ["list"], ["show", NAME], ["verify", "--all"],
        ["edit", NAME, "--purpose", "else"], ["retire", "video/app/prod/second", "--yes"], ["audit", "verify"], ["doctor"],
        ["rotate", "--resume"], ["list"],
    ):  # fmt: skip
        answer = made(*line)
        assert answer.code == 0, (line, answer.err)
    assert made("init", url=f"{made.url}-other").code == 4


@pytest.mark.parametrize("role", ["inventory", "auditor"])
def test_a_reader_sees_every_token_and_no_value(made, role):
    made.token = token = made.server.new_token(policies(made)[role])
    for line in (["list"], ["show", NAME], ["audit", "verify"], ["audit", "log", NAME], ["runbook", NAME]):
        answer = made(*line)
        assert answer.code == 0, (line, answer.err)
    for line in (["rotate", NAME], ["edit", NAME, "--purpose", "x"], ["verify", NAME]):
        answer = made(*line)
        assert answer.code == 4, (line, answer.err)
        assert "hint: " in answer.err
    folder = made.url.removeprefix("vault://secret/")
    for path in (f"live/{NAME}", f"cand/{'0' * 32}/x", "key/fingerprint"):
        status = made.server.api("GET", f"secret/data/{folder}/{path}", check=False, token=token).status_code
        assert status == (200 if (role, path) == ("inventory", "key/fingerprint") else 403), path


def test_a_ci_reader_reads_live_values_and_nothing_else(made):
    token = made.server.new_token(policies(made)["ci-reader"])
    folder = made.url.removeprefix("vault://secret/")

    def status(method: str, path: str) -> int:
        return made.server.api(method, path, {"data": {}}, check=False, token=token).status_code

    assert status("GET", f"secret/data/{folder}/live/{NAME}") == 200
    assert status("POST", f"secret/data/{folder}/live/{NAME}") == 403
    assert status("LIST", f"secret/metadata/{folder}/live") == 403
    for path in ("meta/store", "key/fingerprint", "doc/x", "cand/x/y", "name/x"):
        assert status("GET", f"secret/data/{folder}/{path}") == 403
    assert made("list", token=token).code == 4


def test_break_glass_makes_a_store_and_undeletes(cli):
    token = cli.server.new_token(policies(cli)["break-glass"])
    assert cli("init", "--sandbox", token=token).code == 0
    assert cli("doctor", token=token).code == 0
    folder = cli.url.removeprefix("vault://secret/")
    cli.server.api("DELETE", f"secret/data/{folder}/meta/store", token=token)
    answer = cli("list", token=token)
    assert (answer.code, f"undelete -versions=N -mount=secret {folder}/meta/store" in answer.err) == (4, True)
    cli.server.api("POST", f"secret/undelete/{folder}/meta/store", {"versions": [1]}, token=token)
    assert cli("list", token=token).code == 0


def test_a_local_store_moves_here_with_break_glass_and_not_with_less(cli, tmp_path, monkeypatch):
    key = tmp_path / "key"
    key.write_bytes(base64.b64encode(bytes(range(32))))
    key.chmod(0o600)
    monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "state"))
    cli.environ = {"TOKENGUARD_KEY_FILE": str(key)}
    old = f"local://{tmp_path / 'old'}"
    for url, *more in ((old,), (cli.url, "--sandbox"), (f"{cli.url}-shared",)):
        assert cli("init", *more, url=url).code == 0
    with_url = cli.url
    cli.url = old
    assert cli.issue().code == 0
    roles = policies_of(cli, with_url)
    practice = cli("migrate", "--to", f"{with_url}-shared")
    assert (practice.code, "on this machine" in practice.error) == (2, True), "it was not made for practice"
    refused = cli("migrate", "--to", with_url, token=cli.server.new_token(roles["rotator"]))
    assert (refused.code, "hint: " in refused.err) == (4, True), refused.err
    assert cli("rotate", NAME).code == 0, "nothing was begun"
    moved = cli("migrate", "--to", with_url, token=cli.server.new_token(roles["break-glass"]))
    assert moved.code == 0, moved.err
    assert cli("list").code == 4
    cli.url = with_url
    cli.token = cli.server.new_token(roles["rotator"])
    for line in (["rotate", NAME], ["audit", "verify"], ["verify", NAME], ["doctor"]):
        assert cli(*line).code == 0, line


def test_an_environment_that_names_another_server_is_not_followed(made):
    """T32: the login would go there with the first request."""
    made.address = "env:VAULT_ADDR"
    made.environ = {"VAULT_ADDR": made.server.url}
    assert made("list").code == 0
    made.environ = {"VAULT_ADDR": "https://vault.attacker.example"}
    for line in (["list"], ["rotate", NAME], ["init"], ["doctor"]):
        refused = made(*line)
        assert refused.code == 2, line
        assert "https://vault.attacker.example" in refused.err + refused.out, line
    made.environ = {"VAULT_ADDR": made.server.url}
    assert made("doctor", "--accept-server").code == 0


def test_one_teams_roles_get_nothing_of_another_teams(made, openbao):
    other = f"vault://secret/team{next(_numbers)}"
    assert made("init", "--sandbox", url=other).code == 0
    folder = other.removeprefix("vault://secret/")
    for role, policy in policies(made).items():
        if role == "ci-reader":
            continue
        token = openbao.new_token(policy)
        answer = made("list", url=other, token=token)
        assert (answer.code, answer.out) == (4, ""), role
        for endpoint, path in itertools.product(
            ("data", "metadata", "detailed-metadata", "destroy", "undelete", "delete"),
            ("meta/store", "key/fingerprint", "doc/x", "cand/x/y", "live/a/b", "idx/00", "dirty/x", "fp/x/y"),
        ):
            for method in ("GET", "POST", "DELETE", "LIST"):
                answer = openbao.api(method, f"secret/{endpoint}/{folder}/{path}", {}, check=False, token=token)
                assert answer.status_code in {403, 405}, (role, method, endpoint, path)


def test_a_mount_that_is_not_fit_is_refused_before_anything_is_written(cli, openbao):
    found = {}
    for what, mount in {
        "KV version 2": openbao.new_mount("1"),
        "deletes entries": openbao.new_mount(delete_version_after="1h"),
        "keeps one version": openbao.new_mount(max_versions=1),
        "there is no mount": "nowhere",
    }.items():
        answer = cli(
            "init",
            url=f"vault://{mount}/team",
            token=openbao.new_token(policies(cli)["break-glass"]) if mount == "nowhere" else "",
        )
        found[what] = (answer.code, what in answer.error, "hint: " in answer.err)
        if mount != "nowhere":
            assert openbao.api("LIST", f"{mount}/metadata/team", check=False).status_code == 404
    assert set(found.values()) == {(4, True, True)}, found


def test_a_mount_that_became_unfit_stops_a_rotation_before_it_begins(cli, openbao, words):
    mount = openbao.new_mount()
    cli.url = f"vault://{mount}/team"
    assert cli("init", "--sandbox").code == 0
    assert cli.issue().code == 0
    openbao.api("POST", f"{mount}/config", {"max_versions": 1})
    value = cli.live()
    answer = cli("rotate", NAME)
    assert answer.code == 4
    words(answer)
    assert cli.live() == value
    assert cli("doctor").code == 4


def test_a_login_that_ends_too_soon_is_refused_before_a_rotation(made, openbao):
    token = openbao.new_token(policies(made)["rotator"], ttl="60s", renewable=False)
    answer = made("rotate", NAME, token=token)
    assert answer.code == 4
    assert "can be neither renewed nor repeated" in answer.error


def test_a_revoked_login_says_so(made, openbao, words):
    token = openbao.new_token(policies(made)["rotator"])
    openbao.api("POST", "auth/token/revoke", {"token": token})
    answer = made("rotate", NAME, token=token)
    assert answer.code == 4
    words(answer)
    assert token not in answer.err + answer.out


def test_teams_live_in_namespaces_of_their_own(cli, openbao):
    """The same address in two namespaces is two stores; a login of one is nobody in the other."""
    tokens = {}
    for team in ("video", "audio"):
        openbao.api("POST", f"sys/namespaces/{team}")
        openbao.api("POST", f"{team}/sys/mounts/kv", {"type": "kv", "options": {"version": "2"}})
        cli.url, cli.vault = "vault://kv/tokens", {"namespace": team}
        made = cli("init", "--sandbox")
        assert made.code == 0, made.err
        assert cli.issue(f"{team}/app/prod/post").code == 0
        openbao.api("PUT", f"{team}/sys/policies/acl/rotator", {"policy": policies(cli)["rotator"]})
        created = openbao.api("POST", f"{team}/auth/token/create", {"policies": ["rotator"], "ttl": "1h"}).json()
        tokens[team] = created["auth"]["client_token"]
    for team, other in (("video", "audio"), ("audio", "video")):
        cli.vault = {"namespace": team}
        assert cli("rotate", f"{team}/app/prod/post", token=tokens[team]).code == 0
        assert f"{other}/app" not in cli("list", token=tokens[team]).out
        refused = cli("list", token=tokens[other])
        assert (refused.code, refused.out) == (4, "")


def test_a_command_needs_few_requests(made):
    made("rotate", NAME)
    assert made.asked <= 40
    made("list")
    assert made.asked <= 10  # two of them sweep up after the rotation
    made("show", NAME)
    assert made.asked <= 8
