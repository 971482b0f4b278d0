"""The only place that runs git, in a way that a repository cannot turn into running anything else.

A repository's own configuration can make git start programs: a file-system monitor, hooks, external diffs and text
conversions, filters, and a lazy fetch from a hostile remote. Every call here turns all of them off, reads no
configuration but the repository's own, and uses plumbing that never looks into the working tree's contents.
"""

import contextlib
import os
import subprocess
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO

from tokenguard.errors import InputError
from tokenguard.process import refuse_limit
from tokenguard.scanning.git_command import find_program, git_arguments, git_environ
from tokenguard.scanning.root_paths import top_of
from tokenguard.text import safe_text

_BUFFER, _PIPE = 1 << 18, 4096
_HINT = "check that this is a git repository and that the revision exists; shallow or partial clones lack objects"


class Git:
    """A repository, read only.

    Args:
        directory: any directory in it.
        environ: the process's environment, of which only a few names are passed on.
    """

    def __init__(self, directory: Path, environ: Mapping[str, str] = os.environ) -> None:
        self.directory = directory
        self._environ = git_environ(environ)
        self._program = _program(environ)

    def output(self, *arguments: str, stdin: bytes = b"", fine: Container[int] = (0,)) -> bytes:
        """What a git command prints; InputError if it ends with another code than those that are `fine`."""
        with _starting():
            done = subprocess.run(
                self._command(arguments),
                input=stdin,
                capture_output=True,
                check=False,
                cwd=self.directory,
                env=self._environ,
            )
        if done.returncode not in fine:
            raise InputError(f"git {arguments[0]} failed in this repository", hint=_HINT)
        return done.stdout

    def records(self, *arguments: str, asked: Iterable[bytes]) -> Iterator[bytes]:
        """The NUL-separated records that a git command prints for each of these inputs, one after another.

        They are worked on side by side: the first answer is read while it is made, the others are kept until then.
        InputError if one fails.
        """
        with contextlib.ExitStack() as stack:
            running: list[tuple[subprocess.Popen[bytes], IO[bytes] | None]] = []
            for data in asked:
                kept = stack.enter_context(_temporary()) if running else None
                started = self._started(arguments, stack.enter_context(_stdin(data)), kept or subprocess.PIPE)
                running.append((stack.enter_context(started), kept))
            for process, kept in running:
                if kept is None:
                    yield from _records(_pipe(process.stdout))
                if process.wait() != 0:
                    raise InputError(f"git {arguments[0]} failed in this repository", hint=_HINT)
                if kept is not None:
                    kept.seek(0)
                    yield from _records(kept)

    def succeeds(self, *arguments: str) -> bool:
        """Whether a git command ends with 0."""
        with _starting():
            done = subprocess.run(
                self._command(arguments), capture_output=True, check=False, cwd=self.directory, env=self._environ
            )
        return done.returncode == 0

    def has_tree(self) -> bool:
        """Whether there are files here; not in a bare repository, nor in git's own directory."""
        return self.output("rev-parse", "--is-inside-work-tree", fine=(0, 128)).strip() == b"true"

    def require_tree(self, *, hint: str = "scan its commits with `tokenguard scan --history`, or scan a clone") -> None:
        """InputError where there are no files."""
        if not self.has_tree():
            raise InputError("there is no working tree here: this is a bare repository or a .git directory", hint=hint)

    def commit(self, revision: str) -> str:
        """The id of the commit that a person named; InputError if it is not there."""
        wanted = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        found = self.output(*wanted, fine=(0, 1, 128)).decode().strip()
        if not found:
            raise InputError(
                f"there is no commit {safe_text(revision, one_line=True, limit=100)} in this repository",
                hint="fetch it first; in CI, check out the whole history (`fetch-depth: 0`)",
            )
        return found

    def check(self, *, hint: str = "run it inside one, or name files to scan") -> None:
        """InputError unless this is a repository."""
        if not self.succeeds("rev-parse", "--git-dir"):
            raise InputError("this is not a git repository", hint=hint)

    @property
    def root(self) -> Path:
        """The top of the working tree."""
        return Path(os.fsdecode(self.output("rev-parse", "--show-toplevel").rstrip(b"\n")))

    def sizes(self, ids: Iterable[str]) -> dict[str, int]:
        """The sizes in bytes of those objects that are here."""
        return {each: size for each, (_, size) in self.kinds(ids).items()}

    def kinds(self, ids: Iterable[str]) -> dict[str, tuple[str, int]]:
        """Those objects that are here: what each is (`commit`, `tag`, `tree`, `blob`), and its size in bytes."""
        wanted = set(ids)
        try:
            listing = self.output("cat-file", "--batch-check", "--buffer", stdin="\n".join([*wanted, ""]).encode())
        except InputError:  # in a partial clone git gives up at an object that it may not fetch: look at what is here
            listing = self.output("cat-file", "--batch-all-objects", "--batch-check", "--buffer", "--unordered")
        rows = (row.split() for row in listing.splitlines())
        kinds = {
            row[0].decode(): (row[1].decode(), int(row[2]))
            for row in rows
            if len(row) == 3 and row[2].isdigit()  # noqa: PLR2004
        }
        return {each: kind for each, kind in kinds.items() if each in wanted}

    def contents(self, ids: Iterable[str], most: int) -> Iterator[tuple[str, bytes | None]]:
        """The contents of those objects that are here, in this order; None for what is larger than `most` bytes."""
        with (
            _stdin("".join(f"{each}\n" for each in ids).encode()) as asked,
            self._started(("cat-file", "--batch", "--buffer"), asked, subprocess.PIPE) as process,
        ):
            answers = _pipe(process.stdout)
            while head := answers.readline():
                fields = head.split()
                if len(fields) != 3:  # noqa: PLR2004 - id, type, size; anything else says that it is missing
                    continue
                size = int(fields[2])
                data = answers.read(size) if size <= most else None
                if data is None:
                    _pass(answers, size)
                answers.read(1)
                yield fields[0].decode(), data

    @contextlib.contextmanager
    def reading(self, blob: str) -> Iterator[IO[bytes]]:
        """The content of one blob, to be read to its end part by part; InputError if there is no such end."""
        with _stdin(b"") as nothing, self._started(("cat-file", "blob", blob), nothing, subprocess.PIPE) as process:
            yield _pipe(process.stdout)
            if process.wait() != 0:
                raise InputError("git cat-file failed in this repository", hint=_HINT)

    def _started(self, arguments: Iterable[str], stdin: IO[bytes], stdout: IO[bytes] | int) -> subprocess.Popen[bytes]:
        with _starting():
            return subprocess.Popen(
                self._command(arguments),
                stdin=stdin,
                stdout=stdout,
                stderr=subprocess.DEVNULL,
                cwd=self.directory,
                env=self._environ,
                bufsize=_BUFFER,
            )

    def _command(self, arguments: Iterable[str]) -> list[str]:
        return git_arguments(self._program, arguments)


def find_git(directory: Path, environ: Mapping[str, str] = os.environ) -> Git | None:
    """The repository that `directory` is in, or None.

    None also where the repository has its working tree elsewhere (`core.worktree`): git would list the files there,
    and ours would be written there. Where the environment names either, that is meant.
    """
    git = Git(directory, environ)
    asked = ("--is-inside-work-tree", "--is-inside-git-dir", "--is-bare-repository", "--absolute-git-dir")
    told = git.output("rev-parse", *asked, "--show-toplevel", fine=(0, 128)).split(b"\n", len(asked))
    if b"true" not in told[:3]:
        return None
    in_tree = told[0] == b"true" and len(told) > len(asked) and not {"GIT_WORK_TREE", "GIT_DIR"} & environ.keys()
    return None if in_tree and not _is_its_top(directory, *map(os.fsdecode, told[-2:])) else git


def _is_its_top(directory: Path, git_dir: str, top: str) -> bool:
    """Whether a working tree is the one that the repository is in, or that it was linked to or checked out in."""
    top = os.path.realpath(top.removesuffix("\n"))
    inside = os.path.realpath(os.path.join(top, ".git")) == os.path.realpath(git_dir)  # noqa: PTH118 - for each commit
    above = top_of(directory)
    return inside or (above is not None and os.path.realpath(above) == top)


def _program(environ: Mapping[str, str]) -> str:
    program = find_program(environ)
    if program is None:
        raise InputError("git is not installed", hint="install git, or name files instead")
    return program


@contextlib.contextmanager
def _starting() -> Iterator[None]:
    """Turn the system's refusal to start git into an error of ours."""
    try:
        yield
    except OSError as error:
        refuse_limit("git", error)
        raise InputError("git cannot be started", hint="run `git --version` in this directory to see why") from None


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:  # cannot be: we asked for it
        raise InputError("git gave no output", hint="try again")
    return pipe


@contextlib.contextmanager
def _stdin(data: bytes) -> Iterator[IO[bytes]]:
    """What gives `data` to a process at once: to ask and to wait for each answer takes longer than the answers."""
    if len(data) <= _PIPE:  # fits into any pipe
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb") as file:
            os.write(writing, data)
            os.close(writing)
            yield file
        return
    with _temporary() as file:
        file.write(data)
        file.seek(0)
        yield file


def _temporary() -> IO[bytes]:
    import tempfile  # few commits change so much

    return tempfile.TemporaryFile()


def _records(answer: IO[bytes]) -> Iterator[bytes]:
    """What NUL separates. Its length is that of what git prints of one commit or name."""
    rest = b""
    while chunk := answer.read(_BUFFER):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole
    if rest:
        yield rest


def _pass(answers: IO[bytes], size: int) -> None:
    """Read past a content, without holding it."""
    while size:
        size -= len(answers.read(min(size, _BUFFER))) or size
