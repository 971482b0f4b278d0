"""Who made a value is recorded whenever one is made, and what `person-left` prints clears it exactly."""

import re
import shlex

import pytest

from tests.fakes.command_line import FakeTty
from tests.fakes.world import FakeProvider
from tokenguard.domain.event import Op, Phase
from tokenguard.domain.names import token_name
from tokenguard.ports.provider import Method

NAME = "video/app/prod/upload"
POLICY = "format: 1\nname: ours\nextends: default\nrules:\n  - {id: person-left, severity: error, people: [kim]}\n"


class PersonAtSettings(FakeTty):
    """Does by hand what the steps on the screen say; asked for name and login, gives `who`."""

    def __init__(self, world, person="alex", login="alex@example.com") -> None:
        super().__init__()
        self.world, self.creator, self.asked = world, (person, login), []

    def ask(self, prompt: str, *, public: bool = False) -> str:
        self.asked.append(prompt.split("[", maxsplit=1)[0].strip())
        if not prompt.startswith("  type `done`"):
            return super().ask(prompt) if prompt.startswith(("  who", "  your login")) else ""
        self.world.revoke_label(self._last(r"\d\. revoke (\S+)"))
        return "done"

    def ask_hidden(self, prompt: str):
        from tokenguard.domain.secret import Secret

        return Secret(self.world.create(self._last(r"create (\S+) for")).value)

    def _last(self, pattern: str) -> str:
        return re.findall(pattern, "\n".join(self.shown))[-1]


@pytest.fixture
def guided(cli):
    cli.vendors.fake = FakeProvider(cli.world, mint=Method.PERSON, revoke=Method.PERSON)
    return PersonAtSettings(cli.world)


def record(cli, name=NAME):
    return cli.store.find(token_name(name)).document.record


def made(cli, name=NAME):
    return record(cli, name).made_by, record(cli, name).account


def details(cli, op, phase, name=NAME):
    history = cli.store.history(cli.store.find(token_name(name)).id)
    return [each.event.detail for each in history if (each.event.op, each.event.phase) == (op, phase)]


def actor(cli):
    return cli.store.actor().id.removeprefix("user:")


def test_a_value_made_by_api_names_the_runner_s_identity_and_the_admin_credential(cli, monkeypatch):
    cli.add(NAME, "--made-by", "kim", "--account", "kim@example.com")
    real = cli.vendors.of
    monkeypatch.setattr(
        cli.vendors, "of", lambda each: type(real(each))(real(each).provider, real(each).issuer, admin="social/admin")
    )
    assert cli("rotate", NAME).code == 0
    assert made(cli) == (actor(cli), "social/admin")
    (intent,) = details(cli, Op.MINT, Phase.INTENT)
    assert (intent["by"], intent["login"]) == (actor(cli), "social/admin")


def test_a_guided_value_names_the_person_and_login_who_are_asked_once_a_sitting(cli, guided):
    names = (NAME, "video/app/prod/other", "audio/app/prod/third")
    for name in names:
        cli.add(name, "--label", name, "--made-by", "kim", "--account", "kim@example.com")
    cli.tty = guided
    answer = cli("rotate", *names)
    assert answer.code == 0, answer
    assert [made(cli, name) for name in names] == [("alex", "alex@example.com")] * 3
    assert guided.asked.count("who does this? your name") == 1
    assert guided.asked.count("your login at fake") == 1
    (said,) = [each for each in details(cli, Op.REVOKE, Phase.FACT) if each.get("result") == "said"]
    assert (said["by"], said["login"]) == ("alex", "alex@example.com")


def test_of_a_record_without_a_creator_and_before_a_revoke_nothing_is_asked(cli, guided):
    cli.add(NAME, "--label", NAME)
    cli.tty = guided
    assert cli("rotate", NAME).code == 0
    assert cli("rotate", NAME).code == 0
    assert cli("retire", NAME, "--yes").code in {0, 5}
    assert not [each for each in guided.asked if each.startswith(("who", "your login"))]
    assert made(cli)[0], "the person who is logged in on this machine"


def test_enter_takes_the_login_on_record_and_the_person_of_the_session(cli, guided):
    cli.add(NAME, "--label", NAME, "--made-by", "kim", "--account", "ops@example.com")
    guided.creator = ("", "")
    cli.tty = guided
    assert cli("rotate", NAME).code == 0
    assert made(cli)[1] == "ops@example.com"
    assert made(cli)[0] not in {"kim", ""}


def test_a_value_pasted_as_name_or_login_is_refused_and_not_kept(cli, guided):
    cli.add(NAME, "--label", NAME, "--made-by", "kim")
    value = cli.world.create("x").value
    answers = iter([value, "alex", value, "alex@example.com"])
    guided.ask = lambda prompt, public=False: (
        next(answers) if prompt.startswith(("  who", "  your login")) else PersonAtSettings.ask(guided, prompt)
    )
    cli.tty = guided
    answer = cli("rotate", NAME)
    assert answer.code == 0, answer
    assert made(cli) == ("alex", "alex@example.com")
    assert value not in repr(cli.everything())


def test_what_add_says_of_a_first_value_stays(cli):
    assert cli("add", NAME, "--provider", "fake", "--scope", "drive:d1", "--env", "prod", "--owner", "video", "--purpose",
               "x", "--no-consumers", "--issue", "--made-by", "sam").code == 0  # fmt: skip
    assert made(cli)[0] == "sam"
    assert cli("rotate", NAME).code == 0
    assert made(cli)[0] == actor(cli)


def test_an_abort_restores_who_made_the_value_in_use(cli):
    cli.add(NAME, "--made-by", "kim", "--account", "kim@example.com")
    assert cli("edit", NAME, "--deliver", "person:ops").code == 0
    cli.tty = FakeTty("later")
    assert cli("rotate", NAME).code == 3
    assert made(cli)[0] == actor(cli)
    cli.tty = FakeTty("done ada", "done ada")
    assert cli("rotate", NAME, "--abort").code == 0
    assert made(cli) == ("kim", "kim@example.com")


def test_a_manifest_does_not_change_back_who_made_a_new_value(cli, tmp_path):
    (tmp_path / "tokens.yaml").write_text(
        f"version: 1\ntokens:\n  {NAME}:\n    provider: fake\n    scope: drive:d1\n    environment: prod\n    owner: video\n"
        "    purpose: uploads\n    made_by: kim\n"
    )
    cli.add(NAME)
    assert cli("apply", "--yes").code == 0
    assert made(cli)[0] == "kim"
    assert cli("rotate", NAME).code == 0
    assert cli("plan", "--exit-code").code == 0, "there is nothing to do"
    assert made(cli)[0] == actor(cli)


# what person-left prints


def left(cli, tmp_path):
    (tmp_path / "policy.yaml").write_text(POLICY)
    found = cli("check", "--policy", "policy.yaml", "--format", "json").document["violations"]
    return {each["token"]: each["fix"] for each in found if each["rule"] == "person-left"}


def imported(cli, tmp_path):
    (tmp_path / "t.csv").write_text(
        "name,provider,scope,environment,owner,purpose,made_by,account,deputy,consumers,created,value\n"
        f"{NAME},fake,drive:d1,prod,video,upload,kim,kim,kim,,2026-10-01,{cli.world.create(NAME).value}\n"
    )
    assert cli("import", "t.csv").code == 0
    assert cli("edit", NAME, "--no-consumers", "--label", NAME).code == 0


def by_api(cli, tmp_path):
    cli.add(NAME, "--made-by", "kim", "--account", "kim", "--deputy", "kim")
    assert cli("rotate", NAME).code == 0
    assert cli("edit", NAME, "--made-by", "kim", "--account", "kim").code == 0


def by_hand(cli, tmp_path):
    cli.add(NAME, "--label", NAME, "--deputy", "kim", "--made-by", "sam")
    cli.tty = PersonAtSettings(cli.world, "kim", "kim")
    assert cli("rotate", NAME).code == 0
    cli.tty = PersonAtSettings(cli.world)


def deputy_only(cli, tmp_path):
    cli.add(NAME, "--made-by", "sam", "--deputy", "kim")


def grant(cli, tmp_path):
    assert cli("add", NAME, "--provider", "fake", "--kind", "oauth_grant", "--scope", "drive:d1", "--env", "prod",
               "--owner", "video", "--purpose", "x", "--made-by", "kim", "--deputy", "kim").code == 0  # fmt: skip
    cli.tty = FakeTty("yes", "done ada", "")


def interrupted(cli, tmp_path):
    cli.add(NAME, "--made-by", "kim", "--deputy", "kim")
    assert cli("edit", NAME, "--deliver", "person:ops").code == 0
    cli.tty = FakeTty("later")
    assert cli("rotate", NAME).code == 3
    cli.tty = FakeTty("done ada", "done ada", "done ada")


MAKINGS = {
    "imported": (imported, False), "made by api": (by_api, False), "made by hand": (by_hand, True),
    "imported, then guided": (imported, True), "deputy only": (deputy_only, False), "a grant": (grant, False),
    "an operation is open": (interrupted, False),
}  # fmt: skip


@pytest.mark.parametrize(("make", "manual"), MAKINGS.values(), ids=MAKINGS)
def test_person_left_is_cleared_by_exactly_what_it_prints(cli, tmp_path, make, manual):
    if manual:
        cli.vendors.fake = FakeProvider(cli.world, mint=Method.PERSON, revoke=Method.PERSON)
    make(cli, tmp_path)
    if manual and cli.tty is None:
        cli.tty = PersonAtSettings(cli.world)
    for line in left(cli, tmp_path)[NAME].split(" && "):
        answer = cli(*shlex.split(line)[1:])
        assert answer.code in {0, 5} if make is grant else answer.code == 0, answer
    assert left(cli, tmp_path) == {}
    if make not in {deputy_only, grant}:
        assert "kim" not in made(cli)
        assert made(cli)[0], "the next creator is on record"
