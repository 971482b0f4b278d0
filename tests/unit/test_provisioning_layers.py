"""Includes, defaults and overlays: what they add up to, and that a poisoned one reads and reaches nothing."""

import os
import socket

import pytest

from tests.cli.manifests import HEAD
from tokenguard.errors import InputError
from tokenguard.usecases.load_manifest import declared_in

FULL = "{provider: fake, scope: drive:d1, owner: video, purpose: uploads, environment: prod}"
CANARY = "tgcanary-outside"


@pytest.fixture
def repository(tmp_path):
    """A repository, and a file outside it that nobody may read."""
    (tmp_path / "outside.yaml").write_text(f"version: 1\ntokens:\n  {CANARY}/x: {FULL}\n")
    inside = tmp_path / "repository"
    inside.mkdir()
    return inside


def written(folder, **files):
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + ".yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(folder / "tokens.yaml")


def read(folder, environment=""):
    return {each.name: each for each in declared_in(str(folder / "tokens.yaml"), environment).tokens}


def refused(folder, environment=""):
    with pytest.raises(InputError) as caught:
        read(folder, environment)
    assert CANARY not in caught.value.message + caught.value.hint
    return caught.value.message


def test_defaults_hold_for_a_file_and_what_it_includes_and_are_overridden_there(repository):
    written(
        repository,
        tokens=HEAD + "include: [teams/a.yaml]\ntokens: {a/top: {purpose: own}}\n",
        teams__a="version: 1\ndefaults: {owner: audio}\ninclude: [deep/b.yaml]\ntokens: {a/mid: {}}\n",
        teams__deep__b="version: 1\ntokens: {a/low: {scope: 'drive:d2'}}\n",
    )
    found = read(repository)
    assert {name: (each.owner, each.purpose, each.scope.id) for name, each in found.items()} == {
        "a/low": ("audio", "uploads", "d2"), "a/mid": ("audio", "uploads", "d1"), "a/top": ("video", "own", "d1"),
    }  # fmt: skip


def test_an_environment_lays_its_fields_over_and_leaves_other_environments_out(repository, words):
    head = HEAD.replace("  environment: prod\n", "")
    written(
        repository,
        tokens=head + "environments: {prod: overlays/prod.yaml, staging: {tokens: {a/b: {deputy: grace}}}}\n"
        "tokens: {a/b: {}, a/only: {environment: staging}}\n",
        overlays__prod="version: 1\ntokens: {a/b: {scope: 'drive:d9', consumers: ['person:x']}}\n",
    )
    prod, staging = read(repository, "prod"), read(repository, "staging")
    assert set(prod) == {"a/b"}
    assert (str(prod["a/b"].scope), prod["a/b"].environment, prod["a/b"].deputy) == ("drive:d9", "prod", None)
    assert set(staging) == {"a/b", "a/only"}
    assert (str(staging["a/b"].scope), staging["a/b"].deputy) == ("drive:d1", "grace")
    words(refused(repository))
    words(refused(repository, "test"))


def test_a_mistyped_environment_never_passes_for_an_empty_one(repository, words):
    written(repository, tokens=HEAD + "tokens: {a/b: {}, a/c: {environment: test}}\n")
    assert set(read(repository, "test")) == {"a/c"}
    words(refused(repository, "pord"))
    written(repository, tokens=HEAD.replace("  environment: prod\n", "") + "tokens: {a/b: {}}\n")
    words(refused(repository, "pord"))


def test_a_wrong_overlay_is_refused_whichever_environment_is_chosen(repository, words):
    written(repository, tokens=HEAD + "environments: {prod: {}, test: {tokens: {a/x: {}}}}\ntokens: {a/b: {}}\n")
    words(refused(repository, "prod"))


def test_the_digest_is_of_what_is_declared_and_not_of_how_it_is_written(repository):
    one = written(repository, tokens=HEAD + "tokens: {a/b: {}}\n")
    plain = declared_in(one, "").digest
    written(repository, tokens=HEAD + "# said in two files\ninclude: [b.yaml]\n", b="version: 1\ntokens:\n  a/b: {}\n")
    assert declared_in(one, "").digest == plain
    written(repository, b="version: 1\ntokens:\n  a/b: {notes: x}\n")
    assert declared_in(one, "").digest != plain


def test_a_token_declared_in_two_files_is_refused_and_both_places_are_named(repository):
    written(repository, tokens=HEAD + "include: [b.yaml]\ntokens: {a/b: {}}\n", b="version: 1\ntokens:\n  a/b: {}\n")
    with pytest.raises(InputError) as caught:
        read(repository)
    assert caught.value.message.startswith("b.yaml:3:3: ")
    assert "tokens.yaml:9:10" in caught.value.hint


POISON = [
    "../outside.yaml", "/etc/passwd", "~/x.yaml", "~root/x.yaml", "a/../../outside.yaml", "./a.yaml", "a//b.yaml",
    "https://127.0.0.1/x.yaml", "file:///etc/x.yaml", "$HOME/x.yaml", "%HOME%/x.yaml", "*.yaml", "a?.yaml", "..",
    "a.yaml/..", "\\\\\\\\server\\\\x.yaml", "c:x.yaml", "a.txt", ".git/config", ".env.yaml", "x.yaml#y", "x.yaml?y",
    "a\\u0000.yaml", "x" * 250 + ".yaml", "a/" * 10 + "x.yaml", " a.yaml", "a.yaml ", "-r.yaml", "é.yaml",
]  # fmt: skip


@pytest.mark.parametrize("path", POISON)
@pytest.mark.parametrize("where", ["include: [{}]", "environments: {{prod: {}}}"])
def test_a_path_that_leads_out_or_is_looked_up_is_refused_before_anything_is_opened(
    repository, path, where, monkeypatch
):
    written(repository, tokens=HEAD + where.format(f'"{path}"') + "\ntokens: {}\n")
    opened = []
    real = os.open
    monkeypatch.setattr(os, "open", lambda name, *rest, **more: opened.append(str(name)) or real(name, *rest, **more))
    monkeypatch.setattr(socket, "socket", None)
    message = refused(repository, "prod")
    assert message.startswith("tokens.yaml:8:")
    assert set(opened) <= {str(repository), "tokens.yaml"}


def test_links_are_not_followed_wherever_they_stand(repository, tmp_path, words):
    outside = tmp_path / "outside.yaml"
    (repository / "link.yaml").symlink_to(outside)
    written(repository, tokens=HEAD + "include: [link.yaml]\n")
    words(refused(repository))
    (repository / "folder").symlink_to(tmp_path)
    written(repository, tokens=HEAD + "include: [folder/outside.yaml]\n")
    words(refused(repository))
    (repository / "tokens.yaml").unlink()
    (repository / "tokens.yaml").symlink_to(outside)
    words(refused(repository))


def test_what_is_no_plain_file_or_too_large_is_not_read(repository, words):
    written(repository, tokens=HEAD + "include: [x.yaml]\n")
    os.mkfifo(repository / "x.yaml")
    words(refused(repository))
    (repository / "x.yaml").unlink()
    (repository / "x.yaml").mkdir()
    words(refused(repository))
    (repository / "x.yaml").rmdir()
    (repository / "x.yaml").write_bytes(b"#" * ((1 << 20) + 1))
    assert "larger than" in refused(repository)
    (repository / "x.yaml").write_bytes(b"version: 1\n")
    os.truncate(repository / "x.yaml", 10 << 30)
    assert "larger than" in refused(repository)


def test_many_files_deep_includes_circles_and_much_text_end(repository, words):
    written(repository, tokens=HEAD + "include: [a.yaml]\n", a="version: 1\ninclude: [tokens.yaml]\n")
    assert refused(repository).startswith("a.yaml:2:11: include: this file is already included")
    written(repository, a="version: 1\ninclude: [a.yaml]\n")
    words(refused(repository))
    for number in range(6):
        written(repository, **{f"d{number}": f"version: 1\ninclude: [d{number + 1}.yaml]\n"})
    written(repository, tokens=HEAD + "include: [d0.yaml]\n")
    words(refused(repository))
    for number in range(5):
        (repository / f"big{number}.yaml").write_text("version: 1\n" + "#" * ((1 << 20) - 20))
    written(repository, tokens=HEAD + f"include: [{', '.join(f'big{number}.yaml' for number in range(5))}]\n")
    words(refused(repository))
    for number in range(100):
        written(repository, **{f"many{number}": "version: 1\n"})
    written(repository, tokens=HEAD + f"include: [{', '.join(f'many{number}.yaml' for number in range(100))}]\n")
    words(refused(repository))


def test_a_bomb_of_nodes_ends(repository, words):
    written(repository, tokens="version: 1\ntokens: {" + ", ".join(f"a{n}: {{}}" for n in range(10_001)) + "}\n")
    words(refused(repository))
    written(repository, tokens="version: 1\ninclude: [" + "x," * 210_000 + "]\n")
    words(refused(repository))


def test_the_environment_of_the_process_makes_no_difference(repository, monkeypatch):
    path = written(repository, tokens=HEAD + "tokens: {a/b: {notes: $HOME}}\n")
    before = declared_in(path, "")
    monkeypatch.setenv("HOME", CANARY)
    assert read(repository)["a/b"].notes == "$HOME"
    assert declared_in(path, "").digest == before.digest


def test_consumers_on_hosts_are_read_without_asking_anybody(repository, monkeypatch):
    places = ["github:team/app#TOKEN", "gitlab:team/app#TOKEN", "vault://kv/team/x#field", "doppler:app/prd#TOKEN"]
    written(repository, tokens=HEAD + f"tokens: {{a/b: {{consumers: {places}}}}}\n")
    monkeypatch.setattr(socket, "socket", None)
    assert [str(each) for each in read(repository)["a/b"].consumers] == places
