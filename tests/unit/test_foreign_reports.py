"""Finding files of other scanners: every value is taken for its fingerprint, none is shown, hostile files are refused."""

import contextlib
import json
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenguard.errors import InputError
from tokenguard.scanning.foreign_reports import read_report

VALUE = f"tgcanary{secrets.token_hex(16)}"

GITLEAKS = [
    {
        "RuleID": "generic-api-key", "Description": "…", "StartLine": 3, "EndLine": 3, "StartColumn": 1,
        "EndColumn": 9, "Match": f"key={VALUE}", "Secret": VALUE, "File": "app.py", "SymlinkFile": "",
        "Commit": "c" * 40, "Entropy": 4.2, "Author": "", "Email": "", "Date": "2026-10-01T08:00:00Z",
        "Message": "", "Tags": [], "Fingerprint": "app.py:generic-api-key:3",
    }
]  # fmt: skip
TRUFFLEHOG = {
    "SourceMetadata": {
        "Data": {
            "Git": {
                "commit": "c" * 40, "file": "app.py", "email": "", "repository": "",
                "timestamp": "2026-10-01 08:00:00 +0000", "line": 3,
            }
        }
    },
    "SourceID": 1, "SourceType": 16, "SourceName": "trufflehog - git", "DetectorType": 2, "DetectorName": "Custom",
    "DecoderName": "PLAIN", "Verified": False, "Raw": VALUE, "RawV2": "", "Redacted": "", "ExtraData": None,
    "StructuredData": None,
}  # fmt: skip
KINGFISHER_ONE = {
    "rule": {"name": "generic", "id": "kingfisher.generic.1"},
    "finding": {
        "snippet": VALUE, "fingerprint": "1", "confidence": "medium", "entropy": "4.2",
        "validation": {"status": "Not Attempted", "response": ""}, "language": "Python", "line": 3,
        "column_start": 1, "column_end": 9, "path": "app.py",
        "git_metadata": {"commit": {"id": "c" * 40, "date": "2026-10-01T08:00:00Z"}},
    },
}  # fmt: skip
KINGFISHER = {"findings": [KINGFISHER_ONE], "metadata": {"summary": {"findings": 1}}}
GGSHIELD = {
    "id": "a..b",
    "type": "commit-range",
    "scans": [
        {
            "id": "c" * 40,
            "type": "commit",
            "extra_info": {"author": "", "email": "", "date": "2026-10-01T08:00:00Z"},
            "entities_with_incidents": [
                {
                    "mode": "MODIFY",
                    "filename": "app.py",
                    "incidents": [
                        {
                            "policy": "Secrets detection", "type": "Generic", "validity": "no_checker",
                            "occurrences": [{"match": VALUE, "type": "apikey", "line_start": 3, "line_end": 3}],
                        }
                    ],
                }
            ],
        }
    ],
    "total_incidents": 1,
    "total_occurrences": 1,
}  # fmt: skip
FORMS = {
    "gitleaks": json.dumps(GITLEAKS, indent=1),
    "trufflehog": json.dumps(TRUFFLEHOG),
    "trufflehog, many": "\n".join([json.dumps(TRUFFLEHOG)] * 2),
    "kingfisher": json.dumps(KINGFISHER) + '\n{"findings": 1, "kingfisher": {"version_used": "2"}}\n',
    "kingfisher, lines": json.dumps(KINGFISHER_ONE) + "\n" + json.dumps(KINGFISHER_ONE),
    "ggshield": json.dumps(GGSHIELD),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_gives_place_commit_date_and_value(form):
    sighting = read_report(FORMS[form].encode(), source="f.json")[0]
    assert sighting.scanner == form.partition(",")[0]
    assert (sighting.path, sighting.line, sighting.commit) == ("app.py", 3, "c" * 40)
    assert sighting.since.startswith("2026-10-01")
    assert VALUE in {value.reveal() for value in sighting.values}
    assert VALUE not in repr(sighting)


def test_our_own_findings_carry_a_code_instead_of_a_value():
    own = {"kind": "own", "type": "own token", "path": "a", "line": 1, "token": "a" * 32, "report": "a" * 12}
    rule = {"kind": "rule", "type": "Secret Keyword", "path": "b", "line": 2, "tag": "0" * 32}
    data = json.dumps({"scanned": {"files": 1}, "findings": [own | {"state": "live"}, rule]}).encode()
    first, second = read_report(data, source="f.json")
    assert (first.token, first.values, second.token, second.values) == ("a" * 12, (), "", ())


def test_a_rule_that_noticed_an_own_token_too_is_no_second_leak():
    own = {"kind": "own", "path": "a", "line": 1, "column": 7, "report": "a" * 12}
    rules = [{"kind": "rule", "path": "a", "line": 1, "column": column} for column in (7, 9)]
    data = json.dumps({"scanned": {}, "findings": [rules[0], own, rules[1]]}).encode()
    assert [each.token for each in read_report(data, source="f.json")] == ["a" * 12, ""]
    placeless = [{name: each[name] for name in ("kind", "path", "line")} for each in (own, rules[0])]
    data = json.dumps({"scanned": {}, "findings": placeless}).encode()
    assert len(read_report(data, source="f.json")) == 2


@pytest.mark.parametrize("mask", ["REDACTED", "DDACC7****3C39", "tgcanar...", "[REDACTED:sha256:00]"])
def test_a_value_that_the_scanner_left_out_is_no_value(mask):
    data = json.dumps([GITLEAKS[0] | {"Secret": mask, "Match": f"key={mask}"}]).encode()
    assert read_report(data, source="f.json")[0].values == ()


def test_a_file_named_after_the_value_is_shown_masked():
    data = json.dumps([GITLEAKS[0] | {"File": f"backup/{VALUE}.txt"}]).encode()
    assert read_report(data, source="f.json")[0].path == "backup/****.txt"


@pytest.mark.parametrize("data", [b"", b"[]", b"\n", b'{"findings": []}', b'{"scanned": {}, "findings": []}'])
def test_a_file_without_findings_has_none(data):
    assert read_report(data, source="f.json") == []


@pytest.mark.parametrize(
    "data",
    [
        b"not json", b"{}", b"[1]", b'"text"', b"null", b'{"a": 1}', b"[" * 5_000, b'{"a": 1, "a": 2}', b"\xff\xfe",
        b'{"SourceMetadata": 1}\nrubbish', b"[{}]",
    ],
)  # fmt: skip
def test_what_is_no_finding_file_is_refused_and_not_quoted(data):
    with pytest.raises(InputError) as caught:
        read_report(data, source="f.json")
    assert "rubbish" not in caught.value.message


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda node: st.lists(node, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["findings", "finding", "rule", "scanned", "SourceMetadata", "Data", "RuleID", "Secret", "scans",
             "entities_with_incidents", "incidents", "occurrences", "match", "path", "line", "kind", "git_metadata"]
        ),
        node,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(_JSON)
def test_any_json_is_read_or_refused_in_our_words(tree):
    with contextlib.suppress(InputError):
        read_report(json.dumps(tree).encode(), source="f.json")
