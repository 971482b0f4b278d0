"""`fmt`: one order, every comment kept, and a file that it cannot put in order is left as it is."""

import json

import pytest

from tests.cli.bad_manifests import cases, placed

MESSY = """\
# the tokens of the video team

# which format
version: 1
tokens:
      # uploads go here
      video/publisher/prod/upload:
            purpose: uploads   # why
            # who uses it
            consumers:
            - person:the desk
            - command:reload
            scope: drive:8c1f2a
            environment: prod
            provider: manual
            # the end of upload

      audio/a: {scope: "org:acme", provider: manual, environment: prod, purpose: >-
          folded
          text}
      # the end of the tokens
defaults:
   owner: video
# the end
"""
NEAT = """\
# the tokens of the video team

# which format
version: 1

defaults:
  owner: video

tokens:
  # uploads go here
  video/publisher/prod/upload:
    provider: manual
    scope: drive:8c1f2a
    environment: prod
    purpose: uploads   # why
    # who uses it
    consumers:
    - person:the desk
    - command:reload
    # the end of upload
  # the end of the tokens
# the end
"""


def test_keys_and_tokens_are_put_in_order_with_their_comments(cli, tmp_path, words):
    path = tmp_path / "tokens.yaml"
    text = MESSY[: MESSY.index("      audio/a")] + MESSY[MESSY.index("      # the end of the tokens") :]
    path.write_text(text)
    answer = cli("fmt", "--check")
    assert (answer.code, path.read_text()) == (1, text)
    words(answer)
    assert cli("fmt").code == 0
    assert path.read_text() == NEAT
    assert cli("fmt", "--check").code == 0
    assert cli("fmt", "--format", "json").document == {"changed": [], "written": True}


def test_included_files_are_put_in_order_too_and_keep_their_modes(cli, tmp_path):
    (tmp_path / "tokens.yaml").write_text("include: [b.yaml]\nversion: 1\n")
    (tmp_path / "b.yaml").write_text("tokens: {}\nversion: 1\n")
    (tmp_path / "b.yaml").chmod(0o644)
    (tmp_path / "other.yaml").write_text("tokens: {}\nversion: 1\n")
    assert sorted(cli("fmt", "--format", "json").document["changed"]) == ["b.yaml", "tokens.yaml"]
    assert (tmp_path / "b.yaml").read_text() == "version: 1\ntokens: {}\n"
    assert (tmp_path / "b.yaml").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "other.yaml").read_text().startswith("tokens")


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\ntokens: {}\n",
        "{version: 1, tokens: {}}\n",
        "# only\n# comments above\nversion: 1\n",
        "version: 1\n\ntokens:\n  a/b: {}\n  # between\n  c/d: {}\n",
        "version: 1\r\ndefaults:\r\n  owner: x\r\n",
        "\ufeffversion: 1\n",
        "version: 1\ntokens:\n  a/b:\n    notes: |-\n      # not a comment\n",
        'version: 1\ntokens:\n  a/b:\n    notes: "a\n      # not a comment\n      b"\n',
        "? version\n: 1\n",
        "tokens:\n  'b/b': {}\n  \"a/a\": {}\nversion: 1",
    ],
)
def test_whatever_comes_out_says_the_same_and_stays_as_it_is(cli, tmp_path, text):
    from tokenguard.documents import load_yaml

    path = tmp_path / "tokens.yaml"
    path.write_bytes(text.encode())
    answer = cli("fmt")
    after = path.read_bytes()
    assert answer.code in {0, 2}
    assert load_yaml(after, source="x") == load_yaml(text.encode(), source="x")
    if answer.code == 2:
        assert after == text.encode()
    else:
        assert cli("fmt", "--check").code == 0


def test_a_bad_manifest_is_not_touched(cli, tmp_path):
    path = tmp_path / "tokens.yaml"
    for name in ("owner 1", "an unknown key", "a value in a comment", "an anchor", "two documents"):
        text = placed(cases()[name][0])[0]
        path.write_text(text)
        cli.refused("fmt")
        assert path.read_text() == text


def test_a_file_that_may_not_be_written_and_a_link_are_bad_input(cli, tmp_path):
    target = tmp_path / "outside.yaml"
    target.write_text("tokens: {}\nversion: 1\n")
    (tmp_path / "tokens.yaml").symlink_to(target)
    cli.refused("fmt")
    assert (tmp_path / "tokens.yaml").is_symlink()
    cli.refused("fmt", "missing.yaml")


def test_the_schema_is_printed_without_a_file(cli):
    document = json.loads(cli("fmt", "--print-schema").out)
    assert document["$schema"].startswith("https://json-schema.org/")
    assert list(document["properties"]) == ["version", "include", "defaults", "environments", "tokens"]
