"""Tokens whose consumers are at hosts: declared, rotated to, resumed after trouble there."""

import pytest

from tests.fakes.secret_hosts.serving import Fault
from tests.fakes.secret_hosts.vendors import Github, Gitlab, Kubernetes

NAME = "video/app/prod/upload"


@pytest.fixture
def gitlab():
    with Gitlab() as host:
        yield host


def configured(cli, tmp_path, host, *, path="/api/v4", variable="CI_SECRETS_TOKEN"):
    config = tmp_path / "config.toml"
    config.write_text(f'[destinations."{host.host}"]\ncredential = "env:{variable}"\nurl = "{host.url}{path}"\n')
    config.chmod(0o600)
    cli.environ |= {"TOKENGUARD_CONFIG": str(config), "CI_SECRETS_TOKEN": host.credential}


def added(cli, consumer):
    value = cli.world.create(NAME).value
    return value, cli(
        "add", NAME, "--provider", "fake", "--scope", "drive:d1", "--env", "prod", "--owner", "video",
        "--purpose", "uploads", "--deliver", consumer, "--stdin", stdin=value,
    )  # fmt: skip


def live(cli):
    return list(cli.world.made.values())[-1].value


def test_a_rotation_ends_with_the_new_token_in_the_variable(cli, gitlab, tmp_path):
    configured(cli, tmp_path, gitlab)
    old, answer = added(cli, f"gitlab://{gitlab.host}/acme/app#TOKEN")
    assert answer.code == 0, answer
    answer = cli("rotate", NAME)
    assert answer.code == 0, answer
    held = gitlab.held["TOKEN", "*"]["value"]
    assert held == live(cli) != old
    assert not [each for each in (old, held, gitlab.credential) if each in answer.out + answer.err]


def test_trouble_at_the_host_leaves_the_old_token_alive_and_resume_goes_on(cli, gitlab, tmp_path):
    configured(cli, tmp_path, gitlab)
    old, _ = added(cli, f"gitlab://{gitlab.host}/acme/app#TOKEN")
    gitlab.faults.append(Fault(status=500, method="PUT"))
    answer = cli("rotate", NAME)
    assert answer.code in {3, 4}, answer
    assert next(each for each in cli.world.made.values() if each.value == old).revoked_at is None
    assert cli("rotate", NAME, "--resume").code == 0
    assert gitlab.held["TOKEN", "*"]["value"] == live(cli)


def test_a_github_secret_is_confirmed_by_its_time_of_change(cli, tmp_path):
    with Github() as github:
        configured(cli, tmp_path, github, path="")
        _, answer = added(cli, f"github://{github.host}/acme/app#TOKEN")
        assert answer.code == 0, answer
        assert cli("rotate", NAME).code == 0
        assert list(github.held.values()) == [live(cli)]


def test_a_host_without_a_credential_here_is_refused_when_the_consumer_is_declared(cli, tmp_path, words):
    _, answer = added(cli, "gitlab:acme/app#TOKEN")
    assert answer.code == 2
    words(answer)
    assert '[destinations."gitlab.com"]' in answer.err
    assert list(cli.store.scan()) == []


def test_a_credential_that_the_environment_lacks_is_named(cli, gitlab, tmp_path):
    configured(cli, tmp_path, gitlab, variable="NOT_SET_HERE")
    _, answer = added(cli, f"gitlab://{gitlab.host}/acme/app#TOKEN")
    assert answer.code == 2
    assert "NOT_SET_HERE" in answer.err


def test_a_runbook_says_how_the_value_gets_there(cli, gitlab, tmp_path, words):
    configured(cli, tmp_path, gitlab)
    consumer = f"gitlab://{gitlab.host}/acme/app#TOKEN"
    added(cli, consumer)
    answer = cli("runbook", NAME)
    assert consumer in answer.out
    words(answer)


def test_a_field_of_a_vault_elsewhere_takes_the_new_token(cli):
    cli.places.put("vault://kv/their/app", token="made by hand", other="theirs")
    _, answer = added(cli, "vault://kv/their/app#token")
    assert answer.code == 0, answer
    assert cli("rotate", NAME).code == 0
    assert cli.places.fields("vault://kv/their/app") == {"token": live(cli), "other": "theirs"}


def test_an_edit_says_which_consumers_are_none_any_more(cli, gitlab, tmp_path, words):
    configured(cli, tmp_path, gitlab)
    first, second = (f"gitlab://{gitlab.host}/acme/app#{key}" for key in ("ONE", "TWO"))
    added(cli, first)
    answer = cli("edit", NAME, "--deliver", second)
    assert answer.code == 0, answer
    words(answer)
    assert "any more" not in cli("edit", NAME, "--deliver", second, "--deliver", first).err
    assert "new consumers" not in cli("edit", NAME, "--deliver", first).err


def test_doctor_says_which_credentials_of_hosts_are_at_hand(cli, gitlab, tmp_path):
    configured(cli, tmp_path, gitlab)
    found = [each for each in cli("doctor", "--format", "json").document["checks"] if each["check"] == "destinations"]
    assert [(each["level"], gitlab.host in each["text"]) for each in found] == [("ok", True)]
    assert not gitlab.asked
    configured(cli, tmp_path, gitlab, variable="NOT_SET_HERE")
    (lacking,) = (
        each for each in cli("doctor", "--format", "json").document["checks"] if each["check"] == "destinations"
    )
    assert (lacking["level"], lacking["hint"]) == ("warn", "export NOT_SET_HERE")


def test_a_pods_own_token_is_taken_as_the_cluster_puts_it_there_and_no_other_file_is(cli, tmp_path, monkeypatch, words):
    """A link to a file that all in the pod may read."""
    with Kubernetes() as cluster:
        mounted = tmp_path / "..data"
        mounted.mkdir()
        (mounted / "token").write_text(cluster.credential)
        (mounted / "token").chmod(0o644)
        (tmp_path / "token").symlink_to(mounted / "token")
        config = tmp_path / "config.toml"
        source = f"file:{tmp_path}/token"
        config.write_text(f'[destinations."{cluster.host}"]\ncredential = "{source}"\nurl = "{cluster.url}"\n')
        config.chmod(0o600)
        cli.environ["TOKENGUARD_CONFIG"] = str(config)
        _, answer = added(cli, f"k8s://{cluster.host}/video/app#TOKEN")
        assert answer.code == 2
        words(answer)
        monkeypatch.setattr("tokenguard.shell.deliveries.SERVICE_ACCOUNT", source)
        _, answer = added(cli, f"k8s://{cluster.host}/video/app#TOKEN")
        assert answer.code == 0, answer
