"""`audit checkpoint` and `audit bundle`: evidence that a verifier of its own accepts, and refuses after every change."""

import copy
import importlib.util
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenguard.audit.merkle_tree import inclusion_proof, root_hash
from tokenguard.domain.names import token_name

NAME, OTHER = "video/app/prod/upload", "audio/site/prod/player"
SCRIPT = Path(__file__).parents[2] / "docs" / "spec" / "verify_evidence.py"
_spec = importlib.util.spec_from_file_location("verify_evidence", SCRIPT)
verifier = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(verifier)


@pytest.fixture
def key(tmp_path):
    return tmp_path / "keys" / "evidence.key"


@pytest.fixture
def bundles(cli, key, tmp_path):
    """An earlier bundle, a checkpoint between, and a later bundle of one token, with the key that verifies them."""
    cli.add(NAME)
    cli.add(OTHER)
    earlier, note, later = (tmp_path / name for name in ("earlier.json", "note.txt", "later.json"))
    assert cli("audit", "bundle", NAME, "--key-file", str(key), "--create-key", "--output", str(earlier)).code == 0
    assert cli("edit", NAME, "--purpose", 'übung \N{GRINNING FACE} "x" \\').code == 0
    assert cli("rotate", NAME).code == 0
    assert cli("audit", "checkpoint", "--key-file", str(key), "--create-key", "--output", str(note)).code == 0
    answer = cli("audit", "bundle", NAME, "--key-file", str(key), "--create-key", "--output", str(later))
    assert answer.code == 0, answer
    (line,) = [line for line in answer.err.splitlines() if "verify with " in line]
    return earlier, note, later, line.rpartition("verify with ")[2]


def verified(capfd, bundle, key, *pins):
    capfd.readouterr()
    code = verifier.main([str(bundle), "--key", key, *(word for pin in pins for word in ("--pin", str(pin)))])
    return code, capfd.readouterr().out


def test_what_was_written_holds_with_and_without_pins(bundles, capfd):
    earlier, note, later, key = bundles
    assert verified(capfd, later, key, earlier, note)[0] == 0
    assert verified(capfd, earlier, key)[0] == 0


def edit(bundle):
    bundle["entries"][1]["event"]["detail"]["reason"] = "another"


def swap(bundle):
    bundle["entries"][2], bundle["entries"][3] = bundle["entries"][3], bundle["entries"][2]


def insert(bundle):
    """As an attacker would who can compute hashes: the entry follows, and those after it have new numbers."""
    entries = bundle["entries"]
    made = copy.deepcopy(entries[2]) | {"seq": 4, "prev": entries[2]["hash"]}
    made["hash"] = verifier.entry_hash(bundle["chain"], made)
    for entry in entries[3:]:
        entry["seq"] += 1
    entries.insert(3, made)


ATTACKS = {
    "edited": edit,
    "missing or out of order": lambda bundle: bundle["entries"].pop(2),
    "missing or out of order ": swap,
    "missing or inserted": insert,
    "replayed": lambda bundle: bundle["entries"].insert(2, bundle["entries"][1]),
    "truncated": lambda bundle: bundle["entries"].pop(),
    "misplaced": lambda bundle: bundle["proof"].pop(),
    "misplaced  ": lambda bundle: bundle.update(index=-1),
    "added": lambda bundle: bundle["entries"][1].update(note="proven"),
    "added ": lambda bundle: bundle.update(chains=9),
    "added  ": lambda bundle: bundle["entries"][1]["event"].update(proven=True),
    "renamed": lambda bundle: bundle.update(token="prod/bank/other\n\x1b[2J"),
    "misplaced ": lambda bundle: bundle["proof"].append("0" * 64),
    "forged": lambda bundle: bundle.update(checkpoint=bundle["checkpoint"].replace("\n", "\n1", 1)),
    "unsigned": lambda bundle: bundle.update(checkpoint=bundle["checkpoint"].partition("\n\n")[0] + "\n\n"),
}


@pytest.mark.parametrize("told", ATTACKS)
def test_every_change_of_a_bundle_is_told_by_its_kind(bundles, tmp_path, capfd, told):
    *_, later, key = bundles
    content = json.loads(later.read_text())
    ATTACKS[told](content)
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(content))
    code, said = verified(capfd, changed, key)
    assert (code, said.startswith(f"does not hold: {told.strip()}")) == (1, True), said


def test_a_key_that_occurs_twice_is_refused(bundles, tmp_path, capfd):
    *_, later, key = bundles
    doubled = tmp_path / "doubled.json"
    doubled.write_text(later.read_text().replace('"token":', '"token": "prod/bank/other", "token":', 1))
    assert verified(capfd, doubled, key)[0] == 1


def test_a_store_that_was_rewound_with_its_anchor_is_told_by_a_pin(bundles, capfd):
    """Whoever resets both can sign again; only what was kept elsewhere knows better."""
    earlier, note, later, key = bundles
    for pin in (note, later):
        code, said = verified(capfd, earlier, key, pin)
        assert (code, "rolled back" in said) == (1, True), said


def test_a_history_that_was_written_anew_is_told_by_a_pin(bundles, cli, key, tmp_path, capfd):
    earlier, _, _, verify_key = bundles
    cli.store = type(cli.store)(cli.clock)
    cli.add(NAME)
    for _ in range(3):
        assert cli("rotate", NAME).code == 0
    anew = tmp_path / "anew.json"
    assert cli("audit", "bundle", NAME, "--key-file", str(key), "--create-key", "--output", str(anew)).code == 0
    code, said = verified(capfd, anew, verify_key, earlier)
    assert code == 1, said


def test_another_key_and_another_token_are_refused(bundles, cli, key, tmp_path, capfd):
    _earlier, _, later, verify_key = bundles
    other = tmp_path / "other.json"
    assert cli("audit", "bundle", OTHER, "--key-file", str(key), "--create-key", "--output", str(other)).code == 0
    assert verified(capfd, later, verify_key, other)[0] == 1
    answer = cli(
        "audit",
        "bundle",
        NAME,
        "--key-file",
        str(tmp_path / "second.key"),
        "--create-key",
        "--output",
        str(other),
        "--force",
    )
    assert answer.code == 2
    assert (
        cli(
            "audit", "bundle", NAME, "--key-file", str(tmp_path / "second.key"), "--create-key", "--output", str(other)
        ).code
        == 0
    )
    assert verified(capfd, other, verify_key)[0] == 1
    assert verified(capfd, tmp_path / "none.json", verify_key)[0] == 2


def test_a_broken_store_is_never_signed(cli, key):
    cli.add(NAME)
    found = cli.store.find(token_name(NAME))
    cli.store._entries[found.id].pop(1)
    answer = cli("audit", "checkpoint", "--key-file", str(key), "--create-key")
    assert (answer.code, answer.out) == (6, "")


def test_a_bundle_holds_no_value(cli, key):
    value = cli.add(NAME)
    answer = cli("audit", "bundle", NAME, "--key-file", str(key), "--create-key")
    assert value not in answer.out + answer.err
    assert cli("audit", "checkpoint", "--key-file", str(key), "--create-key").out.startswith("tokenguard/")


def test_a_key_file_that_others_can_read_or_that_is_none_is_refused(cli, tmp_path):
    cli.add(NAME)
    open_file, wrong = tmp_path / "open.key", tmp_path / "wrong.key"
    open_file.write_text("x")
    open_file.chmod(0o644)
    wrong.write_text("AAAA\n")
    wrong.chmod(0o600)
    for file in (open_file, wrong):
        cli.refused("audit", "checkpoint", "--key-file", str(file), "--create-key")
    cli.refused("audit", "checkpoint")


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=40), st.data())
def test_a_leaf_leads_to_the_root_and_another_one_does_not(leaves, data):
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof = inclusion_proof(leaves, index)
    assert verifier.tree_root(leaves[index], index, len(leaves), proof) == root_hash(leaves)
    assert verifier.tree_root(leaves[index] + b"x", index, len(leaves), proof) != root_hash(leaves)


def test_the_tree_is_that_of_the_rfc():
    """Known answers: the tree of nothing, and of the leaves of Certificate Transparency's own test vectors."""
    assert root_hash([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    leaves = [bytes.fromhex(each) for each in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
    assert root_hash(leaves[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert root_hash(leaves).hex() == "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"


def test_the_verifier_is_short_and_imports_nothing_of_ours():
    text = SCRIPT.read_text()
    assert len(text.splitlines()) <= 200
    assert "import tokenguard" not in text
    assert "from tokenguard" not in text
