"""A history is read by its changes: what is found in it is what a scan of every version would find."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.fakes.git_repository import Repository
from tests.property.test_scan_rules import mutated
from tests.unit.test_detection_rules import SUFFIXES, secret_lines
from tokenguard.detection import detect_secrets_adapter, version_diff
from tokenguard.detection.match import Possible, TextMatch
from tokenguard.detection.prefilter import prefilter
from tokenguard.detection.version_diff import FileVersions
from tokenguard.domain.finding import Report
from tokenguard.domain.profile import Profile
from tokenguard.scanning import history, skip_unchanged
from tokenguard.scanning.content import Blob, ChangedBlob, Message
from tokenguard.scanning.jobs import ScanJob
from tokenguard.scanning.scanner import Stages, Suppressor, matches_of
from tokenguard.scanning.skip_clean import judged_together
from tokenguard.scanning.skip_unchanged import Passing

CALM = ["import os", "x = 1", "", "name: value", "- item", "[section]", "a = b", "# a comment", "text without any", "k: [a, b]", "\tindented", "caf\xe9 = 2", "100%",
        "# descript", "x = 'dsc_q8Zk2LmWv5Rt9YbN4cXp7HdT'", "QUJDREVGR0hJSktM", "MTIzNDU2Nzg5", "-----END RSA PRIVATE KEY-----"]  # fmt: skip
APART = [
        "kind: Secret", "stringData:", "  word: 'q8Zk2LmW'", "---", "password:", "- password: |", "  secret: >", "    q8Zk2LmWv5Rt", "x = 1  # pragma: no cover", "<<: *a", "k: &a 1",
        "- name: DB_PASSWORD", "  value: q8Zk2LmWv5Rt9YbN4cXp7HdT", "password = \\", "<key>api_token</key>", "<string>q8Zk2LmWv5Rt9YbN</string>"
]  # fmt: skip
"""Lines that may say something together with others."""
PAIRED = [
    "  - name: DB_PASSWORD",
    "    value: q8Zk2LmWv5Rt9YbN4cXp7HdT",
    "api_token:",
    "  q7Zk2LmWv5Rt9YbN4cXp7HdT",
    "password: |",
]


def next_version(lines: list[str], source: random.Random, calm: Sequence[str] = CALM) -> list[str]:
    """A few lines changed, put in, moved or taken out; now and then one that a rule may look at."""
    lines = list(lines)
    for _ in range(source.randint(1, 3)):
        at = source.randrange(len(lines) + 1)
        kind = source.random()
        if kind < 0.25 and lines:
            del lines[at : at + source.randint(1, 3)]
        elif kind < 0.4:
            line = source.choice([*secret_lines(source), *PAIRED])
            lines.insert(at, line if source.random() < 0.5 else mutated(line, source))
        elif kind < 0.5 and len(lines) > 1:
            lines.insert(at, lines.pop(source.randrange(len(lines))))
        else:
            lines.insert(at, source.choice(calm))
    return lines


def places(found: object) -> dict[tuple, tuple[int, int]]:
    """Where each token is told first."""
    told: dict[tuple, tuple[int, int]] = {}
    for each in found:
        if isinstance(each, TextMatch):
            told.setdefault((each.kind, each.type, each.whole.reveal()), (each.line, each.column))
    return told


def new_in_each(versions: list[bytes], path: str, stages: Stages, *, whole: bool = False) -> list[dict]:
    """What is told of each version that was told of none before it."""
    blobs = [Blob(path=path, data=each) for each in versions]
    judged = ((each, Possible.ANYTHING) for each in blobs) if whole else Passing(stages).judged(blobs)
    told: dict[tuple, tuple[int, int]] = {}
    every = []
    for blob, possible in judged:
        data = blob.lines if isinstance(blob, ChangedBlob) else blob.data
        found = places(matches_of(data, path, stages, possible=possible)) if possible else {}
        every.append({token: place for token, place in found.items() if token not in told})
        told |= found
    return every


def seen(report: Report) -> set[tuple]:
    return {(*found.place, found.kind, found.origin.commit) for found in report.findings}


def campaign(directory: Path, commits: int, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    source = random.Random(seed)
    repository = Repository(directory / str(seed))
    files = [f"f{number}.{source.choice((*SUFFIXES[:4], 'yml', 'cfg', 'txt', 'ini', 'env'))}" for number in range(6)]
    versions = {name: source.choices(CALM, k=source.randint(0, 12)) for name in files}
    older = {name: [lines] for name, lines in versions.items()}
    stream = []
    for number in range(commits):
        name = source.choice(files)
        before = versions[name] if source.random() < 0.75 else source.choice(older[name])  # as a revert has it
        versions[name] = next_version(before, source)
        older[name].append(versions[name])
        end = source.choice(["\n", "\n", "\n", "\r\n", ""])
        data = "\n".join(versions[name]).replace("\n", end or "\n").encode() + end.encode()
        message = f"change {number}: {source.choice(CALM)}".encode()
        stream.append(
            b"commit refs/heads/main\ncommitter A <a@example.com> %d +0000\ndata %d\n%s\nM 644 inline %s\ndata %d\n%s\n"
            % (1_700_000_000 + number, len(message), message, name.encode(), len(data), data)
        )
    repository.feed("fast-import", "--quiet", data=b"".join(stream))
    job = ScanJob(stages=Stages(), suppressor=Suppressor())
    monkeypatch.setattr(history, "_MANY", 10)  # two of git's processes
    quick = job.history(repository.path)
    monkeypatch.undo()
    monkeypatch.setattr(
        skip_unchanged.Passing, "judged", lambda _self, sources: ((each, Possible.ANYTHING) for each in sources)
    )
    whole = job.history(repository.path)
    monkeypatch.undo()
    assert seen(quick) == seen(whole)
    assert (quick.files, quick.bytes, quick.allowed) == (whole.files, whole.bytes, whole.allowed)
    assert len(whole.findings) > commits // 20


def test_a_history_by_its_changes_is_that_of_every_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(3):
        campaign(tmp_path, 80, seed, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 150, 10))
def test_many_histories_by_their_changes_are_those_of_every_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    for seed in range(first, first + 10):
        campaign(tmp_path, 200, seed, monkeypatch)


@pytest.mark.parametrize("profile", Profile)
def test_versions_by_their_changes_tell_what_each_of_them_tells_and_most_are_passed_over(profile: Profile) -> None:
    """At the same places, and under the same names."""
    stages, source = Stages(profile=profile), random.Random(4)
    passed = parts = total = 0
    for chain in range(80):
        path = f"a{chain}.{source.choice((*SUFFIXES, 'yml', 'yaml', 'ini', 'env', 'txt'))}"
        calm = CALM if chain % 2 else CALM + APART
        versions = [source.choices(calm, k=8)]
        for _ in range(9):
            before = versions[-1] if source.random() < 0.8 else source.choice(versions)
            versions.append(next_version(before, source, calm))
        end = source.choice([b"\n", b"\n", b"\r\n"])
        contents = [end.join(line.encode() for line in lines) for lines in versions]
        assert new_in_each(contents, path, stages) == new_in_each(contents, path, stages, whole=True), (path, contents)
        judged = list(Passing(stages).judged(Blob(path=path, data=each) for each in contents))
        passed += sum(not possible for _, possible in judged)
        parts += sum(isinstance(blob, ChangedBlob) for blob, _ in judged)
        total += len(judged)
    assert passed > total // 12
    assert parts > total // 20


def entry(number: int, source: random.Random, *, apart: bool) -> list[str]:
    """One of a mapping of YAML, with a value that is on the line of its name, or apart from it."""
    name = source.choice(["password", "api_key", "note", "text", "db_pass"])
    values = ["realvalue1", "calm", "yes", f"q8Zk2L{source.randrange(50)}"]
    value = source.choice(["{a: b}", "*here", "!odd x"] if source.random() < 0.04 else values)
    end = source.choice(["", "", "", "  # pragma: no cover"])
    between = source.choice([" >-\n    ", "\n    "]) if apart and source.random() < 0.5 else " "
    return [f"k{number}:", f"  {name}:{between}{value}{end}"]


@pytest.mark.parametrize("profile", Profile)
def test_entries_of_yaml_by_their_changes_tell_what_all_of_the_file_tells(profile: Profile) -> None:
    stages, source = Stages(profile=profile), random.Random(11)
    later = parts = 0
    for chain in range(60):
        rows = [line for number in range(5) for line in entry(number, source, apart=chain % 2 == 0)]
        contents = []
        for _ in range(8):
            at, kind = source.randrange(len(rows)), source.random()
            if kind < 0.15:
                del rows[at]
            elif kind < 0.3:
                rows.insert(at, source.choice(["# calm", "  more: 1", "", "base: &here calm", "k1: again"]))
            else:
                at -= at % 2
                rows[at:at] = entry(source.randrange(5, 60), source, apart=chain % 2 == 0)
            contents.append("\n".join(rows).encode())
        found = new_in_each(contents, f"a{chain}.yml", stages)
        assert found == new_in_each(contents, f"a{chain}.yml", stages, whole=True), contents
        later += sum(map(bool, found[1:]))
        judged = list(Passing(stages).judged(Blob(path="a.yml", data=each) for each in contents))
        parts += sum(possible is not Possible.ANYTHING for _, possible in judged[1:])
    assert later > 20
    assert parts > 10


@pytest.mark.parametrize("suffix", ["py", "yml", "cfg"])
def test_versions_that_are_judged_together_are_judged_as_one_by_one(
    suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = 0
    for seed in range(60):
        source = random.Random(seed)
        lines = [f"import module{number}" for number in range(8)] if suffix == "py" else ["name: value", "- item"]
        chain = []
        for number in range(12):
            lines = [*lines, f"# change {number}"]
            secret = [source.choice(secret_lines(source))] if source.random() < 0.04 else []
            data = "\n".join([*lines, *secret]).encode()  # the next version is without it
            chain.append(Blob(path=f"a.{suffix}", data=data))
        answers = {}
        for together in (1, 5, 256):
            monkeypatch.setattr(skip_unchanged, "_TOGETHER", together)
            answers[together] = list(Passing(Stages()).judged(chain))
        assert answers[1] == answers[5] == answers[256]
        calm += not any(possible for _, possible in answers[1])
    assert 0 < calm < 60


def test_lines_of_versions_are_not_kept_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version_diff, "_MOST_LINES", 50)
    file, before = FileVersions("a.py"), None
    for number in range(400):
        data = f"import module{number}".encode()
        change = file.change(data)
        assert change.before == (before if number % 50 else None)
        assert len(file._lines) <= 50
        before = data


def test_messages_that_are_asked_together_hold_nothing_one_by_one() -> None:
    source = random.Random(9)
    clean = 0
    for _ in range(200):
        texts = ["\n".join(next_version(source.choices(CALM, k=2), source)).encode() for _ in range(5)]
        messages = [Message(path="(message of x)", data=text) for text in texts]
        for message, possible in judged_together(messages, Possible.NOTHING):
            assert isinstance(message, Message)
            whole = list(matches_of(message.data, message.path, Stages()))
            assert list(matches_of(message.data, message.path, Stages(), possible=possible)) == whole
            clean += not possible
    assert clean > 300


LETTERS = "q8Zk2LmWv5Rt9YbN4cXp7HdT"
BETWEEN = "\nx = 1" * 5
DECEPTIVE = {
    "a word near a token of long ago": (f"dsc_{LETTERS}{BETWEEN}\ny = 1\n", f"dsc_{LETTERS}{BETWEEN}\n# descript\ny = 1\n"),
    "a private key's body": (f"-----BEGIN RSA PRIVATE KEY-----\n{LETTERS}{BETWEEN}\nREVG\n", f"-----BEGIN RSA PRIVATE KEY-----\n{LETTERS}{BETWEEN}\nR0hJ\n"),
    "the body of a key for PuTTY": (f"PuTTY-User-Key-File-2: ssh-rsa\nwords\nPrivate-Lines: 1\n{BETWEEN}\nQUJD\nPrivate-MAC: 1\n", f"PuTTY-User-Key-File-2: ssh-rsa\nwords\nPrivate-Lines: 1\n{BETWEEN}\nREVG\nPrivate-MAC: 1\n"),
    "a name whose value was empty": (f"env:\n- name: DB_PASSWORD\n  value: ''{BETWEEN}\n", f"env:\n- name: DB_PASSWORD\n  value: '{LETTERS}'{BETWEEN}\n"),
    "a value far behind its name": (f"env:\n- name: DB_PASSWORD\n  note: {'n ' * 95}\n  value: ''{BETWEEN}\n", f"env:\n- name: DB_PASSWORD\n  note: {'n ' * 95}\n  value: '{LETTERS}'{BETWEEN}\n"),
    "a comment taken away": (f"# pragma: allowlist nextline secret\npassword = '{LETTERS}'{BETWEEN}\n", f"# nothing\npassword = '{LETTERS}'{BETWEEN}\n"),
    "a file that becomes one of lines": (f"[one]\npassword ={BETWEEN}\n", f"one\npassword = '{LETTERS}'{BETWEEN}\n"),
    "a manifest that becomes one of a Secret": (f"# kind: Secret\nstringData:\n  word: {LETTERS}{BETWEEN}\n", f"kind: Secret\nstringData:\n  word: {LETTERS}{BETWEEN}\n"),
    "a name before an entry of long ago": (f"first\n  value: {LETTERS}{BETWEEN}\n", f"- name: DB_PASSWORD\n  value: {LETTERS}{BETWEEN}\n"),
    "a value that moves below another name": (f"password:\ncalm: 1\nother:\n  {LETTERS}\n", f"calm: 1\npassword:\n  {LETTERS}\n"),
    "a line between a name and its value taken away": (f"one:\n  password:\n  calm: >\n    {LETTERS}\n", f"one:\n  password:\n    {LETTERS}\n"),
}  # fmt: skip
PATHS = {each: "a.yml" for each in DECEPTIVE if "value" in each}  # of YAML


@pytest.mark.parametrize("case", DECEPTIVE)
def test_what_a_change_far_from_it_reveals_is_told(case: str) -> None:
    versions = [each.encode() for each in DECEPTIVE[case]]
    _, revealed = new_in_each(versions, PATHS.get(case, "a.py"), Stages())
    assert revealed
    assert revealed == new_in_each(versions, PATHS.get(case, "a.py"), Stages(), whole=True)[-1]


def test_a_key_that_goes_on_beyond_what_changed_beside_it_is_told_as_a_whole() -> None:
    source = random.Random(12)
    body = [source.randbytes(32).hex() for _ in range(80)]
    lines = ["password:", "-----BEGIN RSA PRIVATE KEY-----", *body, "-----END RSA PRIVATE KEY-----"]
    versions = ["\n".join([f"x = {number}", *lines]).encode() for number in range(3)]
    found = new_in_each(versions, "a.py", Stages())
    assert found == new_in_each(versions, "a.py", Stages(), whole=True)
    assert [bool(each) for each in found] == [True, False, False]


def test_every_key_that_is_known_by_its_first_line_is_one_whose_body_is_watched() -> None:
    source = random.Random(6)
    for pattern in detect_secrets_adapter.plugin("PrivateKeyDetector").denylist:
        versions = [
            f"words\n-----{pattern.pattern}-----\n{source.randbytes(30).hex()}\n{more}".encode()
            for more in ("", "x\n", "y\n")
        ]
        assert all(new_in_each(versions, "a.txt", Stages())), pattern.pattern


def test_the_traces_of_two_parts_are_no_less_than_those_of_the_whole() -> None:
    source = random.Random(2)
    for _ in range(300):
        one, other = ("\n".join(source.choices(CALM + secret_lines(source), k=3)).encode() for _ in range(2))
        whole, parts = prefilter().traces(one + b"\n" + other), prefilter().traces(one) | prefilter().traces(other)
        assert (whole.cores, whole.longest, whole.varied) == (parts.cores, parts.longest, parts.varied)
