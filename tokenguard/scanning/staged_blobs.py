"""What is staged, read from git without `subprocess`: two processes that start at once, while Python is still loading.

For the few files of a usual commit. The unusual is left to `staged`, which reads it anew and says what it is.
"""

import os

from tokenguard.scanning.git_command import find_program, git_arguments, git_environ

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_BYTES = 1 << 20
_LEAST_PIPE = 4096
"""Bytes that every pipe takes at once (POSIX)."""
_CHUNK = 1 << 16
_SIGPIPE = 13
_FILE, _LINK = (b"100644", b"100755"), b"120000"
_CHANGES = ("diff-index", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames", "--diff-filter=ACMRT")
_FIELDS_OF_CHANGE, _FIELDS_OF_OBJECT = 5, 3

Staged = list[tuple[str, bytes]]
"""Names and contents, each content under all of its names."""
_Entries = list[tuple[str, str]]
"""Ids and names."""


def staged_blobs(files: "Sequence[str]", environ: "Mapping[str, str]") -> Staged | None:
    """The contents of what the next commit changes, or of `files` as the index has them; None if that is unusual.

    Args:
        files: names relative to the working directory; none: what the commit changes.
        environ: the process's environment, of which git gets only a few names.
    """
    program = find_program(environ) if hasattr(os, "posix_spawn") else None
    if program is None:
        return None
    git = _Git(program, git_environ(environ))
    try:
        contents = git.started("cat-file", "--batch", "--buffer")
        try:
            entries = _of_index(git, files) if files else _of_changes(git)
            wanted = list(dict.fromkeys(blob for blob, _ in entries or ()))
            asked = "".join(f"{each}\n" for each in wanted).encode()
            told = contents.told(asked if len(asked) <= _LEAST_PIPE else b"")
        finally:
            contents.close()
    except OSError:
        return None
    found = _contents(told) if told is not None and entries is not None and len(asked) <= _LEAST_PIPE else None
    if found is None or entries is None or set(found) != set(wanted):
        return None
    return [(name, found[blob]) for blob in wanted for each, name in entries if each == blob]


class _Git:
    """Starts git in the working directory."""

    def __init__(self, program: str, environ: dict[str, str]) -> None:
        self._program, self._environ = program, environ

    def started(self, *arguments: str) -> "_Process":
        """A process that waits for its input."""
        stdin, writing = os.pipe()
        reading, stdout = os.pipe()
        try:
            number = os.posix_spawn(
                self._program,
                git_arguments(self._program, arguments),
                self._environ,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, stdin, 0),
                    (os.POSIX_SPAWN_DUP2, stdout, 1),
                    (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                ],
                setsigdef=[_SIGPIPE],
            )
        except OSError:
            os.close(writing)
            os.close(reading)
            raise
        finally:
            os.close(stdin)
            os.close(stdout)
        return _Process(number, writing, reading)

    def output(self, *arguments: str) -> bytes | None:
        """What a command prints; None if it fails."""
        process = self.started(*arguments)
        try:
            return process.told(b"")
        finally:
            process.close()


class _Process:
    """A process of git, its input and its output."""

    def __init__(self, number: int, stdin: int, stdout: int) -> None:
        self._number, self._stdin, self._stdout = number, stdin, stdout

    def told(self, asked: bytes) -> bytes | None:
        """What it answers to this, of at most so many bytes as any pipe takes; None if it fails or says too much."""
        if asked:
            os.write(self._stdin, asked)
        os.close(self._stdin)
        self._stdin = -1
        parts, size = [], 0
        while size <= MOST_BYTES and (part := os.read(self._stdout, _CHUNK)):
            parts.append(part)
            size += len(part)
        return b"".join(parts) if size <= MOST_BYTES and self.close() == 0 else None

    def close(self) -> int:
        """Wait for its end, which closing its pipes brings about; its exit code."""
        for each in (self._stdin, self._stdout):
            if each >= 0:
                os.close(each)
        self._stdin = self._stdout = -1
        number, self._number = self._number, 0
        return os.waitpid(number, 0)[1] if number else 0


def _of_changes(git: _Git) -> _Entries | None:
    told = git.output(*_CHANGES, "HEAD", "--")
    if told is None:  # before the first commit; where there is no repository, the last one fails too
        empty = git.output("hash-object", "-t", "tree", "--stdin") or b""  # that of another hash may be a branch's name
        told = git.output(*_CHANGES, empty.decode().strip(), "--")
    if told is None:
        return None
    parts = told.split(b"\0")
    found: _Entries = []
    for head, name in zip(parts[0::2], parts[1::2], strict=False):
        fields = head.lstrip(b":").split()
        if len(fields) != _FIELDS_OF_CHANGE or not _is_file(fields[1], fields[3]):
            return None
        found.append((fields[3].decode(), os.fsdecode(name)))
    return found


def _of_index(git: _Git, files: "Sequence[str]") -> _Entries | None:
    told = git.output("ls-files", "--stage", "-z", "--", *files)
    if told is None:
        return None
    found: _Entries = []
    for row in told.split(b"\0")[:-1]:
        head, _, name = row.partition(b"\t")
        mode, blob, stage = head.split()
        if stage != b"0" or not _is_file(mode, blob):
            return None
        found.append((blob.decode(), os.fsdecode(name)))
    return found if {name for _, name in found} == {os.path.normpath(each) for each in files} else None


def _is_file(mode: bytes, blob: bytes) -> bool:
    return (mode in _FILE or mode == _LINK) and bool(blob.strip(b"0"))


def _contents(told: bytes) -> dict[str, bytes] | None:
    """What `cat-file --batch` prints of each object."""
    found: dict[str, bytes] = {}
    at = 0
    while at < len(told):
        end = told.find(b"\n", at)
        fields = told[at:end].split()
        if len(fields) != _FIELDS_OF_OBJECT or fields[1] != b"blob" or not fields[2].isdigit():
            return None
        start, size = end + 1, int(fields[2])
        found[fields[0].decode()] = told[start : start + size]
        at = start + size + 1
    return found
