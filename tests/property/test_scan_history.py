"""A history is read by its changes: what is found in it is what a scan of every version would find."""

import random
from pathlib import Path

import pytest

from tests.fakes.git_repository import Repository
from tests.property.test_scan_rules import mutated
from tests.unit.test_detection_rules import SUFFIXES, secret_lines
from tokenguard.detection import detect_secrets_adapter, version_diff
from tokenguard.detection.match import Possible
from tokenguard.detection.prefilter import prefilter
from tokenguard.detection.suspects import suspects
from tokenguard.detection.version_diff import Cleanness
from tokenguard.domain.finding import Report
from tokenguard.domain.profile import Profile
from tokenguard.scanning import history, skip_unchanged
from tokenguard.scanning.content import Message
from tokenguard.scanning.jobs import ScanJob
from tokenguard.scanning.scanner import Stages, Suppressor, matches_of
from tokenguard.scanning.skip_clean import judged_together

CALM = ["import os", "x = 1", "", "name: value", "- item", "[section]", "a = b", "# a comment", "text without any", "k: [a, b]", "\tindented", "caf\xe9 = 2", "100%",
        "# descript", "x = 'dsc_q8Zk2LmWv5Rt9YbN4cXp7HdT'", "QUJDREVGR0hJSktM", "MTIzNDU2Nzg5", "-----END RSA PRIVATE KEY-----"]  # fmt: skip

PAIRED = [
    "  - name: DB_PASSWORD",
    "    value: q8Zk2LmWv5Rt9YbN4cXp7HdT",
    "api_token:",
    "  q7Zk2LmWv5Rt9YbN4cXp7HdT",
    "password: |",
]


def next_version(lines: list[str], source: random.Random) -> list[str]:
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
            lines.insert(at, source.choice(CALM))
    return lines


def judged(judge: Cleanness, versions: list[bytes], path: str) -> list[bytes | None]:
    """As a scan asks about versions that follow each other."""
    comparison = judge.compare(versions, path)
    if comparison is None:
        return [judge.judge(each, path) for each in versions]
    found = suspects([b"\n".join(lines) for lines in comparison.brought], comparison.rebuilt)
    possible = [found.possible(number) for number in range(len(versions))]
    return list(judge.judge_compared(versions, path, comparison, possible))


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


def test_what_is_called_quiet_brings_nothing_new_and_most_is(tmp_path: Path) -> None:
    """The judge by itself, on many short chains of versions."""
    source = random.Random(4)
    clean = total = 0
    for chain in range(150):
        judge, path = Cleanness(), f"a{chain}.{source.choice(SUFFIXES)}"
        lines = source.choices(CALM, k=8)
        told: set[tuple[str, str]] = set()
        for _ in range(6):
            lines = next_version(lines, source)
            data = "\n".join(lines).encode()
            total += 1
            clean += (quiet := judge.judge(data, path) is not None)
            hits = matches_of(data, path, Stages(profile=Profile.STRICT))
            found = {(each.type, each.whole.reveal()) for each in hits}
            assert not quiet or found <= told, (path, data)
            told |= found
    assert clean > total // 4


@pytest.mark.parametrize("suffix", ["py", "yml", "cfg"])
def test_versions_that_are_judged_together_are_judged_as_one_by_one(suffix: str) -> None:
    calm = 0
    for seed in range(60):
        source = random.Random(seed)
        lines = [f"import module{number}" for number in range(8)] if suffix == "py" else ["name: value", "- item"]
        chain = []
        for number in range(12):
            lines = [*lines, f"# change {number}"]
            secret = [source.choice(secret_lines(source))] if source.random() < 0.04 else []
            chain.append("\n".join([*lines, *secret]).encode())  # the next version is without it
        together, alone = Cleanness(), Cleanness()
        answers = [*judged(together, chain[:5], f"a.{suffix}"), *judged(together, chain[5:], f"a.{suffix}")]
        assert answers == [alone.judge(each, f"a.{suffix}") for each in chain]
        calm += None not in answers
    assert 0 < calm < 60


def test_lines_of_versions_that_are_judged_together_are_not_kept_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version_diff, "_MOST_LINES", 50)
    judge, versions = Cleanness(), [f"import module{number}".encode() for number in range(400)]
    answers = []
    for start in range(0, 400, 16):
        answers += judged(judge, versions[start : start + 16], "a.py")
        assert len(judge._lines) < 50 + 16
    assert answers == [b"", *versions[:-1]]


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
    "a private key's body": (f"-----BEGIN RSA PRIVATE KEY-----\nQUJD{BETWEEN}\nREVG\n", f"-----BEGIN RSA PRIVATE KEY-----\nQUJD{BETWEEN}\nR0hJ\n"),
    "the body of a key for PuTTY": (f"PuTTY-User-Key-File-2: ssh-rsa\nwords\nPrivate-Lines: 1\n{BETWEEN}\nQUJD\nPrivate-MAC: 1\n", f"PuTTY-User-Key-File-2: ssh-rsa\nwords\nPrivate-Lines: 1\n{BETWEEN}\nREVG\nPrivate-MAC: 1\n"),
    "a name whose value was empty": (f"env:\n- name: DB_PASSWORD\n  value: ''{BETWEEN}\n", f"env:\n- name: DB_PASSWORD\n  value: '{LETTERS}'{BETWEEN}\n"),
    "a comment taken away": (f"# pragma: allowlist nextline secret\npassword = '{LETTERS}'{BETWEEN}\n", f"# nothing\npassword = '{LETTERS}'{BETWEEN}\n"),
    "a file that becomes one of lines": (f"[one]\npassword ={BETWEEN}\n", f"one\npassword = '{LETTERS}'{BETWEEN}\n"),
}  # fmt: skip


@pytest.mark.parametrize("case", DECEPTIVE)
def test_a_change_far_from_what_it_reveals_is_not_called_quiet(case: str) -> None:
    before, after = DECEPTIVE[case]
    judge = Cleanness()
    judge.judge(before.encode(), "a.py")
    assert judge.judge(after.encode(), "a.py") is None


def test_every_key_that_is_known_by_its_first_line_is_one_whose_body_is_watched() -> None:
    source = random.Random(6)
    for pattern in detect_secrets_adapter.plugin("PrivateKeyDetector").denylist:
        before, after = (
            f"words\n-----{pattern.pattern}-----\n{source.randbytes(30).hex()}\n".encode() for _ in range(2)
        )
        judge = Cleanness()
        judge.judge(before, "a.txt")
        assert judge.judge(after, "a.txt") is None, pattern.pattern


def test_the_traces_of_two_parts_are_no_less_than_those_of_the_whole() -> None:
    source = random.Random(2)
    for _ in range(300):
        one, other = ("\n".join(source.choices(CALM + secret_lines(source), k=3)).encode() for _ in range(2))
        whole, parts = prefilter().traces(one + b"\n" + other), prefilter().traces(one) | prefilter().traces(other)
        assert (whole.cores, whole.longest, whole.varied) == (parts.cores, parts.longest, parts.varied)
