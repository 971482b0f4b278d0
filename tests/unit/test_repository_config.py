"""A configuration in a working tree is the repository's: it names no program, plug-in, host or destination."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.unit.test_config import GOOD
from tokenguard.errors import ExitCode, InputError
from tokenguard.shell.configuration import load_settings
from tokenguard.shell.repository_config import working_tree_of
from tokenguard.shell.scan_settings import user_scan_settings

REFUSED = {
    "a program": ("[commands.deploy]\nargv = ['/bin/sh']", "[commands.NAME] argv"),
    "a program that checks": (
        "[commands.deploy]\nargv = ['/bin/true']\nverify_argv = ['/bin/sh']",
        "[commands.NAME] verify_argv",
    ),
    "a plug-in": ("[scan]\ndetect_secrets_plugins = ['rules.py']", "[scan] detect_secrets_plugins"),
    "a filter": ("[scan]\ndetect_secrets_filters = ['rules.py::fine']", "[scan] detect_secrets_filters"),
    "a host of bundles": ("[scan]\nbundle = 'https://evil.example/bundle'", "[scan] bundle"),
    "the hook's way to the store": ("[scan]\nnames = true", "[scan] names"),
    "a provider's host": ("[providers.descript]\nbase_url = 'https://evil.example'", "[providers.NAME] base_url"),
    "a provider's file": ("[providers.acme]\nfile = 'acme.yaml'", "[providers.NAME] file"),
    "a provider's route": ("[providers.autoposting]\nrevoke_route = 'x'", "[providers.NAME] revoke_route"),
    "any secret of the runner as admin": (
        "[providers.descript]\nadmin = 'env:AWS_SECRET_ACCESS_KEY'",
        "[providers.NAME] admin",
    ),
    "a destination": ("[destinations.'gitlab.com']\ncredential = 'env:X'", "[destinations.NAME] credential"),
    "a destination's host": (
        "[destinations.'evil.example']\ncredential = 'env:X'\nurl = 'https://evil.example/api'",
        "[destinations.NAME] url",
    ),
    "a proxy": ("[network]\nproxy = 'http://evil.example'", "[network] proxy"),
    "an authority": ("[network]\nca_bundle = 'ca.pem'", "[network] ca_bundle"),
    "a Vault": ("[vault]\naddress = 'https://evil.example'", "[vault] address"),
    "one node of many": (
        "[vault]\naddress = ['env:TOKENGUARD_SERVER', 'https://evil.example']",
        "[vault] address",
    ),
    "a variable that others fill": ("[vault]\naddress = 'env:CI_COMMIT_TITLE'", "[vault] address"),
    "a Vault of the store": ("[store.vault]\naddress = 'https://evil.example'", "[store.vault] address"),
    "a Vault of one store": (
        "[stores.a]\nurl = 'vault://kv/a'\n[stores.a.vault]\naddress = 'https://evil.example'",
        "[stores.NAME.vault] address",
    ),
    "an authority of a Vault": ("[vault]\nca_bundle = 'ca.pem'", "[vault] ca_bundle"),
    "an endpoint": ("[aws]\nendpoint = 'https://evil.example'", "[aws] endpoint"),
    "a key": ("[aws]\nkms_key = 'arn:aws:kms:eu-central-1:1:key/x'", "[aws] kms_key"),
    "a role, and so an account": ("[aws]\nrole = 'arn:aws:iam::123456789012:role/x'", "[aws] role"),
    "a role in a variable that others fill": ("[aws]\nrole = 'env:GITHUB_HEAD_REF'", "[aws] role"),
}
ALLOWED = """
[store]
url = "vault://kv/video"
[stores.audio]
url = "vault://kv/audio"
[stores.audio.vault]
address = "env:TOKENGUARD_OTHER_SERVER"
[vault]
address = ["env:TOKENGUARD_SERVER", "env:TOKENGUARD_SECOND_SERVER"]
namespace = "teams/video"
auth = "jwt"
auth_mount = "tokenguard-github"
role = "env:TOKENGUARD_ROLE"
credential = "github-oidc:tokenguard"
wrapped = false
[aws]
role = "env:TOKENGUARD_ROLE"
credential = "env:TOKENGUARD_ID_TOKEN"
[policy]
file = "policy.yaml"
[providers.autoposting]
admin = "social/admin"
death_floor = "2m"
paging = "none"
[providers.descript]
admin = "env:TOKENGUARD_ADMIN_DESCRIPT"
"""
PROGRAM = "[commands.deploy]\nargv = ['/bin/true']\n"


def written(path: Path, text: str = PROGRAM) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


def git(directory: Path, *arguments: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    environ = {"PATH": os.environ["PATH"], "HOME": str(directory), "GIT_CONFIG_NOSYSTEM": "1"}
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always")
    subprocess.run(["git", *identity, *arguments], cwd=directory, env=environ, check=True, capture_output=True)


@pytest.fixture
def tree(tmp_path):
    git(tmp_path / "tree", "init", "-q")
    git(tmp_path / "tree", "commit", "-q", "--allow-empty", "-m", "x")
    return tmp_path / "tree"


@pytest.mark.parametrize(("text", "key"), REFUSED.values(), ids=REFUSED)
def test_a_file_in_a_working_tree_may_not_name(tree, text, key):
    path = written(tree / ".tokenguard/ci.toml", text)
    with pytest.raises(InputError) as caught:
        load_settings(str(path), {})
    assert caught.value.exit_code is ExitCode.USAGE
    assert key in caught.value.message
    assert "evil.example" not in str(caught.value)
    outside = written(tree.parent / "outside.toml", text)
    load_settings(str(outside), {})  # the same keys are the runner's to set


def test_all_of_them_are_told_at_once(tree, words):
    with pytest.raises(InputError) as caught:
        load_settings(str(written(tree / "config.toml", GOOD)), {})
    words(caught.value)
    with pytest.raises(InputError) as caught:
        load_settings(str(written(tree / "config.toml", "[vault]\naddress = 'https://vault.example.org'")), {})
    words(caught.value)


def test_which_store_policy_and_login_it_may_say(tree):
    settings = load_settings(str(written(tree / "config.toml", ALLOWED)), {})
    assert settings.store_url == "vault://kv/video"
    assert settings.policy_file == tree / "policy.yaml"


def _submodule(tree: Path) -> Path:
    git(tree.parent / "other", "init", "-q")
    git(tree.parent / "other", "commit", "-q", "--allow-empty", "-m", "x")
    git(tree, "submodule", "add", "-q", str(tree.parent / "other"), "vendor/other")
    return written(tree / "vendor/other/ci.toml")


def _worktree(tree: Path) -> Path:
    git(tree, "worktree", "add", "-q", str(tree.parent / "linked"))
    return written(tree.parent / "linked/ci.toml")


def _linked(link: Path, target: Path) -> Path:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)
    return link


def _through_a_folder(tree: Path) -> Path:
    written(tree.parent / "machine/ci.toml")
    return _linked(tree / "conf", tree.parent / "machine") / "ci.toml"


def _in_and_out_again(tree: Path) -> Path:
    inside = _linked(tree / "hop.toml", written(tree.parent / "machine/ci.toml"))
    return _linked(tree.parent / "named.toml", inside)


def _relative(tree: Path) -> Path:
    written(tree / "a/ci.toml")
    return _linked(tree.parent / "b/ci.toml", Path("../tree/a/../a/ci.toml"))


INSIDE = {
    "at the top": lambda tree: written(tree / "ci.toml"),
    "in a folder": lambda tree: written(tree / ".tokenguard/ci.toml"),
    "ignored by git": lambda tree: (written(tree / ".gitignore", "*.toml\n"), written(tree / "ci.toml"))[1],
    "in git's own folder": lambda tree: written(tree / ".git/ci.toml"),
    "in a submodule": _submodule,
    "in a linked worktree": _worktree,
    "in a repository in the repository": lambda tree: (
        git(tree / "inner", "init", "-q"),
        written(tree / "inner/c.toml"),
    )[1],
    "behind a link from outside": lambda tree: _linked(tree.parent / "link.toml", written(tree / "ci.toml")),
    "behind a relative link": _relative,
    "behind a linked folder from outside": lambda tree: (
        written(tree / "conf/ci.toml"),
        _linked(tree.parent / "conf", tree / "conf") / "ci.toml",
    )[1],
    "a link that the repository brings": lambda tree: _linked(
        tree / "ci.toml", written(tree.parent / "machine/ci.toml")
    ),
    "a linked folder that the repository brings": _through_a_folder,
    "through the repository and out again": _in_and_out_again,
    "named by a detour": lambda tree: written(tree / "ci.toml").parent / ".." / tree.name / "ci.toml",
}


@pytest.mark.parametrize("make", INSIDE.values(), ids=INSIDE)
def test_it_lies_in_the_tree(tree, make, monkeypatch):
    path = make(tree)
    for place in (tree.parent, tree):  # where one stands makes no difference
        monkeypatch.chdir(place)
        with pytest.raises(InputError):
            load_settings(str(path), {})
        with pytest.raises(InputError):
            load_settings("", {"TOKENGUARD_CONFIG": os.path.relpath(path)})


OUTSIDE = {
    "beside it": lambda tree: written(tree.parent / "ci.toml"),
    "beside it, under a longer name": lambda tree: written(tree.parent / "tree.tmp/TOKENGUARD_CONFIG"),
    "in a folder that only looks like git's": lambda tree: written(tree.parent / "x.git/ci.toml"),
}


@pytest.mark.parametrize("make", OUTSIDE.values(), ids=OUTSIDE)
def test_it_does_not_lie_in_the_tree(tree, make, monkeypatch):
    path = make(tree)
    monkeypatch.chdir(tree)
    checkout = {"GITHUB_WORKSPACE": str(tree), "CI_PROJECT_DIR": str(tree)}
    assert "deploy" in load_settings(str(path), checkout).commands


@pytest.mark.parametrize("variable", ["GITHUB_WORKSPACE", "CI_PROJECT_DIR", "GIT_WORK_TREE"])
def test_a_checkout_without_git_counts_where_the_job_says_so(tmp_path, variable):
    path = written(tmp_path / "checkout/ci.toml")
    load_settings(str(path), {})
    (tmp_path / "link").symlink_to(tmp_path / "checkout")
    for said in (tmp_path / "checkout", tmp_path / "link"):
        with pytest.raises(InputError):
            load_settings(str(path), {variable: str(said)})


def test_the_platforms_place_counts_as_well(tree, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tree / ".config"))
    written(tree / ".config/tokenguard/config.toml")
    with pytest.raises(InputError):
        load_settings("", {})


def test_the_hook_refuses_it_too(tree):
    path = written(tree / "ci.toml", "[scan]\ndetect_secrets_plugins = ['rules.py']\n")
    with pytest.raises(InputError):
        user_scan_settings({"TOKENGUARD_CONFIG": str(path)})


def test_links_in_a_circle_end(tmp_path):
    one = _linked(tmp_path / "one", tmp_path / "two")
    _linked(tmp_path / "two", one)
    assert working_tree_of(one / "ci.toml", {}) is None
