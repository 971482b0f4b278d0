"""`doctor --install-hook`: a plain hook where there is none, and nothing anywhere else."""

import os
import subprocess

import pytest

from tokenguard.cli.error_handler import run
from tokenguard.errors import InputError
from tokenguard.scanning.hook_file import COMMANDS, install_hook
from tokenguard.shell.wiring import Wiring


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("GIT_CONFIG_GLOBAL", raising=False)
    (tmp_path / "home").mkdir()
    here = tmp_path / "repository"
    subprocess.run(["git", "init", "-q", "--template=", str(here)], check=True)
    return here


def test_the_hook_is_two_executable_lines_and_a_second_time_is_no_change(repository):
    path, written = install_hook(repository, os.environ)
    assert path.read_text() == "#!/bin/sh\nexec tokenguard-hook\n"
    assert os.access(path, os.X_OK)
    assert written
    assert install_hook(repository, os.environ) == (path, False)


def test_a_push_hook_passes_on_what_git_says(repository):
    path, written = install_hook(repository, os.environ, "pre-push")
    assert (path.name, written) == ("pre-push", True)
    assert path.read_text() == '#!/bin/sh\nexec tokenguard-hook --pre-push -- "$@"\n'
    assert install_hook(repository, os.environ)[0].name == "pre-commit"
    assert install_hook(repository, os.environ, "pre-push") == (path, False)


@pytest.mark.parametrize(("stage", "command"), COMMANDS.items())
def test_the_command_of_each_hook_scans_what_git_hands_it(repository, tmp_path, stage, command):
    path, _ = install_hook(repository, os.environ, stage)
    program = tmp_path / "bin" / "tokenguard-hook"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$0" "$@" > {tmp_path}/called\n')
    program.chmod(0o755)
    environ = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    subprocess.run([path, "origin", "address"], check=True, env=environ, cwd=repository)
    words = (tmp_path / "called").read_text().split()[1:]
    given = {"commit-msg": ["--commit-msg", "origin"], "pre-push": ["--pre-push", "--", "origin", "address"]}
    assert words == given.get(stage, [])


def test_from_a_subdirectory_it_is_the_repositorys_hook(repository):
    (repository / "deep" / "down").mkdir(parents=True)
    path, _ = install_hook(repository / "deep" / "down", os.environ)
    assert path.resolve() == (repository / ".git" / "hooks" / "pre-commit").resolve()


@pytest.mark.parametrize("link", [False, True])
def test_another_hook_is_never_overwritten(repository, link, words):
    hooks = repository / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    other = repository / "other"
    other.write_text("#!/bin/sh\n")
    if link:
        (hooks / "pre-commit").symlink_to(other)
    else:
        (hooks / "pre-commit").write_text("#!/bin/sh\n")
    with pytest.raises(InputError) as caught:
        install_hook(repository, os.environ)
    words(caught.value)
    assert (hooks / "pre-commit").read_text() == other.read_text() == "#!/bin/sh\n"


def test_a_directory_of_hooks_that_is_a_link_is_refused(repository, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (repository / ".git" / "hooks").symlink_to(elsewhere)
    with pytest.raises(InputError, match="link"):
        install_hook(repository, os.environ)
    assert not list(elsewhere.iterdir())


@pytest.mark.parametrize("scope", ["--local", "--global"])
def test_hooks_that_are_elsewhere_are_left_alone(repository, tmp_path, scope):
    subprocess.run(["git", "config", scope, "core.hooksPath", str(tmp_path / "shared")], check=True, cwd=repository)
    with pytest.raises(InputError, match="hooksPath"):
        install_hook(repository, os.environ)
    assert not (tmp_path / "shared").exists()


def test_outside_a_repository_there_is_nothing_to_install(tmp_path, words):
    with pytest.raises(InputError) as caught:
        install_hook(tmp_path, os.environ)
    words(caught.value)


def test_doctor_installs_it_without_a_store(repository, monkeypatch, capfd):
    monkeypatch.chdir(repository)
    assert run(["doctor", "--install-hook", "--no-input"], Wiring(environ=dict(os.environ))) == 0
    assert capfd.readouterr().out.startswith("written: ")
    assert (repository / ".git" / "hooks" / "pre-commit").exists()
    assert run(["doctor", "--install-hook", "pre-push", "--no-input"], Wiring(environ=dict(os.environ))) == 0
    assert (repository / ".git" / "hooks" / "pre-push").exists()
    assert run(["doctor", "--install-hook", "post-commit", "--no-input"], Wiring(environ=dict(os.environ))) == 2
