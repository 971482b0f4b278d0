"""`doctor`: what would go wrong at the next rotation or commit is told before, each with the command that mends it."""

import os
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes.command_line import FakeTty
from tests.fakes.world import FakeProvider
from tokenguard.domain.diagnosis import Level
from tokenguard.domain.token import Consumer, ConsumerKind, CredentialKind, RecordState
from tokenguard.errors import ExitCode, InputError, Unreachable
from tokenguard.frozen import replace
from tokenguard.ports.provider import Vendor
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases import diagnose_machine as machine
from tokenguard.usecases import diagnose_tokens as tokens
from tokenguard.usecases.diagnose import examine

NAME = "video/app/prod/upload"
DAY = timedelta(days=1).total_seconds()
SCAN = "exec tokenguard-hook"


@pytest.fixture
def wiring(cli):
    made = Wiring(environ=cli.environ)
    made.clock, made.store, made.store_url, made.vendors = cli.clock, cli.store, "local:///srv/store", cli.vendors
    return made


def hook(folder: Path, command: str, stage: str = "pre-commit") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / stage
    file.write_text(f"#!/bin/sh\n{command}\n")
    file.chmod(0o755)
    return file


def told(check, wiring, *inventory):
    return [(each.check, each.level, each.text, each.hint) for each in check(wiring, *inventory)]


def only(check, wiring):
    (found,) = told(check, wiring)
    return found


def looked(check, wiring):
    (found,) = told(check, wiring, tuple(wiring.store.scan()))
    return found


class TestTheNextRotations:
    def test_are_ready(self, cli, wiring):
        cli.add()
        check, level, text, _ = looked(tokens.next_rotations, wiring)
        assert (check, level) == ("next rotation", Level.OK)
        assert text.startswith(f"{NAME}, due 20")

    def test_are_none(self, cli, wiring):
        assert looked(tokens.next_rotations, wiring)[2] == "there are no tokens yet"
        cli.add()
        found = cli.store.find(NAME)
        retired = replace(found.document.record, state=RecordState.RETIRED)
        cli.store.commit(found.id, found.version, replace(found.document, record=retired), [])
        assert looked(tokens.next_rotations, wiring)[2] == "no token has a due date"

    def test_lack_what_mints_for_them(self, cli, wiring):
        cli.add()
        cli.add("video/other/prod/upload")
        wiring.vendors.of = lambda record: Vendor(wiring.vendors.fake)
        assert looked(tokens.next_rotations, wiring)[:2] == ("admin credential", Level.WARN)
        cli.clock.sleep(80 * DAY)
        (finding,) = list(tokens.next_rotations(wiring, tuple(wiring.store.scan())))
        assert (finding.check, finding.exit_code) == ("admin credential", ExitCode.FINDINGS)
        assert finding.text.startswith(f"{NAME}, video/other/prod/upload: ")
        assert "TOKENGUARD_ADMIN_FAKE" in finding.hint

    def test_of_an_admin_credential_need_another_one_only_when_it_is_due(self, cli, wiring):
        cli.add()
        snapshot = cli.store.find(NAME)
        record = replace(snapshot.document.record, kind=CredentialKind.PROVIDER_ADMIN, consumers=())
        cli.store.commit(snapshot.id, snapshot.version, replace(snapshot.document, record=record), [])
        wiring.vendors.of = lambda record: Vendor(wiring.vendors.fake)
        assert looked(tokens.next_rotations, wiring)[:2] == ("next rotation", Level.OK)
        cli.clock.sleep(80 * DAY)
        (finding,) = list(tokens.next_rotations(wiring, tuple(wiring.store.scan())))
        assert (finding.check, finding.exit_code) == ("admin credential", ExitCode.FINDINGS)
        assert "TOKENGUARD_ADMIN_FAKE" in finding.hint

    def test_are_pinned_elsewhere(self, cli, wiring):
        cli.add()

        def refuse(record):
            raise InputError(
                f"{record.name} is pinned to another address", hint=f"tokenguard edit {record.name} --base-url x"
            )

        wiring.vendors.provider_of = refuse
        cli.clock.sleep(80 * DAY)
        check, level, text, hint = looked(tokens.next_rotations, wiring)
        assert (check, level, text) == ("provider", Level.FAIL, f"{NAME}: it is pinned to another address")
        assert hint == f"tokenguard edit {NAME} --base-url x"

    def test_have_consumers_that_cannot_be_reached_from_here(self, cli, wiring, tmp_path):
        target = tmp_path / "app" / ".env"
        target.parent.mkdir(mode=0o700)
        cli.add()
        self.declare(cli, f"dotenv:{target}#TOKEN")
        target.touch(mode=0o600)
        assert looked(tokens.next_rotations, wiring)[1] is Level.OK
        target.unlink()
        target.symlink_to("/etc/passwd")
        check, level, text, _ = looked(tokens.next_rotations, wiring)
        assert (check, level) == ("consumers", Level.WARN)
        assert str(target) in text

    def test_name_a_command_that_this_machine_does_not_know(self, cli, wiring):
        cli.add()
        self.declare(cli, "command:restart")
        assert "cannot deliver to command:restart from here" in looked(tokens.next_rotations, wiring)[2]

    def test_stop_where_nobody_has_said_who_uses_the_token(self, cli, wiring):
        cli.add()
        self.declare(cli, None)
        check, level, text, hint = looked(tokens.next_rotations, wiring)
        assert (check, level) == ("consumers", Level.WARN)
        assert "stops before revoking the old token" in text
        assert NAME in hint

    def test_overwrite_each_other_where_they_go_to_one_place(self, cli, wiring):
        for name in (NAME, "video/other/prod/upload"):
            cli.add(name)
            self.declare(cli, "vault:kv/app#token", name)
        found = [
            each for each in told(tokens.next_rotations, wiring, tuple(wiring.store.scan())) if "all go to" in each[2]
        ]
        assert [each[:3] for each in found] == [
            ("consumers", Level.WARN, f"{NAME}, video/other/prod/upload: all go to vault:kv/app#token")
        ]

    def test_share_a_cause_and_are_told_together(self, cli, wiring):
        for number in range(5):
            cli.add(f"video/app{number}/prod/upload")
            self.declare(cli, None, f"video/app{number}/prod/upload")
        assert "video/app2/prod/upload and 2 more: " in looked(tokens.next_rotations, wiring)[2]

    @staticmethod
    def declare(cli, target, name=NAME):
        kind, _, where = (target or "").partition(":")
        consumers = (Consumer(ConsumerKind(kind), where),) if target else None
        found = cli.store.find(name)
        record = replace(found.document.record, consumers=consumers)
        cli.store.commit(found.id, found.version, replace(found.document, record=record), [])


class TestOperations:
    def test_that_stand_too_long_must_be_mended(self, cli, wiring):
        cli.add()
        assert cli("edit", NAME, "--deliver", "person:ops").code == 0
        cli.tty = FakeTty()
        assert cli("rotate", NAME).code == 130
        check, level, text, hint = looked(tokens.operations, wiring)
        assert (check, level, hint) == ("operations", Level.WARN, f"tokenguard rotate {NAME} --resume")
        cli.clock.sleep(3 * DAY)
        check, level, text, hint = looked(tokens.operations, wiring)
        assert (level, hint) == (Level.FAIL, f"tokenguard rotate {NAME} --resume")
        assert "3 days ago" in text

    def test_that_are_over_leave_a_dead_value_to_be_looked_at(self, cli, wiring):
        cli.add()
        assert cli("rotate", NAME).code == 0
        assert looked(tokens.operations, wiring)[1] is Level.OK
        cli.clock.sleep(2 * DAY)
        assert looked(tokens.operations, wiring)[:2] == ("quarantine", Level.WARN)


class Counting:
    """A store that counts how often its inventory is read, or refuses to have it read."""

    def __init__(self, store, refusal=None):
        self.scans = 0
        self._store = store
        self._refusal = refusal

    def scan(self):
        self.scans += 1
        if self._refusal is not None:
            raise self._refusal
        return self._store.scan()

    def trails(self):
        self.scans += 1
        if self._refusal is not None:
            raise self._refusal
        return self._store.trails()

    def __getattr__(self, name):
        return getattr(self._store, name)


class TestTheInventory:
    def test_is_read_once_for_all_checks(self, cli, wiring):
        cli.add()
        wiring.store = Counting(wiring.store)
        assert {"clock", "operations", "next rotation"} <= {each.check for each in examine(wiring)}
        assert wiring.store.scans == 1

    def test_that_cannot_be_read_is_told_once(self, wiring):
        wiring.store = Counting(wiring.store, Unreachable("the store does not answer", hint="try again later"))
        last = list(examine(wiring))[-1]
        assert (last.check, last.text, last.exit_code) == (
            "inventory", "the store does not answer", ExitCode.UNREACHABLE,
        )  # fmt: skip


class TestListsThatOnlyAPersonSees:
    @pytest.fixture(autouse=True)
    def without_a_list(self, cli, wiring):
        wiring.vendors.fake = FakeProvider(cli.world, lists=False)
        cli.add(NAME, "--label", "upload")

    def test_were_never_read(self, wiring):
        check, level, _, hint = looked(tokens.lists, wiring)
        assert (check, level, hint) == ("lists", Level.WARN, "tokenguard verify --reconcile fake")

    def test_were_read_lately_or_long_ago(self, cli, wiring):
        assert cli("verify", "--reconcile", "fake", "--from-file", "-", stdin="upload\n").code == 0
        assert looked(tokens.lists, wiring)[1] is Level.OK
        cli.clock.sleep(31 * DAY)
        assert "31 days ago" in looked(tokens.lists, wiring)[2]


def git(*arguments):
    subprocess.run(["git", *arguments], check=True, env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]})


class TestTheHook:
    def checks(self, wiring):
        return {check: level for check, level, *_ in told(machine.hook, wiring)}

    def test_is_not_asked_for_outside_a_repository(self, wiring):
        assert self.checks(wiring) == {"hook": Level.OK}

    def test_what_brings_the_team_s_own_tokens_names_a_source(self, cli, wiring, tmp_path):
        git("init", "-q", ".")
        fix = told(machine.hook, wiring)[-1][-1]
        assert fix == "tokenguard fingerprints pull --from store"
        refused = cli(*fix.split()[1:])
        assert (refused.code, "fingerprints publish --to-store" in refused.err) == (2, True), refused

    @pytest.fixture
    def program(self, wiring, tmp_path):
        program = tmp_path / "bin" / "tokenguard-hook"
        program.parent.mkdir()
        program.touch(mode=0o755)
        wiring.environ = {**wiring.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}

    @pytest.mark.usefixtures("program")
    def test_is_missing_and_then_installed(self, cli, wiring):
        git("init", "-q", ".")
        assert self.checks(wiring) == {"hook": Level.WARN, "known tokens": Level.WARN}
        assert cli("doctor", "--install-hook").code == 0
        assert self.checks(wiring)["hook"] is Level.OK

    def test_would_fail_where_its_program_is_not(self, cli, wiring, tmp_path):
        git("init", "-q", ".")
        assert cli("doctor", "--install-hook").code == 0
        wiring.environ = {**wiring.environ, "PATH": f"{tmp_path}:/usr/bin:/bin"}
        assert self.checks(wiring)["hook"] is Level.FAIL

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            (".pre-commit-config.yaml", "repos: [{repo: x, hooks: [{id: tokenguard, entry: tokenguard-hook}]}]\n"),
            ("prek.toml", '[[repos]]\nrepo = "x"\nhooks = [{id = "tokenguard"}]\n'),
        ],
    )
    def test_of_a_runner_counts_if_it_runs_us_which_needs_no_program_on_the_path(self, wiring, tmp_path, name, text):
        git("init", "-q", ".")
        hook(tmp_path / ".git" / "hooks", "exec prek hook-impl --hook-type=pre-commit")
        assert self.checks(wiring)["hook"] is Level.WARN
        (tmp_path / name).write_text(text)
        assert self.checks(wiring)["hook"] is Level.OK

    def test_of_a_runner_that_takes_the_program_from_the_path(self, wiring, tmp_path):
        git("init", "-q", ".")
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "git").symlink_to(shutil.which("git"))
        wiring.environ = {**wiring.environ, "PATH": str(tmp_path / "bin")}  # this machine may have the program
        hook(tmp_path / ".git" / "hooks", "exec pre-commit run")
        text = "repos: [{repo: local, hooks: [{id: tokenguard, entry: tokenguard-hook, language: system}]}]\n"
        (tmp_path / ".pre-commit-config.yaml").write_text(text)
        assert self.checks(wiring)["hook"] is Level.FAIL

    @pytest.mark.usefixtures("program")
    @pytest.mark.parametrize("scope", ["--local", "--global"])
    @pytest.mark.parametrize("place", ["shared", ".husky/_"])
    def test_is_looked_for_where_git_looks(self, wiring, tmp_path, scope, place):
        """A hook in the repository is not run where `core.hooksPath` is set."""
        git("init", "-q", ".")
        hook(tmp_path / ".git" / "hooks", SCAN)
        assert self.checks(wiring)["hook"] is Level.OK
        git("config", scope, "core.hooksPath", place)
        _, level, _, fix = told(machine.hook, wiring)[0]
        assert (level, place in fix) == (Level.WARN, True)
        hook(tmp_path / place, ". h")
        hook(tmp_path / place.removesuffix("/_"), SCAN)
        assert self.checks(wiring)["hook"] is Level.OK

    @pytest.mark.usefixtures("program")
    def test_that_git_ignores_scans_nothing(self, wiring, tmp_path):
        git("init", "-q", ".")
        git("config", "core.hooksPath", "of $(touch sprung) mine")
        file = hook(tmp_path / "of $(touch sprung) mine", SCAN)
        file.chmod(0o644)
        _, level, _, fix = told(machine.hook, wiring)[0]
        assert level is Level.WARN
        subprocess.run(fix, shell=True, check=True)
        assert not (tmp_path / "sprung").exists()
        assert self.checks(wiring)["hook"] is Level.OK

    def test_of_another_program_is_not_to_be_overwritten(self, cli, wiring, tmp_path):
        git("init", "-q", ".")
        hook(tmp_path / ".git" / "hooks", "exec lint")
        _, level, _, fix = told(machine.hook, wiring)[0]
        assert (level, "--install-hook" in fix) == (Level.WARN, False)

    def test_in_a_bare_repository(self, wiring, tmp_path):
        """Nothing is committed there: what it runs is the hook for pushes."""
        git("init", "-q", "--bare", ".")
        _, level, _, fix = told(machine.hook, wiring)[0]
        assert (level, "--pre-receive" in fix, "--install-hook" in fix) == (Level.WARN, True, False)
        hook(tmp_path / "hooks", "exec tokenguard-hook --pre-receive", "pre-receive")
        assert self.checks(wiring)["hook"] is Level.OK


class TestFiles:
    def test_a_configuration_that_others_read_is_told(self, cli, wiring, tmp_path):
        path = tmp_path / "config.toml"
        path.write_text("")
        path.chmod(0o644)
        wiring.flags.config = str(path)
        check, level, _, hint = only(machine.settings, wiring)
        assert (check, level) == ("configuration", Level.WARN)
        assert hint.startswith("chmod 600 ")

    def test_one_of_our_own_is_fine(self, cli, wiring, tmp_path):
        path = tmp_path / "config.toml"
        path.write_text("")
        path.chmod(0o600)
        wiring.flags.config = str(path)
        assert only(machine.settings, wiring)[1] is Level.OK

    def test_an_environment_file_that_others_read_is_told(self, wiring, tmp_path):
        (tmp_path / ".env").write_text("A=1\n")
        (tmp_path / ".env").chmod(0o644)
        assert (".env mode", Level.WARN) in {each[:2] for each in told(machine.environment_file, wiring)}
        (tmp_path / ".env").chmod(0o600)
        assert {each[0] for each in told(machine.environment_file, wiring)} == {".env"}
