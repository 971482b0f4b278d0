"""`apply`: what is declared becomes so, once, by whoever comes first, and again after every interruption."""

from tests.cli.manifests import written
from tokenguard.domain.names import token_name


def record(cli, name):
    found = cli.store.find(token_name(name))
    return found.document.record if found else None


def empty(cli):
    document = cli("plan", "--format", "json").document
    return document["actions"] == [] and document["blocked"] == []


def test_a_token_that_the_provider_makes_is_live_and_delivered_after_one_apply(cli, tmp_path):
    env = tmp_path / "app.env"
    written(tmp_path, f"a/b: {{issue: true, consumers: [dotenv:{env}#TOKEN]}}")
    answer = cli("apply")
    assert answer.code == 0, answer
    (made,) = cli.world.living()
    assert f"TOKEN={made.value}" in env.read_text()
    assert made.value not in answer.out + answer.err
    assert record(cli, "a/b").state == "active"
    assert empty(cli)
