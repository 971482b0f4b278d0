"""Any bytes and any tree: a manifest is read, or refused with its place; nothing else, and nothing of it is quoted."""

import json
import re
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.bad_manifests import cases
from tokenguard.errors import InputError
from tokenguard.provisioning.manifest_fields import FIELDS, TOP
from tokenguard.usecases.load_manifest import declared_in

_PLACE = re.compile(r"tokens\.yaml:[1-9]\d*:[1-9]\d*: [^\n]+")
_words = st.one_of(
    st.sampled_from(
        [*FIELDS, *TOP, "a/b", "c/d/e", "prod", "1", "true", "guided", "drive:d1", "2027-01-01", "..", "x.yaml"]
    ),
    st.text(max_size=12),
)
_trees = st.recursive(
    st.one_of(st.none(), _words), lambda below: st.lists(below, max_size=3) | st.dictionaries(_words, below, max_size=4)
)
_token = st.dictionaries(st.sampled_from(list(FIELDS)), _trees, max_size=6)
_manifest = st.fixed_dictionaries(
    {"version": st.just("1")},
    optional={
        "tokens": st.dictionaries(_words, _token, max_size=3) | _trees,
        "defaults": _token | _trees,
        "environments": st.dictionaries(_words, st.fixed_dictionaries({"tokens": st.dictionaries(_words, _token, max_size=2)}), max_size=2) | _trees,
        "include": st.lists(_words, max_size=2) | _trees,
    },
)  # fmt: skip
_marker = "ZQXJKV"  # in capitals no name may have, so that it can only be quoted


def _read(data: bytes, environment: str = "") -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "tokens.yaml"
        path.write_bytes(data)
        refused, manifest = None, None
        try:
            manifest = declared_in(str(path), environment)
        except InputError as error:
            refused = error
    if refused is not None:
        assert _PLACE.fullmatch(refused.message), refused.message
        assert refused.hint
        assert _marker not in refused.message + refused.hint
    else:
        assert all(each.name for each in manifest.tokens)
        assert len(manifest.digest) == 64


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(_manifest, st.sampled_from(["", "prod"]))
def test_any_tree(tree, environment):
    _read(json.dumps(tree).encode(), environment)


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
)
def test_any_bytes(data):
    _read(data)
    _read(b"version: 1\ntokens:\n" + data)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(cases())),
    st.integers(0, 400),
    st.integers(0, 3),
    st.sampled_from([_marker, " ", "\n", ":", "\t", "- ", "'", "{"]),
)
def test_any_small_change_of_a_bad_manifest(name, at, drop, insert):
    text = cases()[name][0].replace("⟦", "")
    at = min(at, len(text))
    _read((text[:at] + insert + text[at + drop :]).encode())
