"""Teams apart on one OpenBao, and a security team that sees every team's tokens and no value: with the printed policies
and nothing more.
"""

import itertools

import pytest

from tests.fakes.vault_command_line import VaultCommandLine

TEAMS = ("audio", "video")
_numbers = itertools.count()


def name(team: str) -> str:
    return f"{team}/app/prod/post"


@pytest.fixture
def cli(openbao, sandbox, tmp_path, capfd) -> VaultCommandLine:
    """A configuration of two teams' stores, each with a token in it."""
    at = f"vault://secret/org{next(_numbers)}"
    made = VaultCommandLine(openbao, sandbox, tmp_path, capfd, stores={team: f"{at}/{team}" for team in TEAMS})
    for team in TEAMS:
        made.url = made.stores[team]
        assert made("init", "--sandbox").code == 0
        assert made.issue(name(team)).code == 0
    made.url = made.stores[TEAMS[0]]
    return made


def login(cli: VaultCommandLine, role: str, *teams: str) -> str:
    """A token of Vault with the printed policies of one role for these teams' stores."""
    printed = (cli("init", "--print-policy", "--format", "json", url=cli.stores[team]).document for team in teams)
    return cli.server.new_token("\n".join(each["policies"][role] for each in printed))


def values(cli: VaultCommandLine) -> set[str]:
    return set(cli.sandbox.world.values)


@pytest.mark.parametrize("command", ["list", "check", "report"])
def test_the_security_team_sees_the_tokens_of_every_team_and_no_value(cli: VaultCommandLine, command: str):
    cli.token = login(cli, "inventory", *TEAMS)
    text, document = cli(command, "--all-stores"), cli(command, "--all-stores", "--format", "json")
    assert {text.code, document.code} <= {0, 1}, text.err
    assert not any(value in text.out + text.err + document.out for value in values(cli))
    if command == "list":
        assert all(name(team) in text.out for team in TEAMS)
        assert {each["name"] for each in document.document["tokens"]} == set(map(name, TEAMS))


@pytest.mark.parametrize("line", [("rotate",), ("verify",), ("edit", "--purpose", "x"), ("retire", "--yes")])
def test_the_security_team_changes_nothing_and_reads_no_value(cli: VaultCommandLine, line: tuple[str, ...]):
    cli.token = login(cli, "inventory", *TEAMS)
    for team in TEAMS:
        answer = cli(line[0], name(team), *line[1:], url=cli.stores[team])
        assert (answer.code, answer.out) == (4, ""), answer
        assert "hint: " in answer.err


def test_no_path_of_a_value_is_open_to_the_security_team(cli: VaultCommandLine):
    token = login(cli, "inventory", *TEAMS)
    for team, folder in itertools.product(TEAMS, ("live", "cand")):
        at = cli.stores[team].removeprefix("vault://secret/")
        listed = cli.server.api("LIST", f"secret/metadata/{at}/{folder}", check=False, token=token)
        path = f"live/{name(team)}" if folder == "live" else f"cand/{'0' * 32}/x"
        read = cli.server.api("GET", f"secret/data/{at}/{path}", check=False, token=token)
        assert (listed.status_code, read.status_code) == (403, 403), (team, folder)


@pytest.mark.parametrize("role", ["inventory", "rotator", "auditor"])
@pytest.mark.parametrize("team", TEAMS)
def test_a_team_is_denied_another_team_s_store_and_told_so(cli: VaultCommandLine, role: str, team: str):
    (other,) = set(TEAMS) - {team}
    cli.token = login(cli, role, team)
    assert cli("list", url=cli.stores[team]).code == 0
    for line in (["list"], ["show", name(other)], ["audit", "log"]):
        answer = cli(*line, url=cli.stores[other])
        assert (answer.code, answer.out) == (4, ""), (line, answer)
    everywhere = cli("list", "--all-stores")
    assert everywhere.code == 4
    assert name(other) not in everywhere.out + everywhere.err
    assert "denied the request" in everywhere.err
