"""The words of messages: one snapshot per command owns them, so that tests assert exit codes, classes and places."""

import difflib
import fcntl
import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from tests.fakes.answer import Answer, Refusal
from tokenguard.errors import TokenguardError

SNAPSHOTS = Path(__file__).parent / "snapshots"
_ROOT = Path(__file__).parents[1]
VALUES = re.compile(r"tgcanary[\w+/=-]{6,}|sk-social-sandbox\w{6,}|dx_secret_[0-9a-f-]{20,}")
"""Canaries of tests and values of the sandbox; the bare prefix may be talked about."""
_HEAD = "== "
_CHANGING = (
    (r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?: ?UTC|Z|[+-]\d\d:\d\d)?)?", "<time>"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:<port>"),
    (r"(?<=\.py):\d+(?= in )", ":<line>"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uuid>"),
    (r"\b(?=[0-9a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,64}\b", "<hex>"),
    (r"-[a-z2-7]{8}-(?=\d+\b)", "-<nonce>-"),
    (r"\b\d+\.\d+ s\b", "<seconds> s"),
    (r"\b(home|team|org|logins|keyless)\d+\b", r"\1<n>"),
)
"""What is another in every run: times, ports, ids, the nonces of labels."""


class Snapshots:
    """The sections of all snapshots; read when first asked for, written at the end if `writes`.

    Args:
        directory: where the files are, one for each command.
        writes: take what is said for right, and write it down.
    """

    def __init__(self, directory: Path, *, writes: bool) -> None:
        self.directory = directory
        self.writes = writes
        self._pages: dict[str, dict[str, str]] = {}
        self._said: dict[str, dict[str, str]] = {}

    def check(self, page: str, key: str, text: str) -> None:
        """Hold the text to its section."""
        if self.writes:
            self._said.setdefault(page, {})[key] = text
            return
        if page not in self._pages:
            self._pages[page] = sections(self._file(page))
        expected = self._pages[page].get(key)
        assert expected is not None, f"{page}.txt has no section {key!r}: run `make snapshots` and read the difference"
        if _squeezed(text) != _squeezed(expected):
            lines = difflib.unified_diff(expected.splitlines(), text.splitlines(), "snapshot", "said", lineterm="")
            difference = "\n".join(lines)
            raise AssertionError(f"{key} says something else: if it should, run `make snapshots`\n{difference}")

    def save(self, *, ran: Collection[str], known: Collection[str], files: Collection[str]) -> None:
        """Write what was said, and drop what no longer is.

        Args:
            ran: the tests that were run: what they said before and no longer say goes.
            known: all tests of `files` that have snapshots: sections of others of these files go.
            files: the files that were looked at as a whole.
        """

        def gone(test: str) -> bool:
            return test in ran or (file_of(test) in files and test not in known)

        present = {file.relative_to(self.directory).with_suffix("").as_posix() for file in self._files()}
        for page in sorted(present | self._said.keys()):
            file = self._file(page)
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a+") as held:
                fcntl.flock(held, fcntl.LOCK_EX)
                kept = {key: text for key, text in sections(file).items() if not gone(owner_of(key))}
                merged = kept | self._said.get(page, {})
                file.write_text("\n".join(f"{_HEAD}{key}\n{merged[key]}" for key in sorted(merged)))
            if not merged:
                file.unlink()

    def _files(self) -> Iterator[Path]:
        yield from self.directory.rglob("*.txt")

    def _file(self, page: str) -> Path:
        return self.directory / f"{page}.txt"


class Words:
    """`words(answer)` holds what a command said to its snapshot; `words(error)` does it for an error."""

    def __init__(self, snapshots: Snapshots, test: str, scratch: Path) -> None:
        self._snapshots = snapshots
        self._test = test
        self._scratch = scratch
        self._count = 0

    def __call__(self, said: Answer | TokenguardError | str) -> None:
        self._count += 1
        told = said.answer if isinstance(said, Refusal) else said
        command = told.command if isinstance(told, Answer) else ""
        page = command or f"modules/{Path(file_of(self._test)).stem.removeprefix('test_')}"
        self._snapshots.check(page, f"{self._test} #{self._count}", steady(text_of(told), self._scratch))


def _squeezed(text: str) -> str:
    """Columns are as wide as their longest cell, and that may be the path of a temporary directory."""
    return re.sub(r"(?<=\S) {2,}(?=\S)", "  ", text)


def text_of(said: Answer | TokenguardError | str) -> str:
    """As it is written down: every line with where it was said; documents have tests of their own."""
    if isinstance(said, Answer):
        out = "" if is_document(said.out) else said.out
        return f"exit {int(said.code)}\n{marked('out', out)}{marked('err', said.err)}"
    if isinstance(said, TokenguardError):
        return f"{type(said).__name__}\n{marked('error', str(said))}{marked('hint', said.hint)}"
    return marked("text", said)


def steady(text: str, scratch: Path) -> str:
    """Without what is another in every run."""
    text = text.replace(str(_ROOT), "<repository>")
    text = re.sub(rf"{re.escape(str(scratch))}(/popen-gw\d+)?/[\w.-]+", "<tmp>", text)
    for pattern, name in _CHANGING:
        text = re.sub(pattern, name, text)
    return text


def is_document(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def marked(where: str, text: str) -> str:
    return "".join(f"{where}| {line}".rstrip() + "\n" for line in text.splitlines())


def sections(file: Path) -> dict[str, str]:
    """The sections of one file, by key."""
    if not file.exists():
        return {}
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in file.read_text().splitlines():
        if line.startswith(_HEAD):
            lines = found.setdefault(line.removeprefix(_HEAD), [])
        elif line:
            lines.append(line)
    return {key: "".join(f"{line}\n" for line in kept) for key, kept in found.items()}


def file_of(test: str) -> str:
    return test.partition("::")[0]


def owner_of(key: str) -> str:
    """The test that a section belongs to."""
    return key.rpartition(" #")[0]
