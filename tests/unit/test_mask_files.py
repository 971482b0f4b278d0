"""`exec --mask-files`: what a program wrote into a folder is masked, or named, before anything collects it."""

import gzip
import io
import os
import secrets
import signal
import stat
import subprocess
import sys
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from tokenguard import file_replacement
from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError
from tokenguard.redaction.known import MaskedValue
from tokenguard.redaction.matcher import Matcher
from tokenguard.usecases import mask_files
from tokenguard.usecases.mask_files import MaskedFiles, OutputFolder

VALUE = f"tgcanary_{secrets.token_hex(18)}"
MATCHER = Matcher.of([MaskedValue(id="up", name="video/upload", secret=Secret(VALUE))])
MASK = "[tokenguard:up]"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "out"
    place.mkdir()
    return place


def masked(watched: OutputFolder) -> MaskedFiles:
    into = MaskedFiles()
    watched.mask(MATCHER, into)
    return into


def named(reasons: dict[str, str], folder: Path) -> dict[str, str]:
    """Paths below the folder, each with the first words of why it was left."""
    return {path.removeprefix(f"{folder}/"): reason for path, reason in reasons.items()}


def zipped(content: str | bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("log.txt", content)
    return data.getvalue()


def test_text_is_masked_in_place_and_keeps_mode_owner_and_attributes(folder):
    watched = OutputFolder(folder)
    path, clean = folder / "deep" / "er" / "report.xml", folder / "clean.txt"
    path.parent.mkdir(parents=True)
    path.write_text(f"<a>{VALUE}</a>\n{VALUE.encode().hex()}\n")
    path.chmod(0o2754)
    clean.write_text("nothing\n")
    if os.geteuid() == 0:
        os.chown(path, 12_345, 12_346)
        path.chmod(0o2754)
    before, kept = path.stat(), clean.stat()
    done = masked(watched)
    assert path.read_text() == f"<a>{MASK}</a>\n{MASK}\n"
    now = path.stat()
    assert (now.st_mode, now.st_uid, now.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert (clean.stat().st_ino, clean.stat().st_mtime_ns) == (kept.st_ino, kept.st_mtime_ns)
    assert (done.masked, done.left) == ({str(path): 2}, {})
    assert {source.name for source in done.found} == {"video/upload"}


def test_what_was_there_before_is_left_alone_unless_the_program_writes_it(folder):
    old, changed = folder / "old.txt", folder / "changed.txt"
    old.write_text(VALUE)
    changed.write_text(VALUE)
    time.sleep(0.15)
    watched = OutputFolder(folder)
    with changed.open("a") as file:
        file.write("more\n")
    (folder / "moved.txt").write_text(VALUE)
    masked(watched)
    assert old.read_text() == VALUE
    assert changed.read_text() == f"{MASK}more\n"
    assert (folder / "moved.txt").read_text() == MASK


LEFT = {
    "an image with a value": (b"\x89PNG\r\n\x1a\n\0\0" + VALUE.encode(), "a binary file that holds a value"),
    "UTF-16": (VALUE.encode("utf-16"), "a binary file that holds a value"),
    "UTF-32": (VALUE.encode("utf-32"), "a binary file that holds a value"),
    "zip": (zipped(VALUE), "an archive that holds a value"),
    "gzip in a zip": (zipped(gzip.compress(VALUE.encode())), "an archive that holds a value"),
    "gzip": (gzip.compress(VALUE.encode()), "an archive that holds a value"),
    "broken gzip": (gzip.compress(os.urandom(3000))[:-900], "an archive that cannot be searched"),
    "zstd": (b"\x28\xb5\x2f\xfd" + os.urandom(40), "an archive that cannot be searched"),
}


@pytest.mark.parametrize(("data", "reason"), LEFT.values(), ids=LEFT)
def test_what_cannot_be_masked_or_searched_is_named_and_unchanged(folder, data, reason):
    watched = OutputFolder(folder)
    (folder / "artifact").write_bytes(data)
    done = masked(watched)
    assert (folder / "artifact").read_bytes() == data
    assert list(named(done.left, folder)) == ["artifact"]
    assert done.left[str(folder / "artifact")].startswith(reason)
    assert bool(done.exposed) is ("holds" in reason)
    assert not done.found


HARMLESS = {
    "bytes": b"\0\1\2" * 900,
    "zip": zipped("clean"),
    "gzip": gzip.compress(b"clean"),
    "UTF-16": "clean".encode("utf-16"),
}


@pytest.mark.parametrize("data", HARMLESS.values(), ids=HARMLESS)
def test_binary_files_and_archives_without_a_value_pass(folder, data):
    watched = OutputFolder(folder)
    (folder / "artifact").write_bytes(data)
    done = masked(watched)
    assert (done.left, done.masked) == ({}, {})


def test_links_are_never_followed_and_those_that_lead_out_are_named(folder, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text(VALUE)
    watched = OutputFolder(folder)
    (folder / "inside.txt").write_text(VALUE)
    (folder / "link.txt").symlink_to("inside.txt")
    (folder / "file").symlink_to(outside / "secret.txt")
    (folder / "folder").symlink_to(outside)
    (folder / "told").symlink_to(VALUE)
    done = masked(watched)
    assert (outside / "secret.txt").read_text() == VALUE
    assert (folder / "link.txt").is_symlink()
    assert (folder / "link.txt").read_text() == MASK
    assert {path: reason.split(" that ")[0] for path, reason in named(done.left, folder).items()} == {
        "file": "a link",
        "folder": "a link",
        "told": "a link whose target holds a value",
    }


def test_a_folder_that_became_a_link_is_not_entered(folder, tmp_path):
    """Between the list and the file, too: every step of the way is opened without following."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.txt").write_text(VALUE)
    watched = OutputFolder(folder)
    (folder / "sub").mkdir()
    (folder / "sub" / "a.txt").write_text("x")
    listed, pending = watched._entries, [True]

    def swapped():
        entries = list(listed())
        if pending:
            pending.clear()
            (folder / "sub" / "a.txt").unlink()
            (folder / "sub").rmdir()
            (folder / "sub").symlink_to(outside)
        return iter(entries)

    watched._entries = swapped
    assert masked(watched).left
    assert (outside / "a.txt").read_text() == VALUE
    folder.rename(tmp_path / "moved")
    folder.symlink_to(outside)
    assert masked(watched).left
    assert (outside / "a.txt").read_text() == VALUE


def test_one_name_of_a_file_is_masked_and_another_name_outside_is_not(folder, tmp_path):
    (tmp_path / "outside.txt").write_text(VALUE)
    watched = OutputFolder(folder)
    os.link(tmp_path / "outside.txt", folder / "inside.txt")
    masked(watched)
    assert ((folder / "inside.txt").read_text(), (tmp_path / "outside.txt").read_text()) == (MASK, VALUE)


def test_a_name_that_holds_a_value_is_named_without_it(folder):
    watched = OutputFolder(folder)
    (folder / f"{VALUE}.txt").write_text("x")
    done = masked(watched)
    assert done.left == {str(folder / f"{MASK}.txt"): "its name holds a value"}
    os.mkfifo(folder / "pipe")
    assert not masked(OutputFolder(folder)).left.get(str(folder / "pipe"))


def test_what_cannot_be_read_or_replaced_is_named(folder, monkeypatch):
    watched = OutputFolder(folder)
    for name in ("closed.txt", "kept.txt", "full.txt"):
        (folder / name).write_text(VALUE)
    real_open, real_dress, real_write = os.open, file_replacement._dress, mask_files.write_all

    def opened(path, *how, **more):
        if path == "closed.txt":
            raise PermissionError(13, "no")
        return real_open(path, *how, **more)

    def dressed(descriptor, old, before, path):
        if path.name == "kept.txt":
            raise InputError("no", hint="no")
        real_dress(descriptor, old, before, path)

    def written(descriptor, data):
        if data and os.fstat(descriptor).st_size == 0 and full:
            full.pop()
            raise OSError(28, "full")
        real_write(descriptor, data)

    full = [1]
    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(file_replacement, "_dress", dressed)
    monkeypatch.setattr(mask_files, "write_all", written)
    left = named(masked(watched).left, folder)
    assert set(left) == {"closed.txt", "full.txt", "kept.txt"}
    assert left["kept.txt"].startswith("its owner")
    assert {each.read_text() for each in folder.iterdir()} == {VALUE}
    assert len(list(folder.iterdir())) == 3


def test_a_file_that_changes_meanwhile_is_masked_again_and_one_that_never_rests_is_named(folder, monkeypatch):
    watched = OutputFolder(folder)
    once, always = folder / "once.txt", folder / "always.txt"
    once.write_text(VALUE)
    always.write_text(VALUE)
    real, pending = file_replacement._dress, [once]

    def dressed(descriptor, old, before, path):
        if path == always or (path == once and pending):
            with path.open("a") as file:
                file.write(f"\n{VALUE}")
            pending.clear() if path == once else None
        real(descriptor, old, before, path)

    monkeypatch.setattr(file_replacement, "_dress", dressed)
    done = masked(watched)
    assert once.read_text() == f"{MASK}\n{MASK}"
    assert named(done.left, folder) == {"always.txt": "it is being written"}
    assert len(list(folder.iterdir())) == 2


def test_a_file_that_appears_while_others_are_masked_is_masked_too(folder, monkeypatch):
    watched = OutputFolder(folder)
    (folder / "a.txt").write_text(VALUE)
    real = mask_files._copy

    def copied(*how):
        (folder / "late.txt").write_text(VALUE)
        monkeypatch.setattr(mask_files, "_copy", real)
        return real(*how)

    monkeypatch.setattr(mask_files, "_copy", copied)
    masked(watched)
    assert {each.read_text() for each in folder.iterdir()} == {MASK}


def test_a_large_file_needs_little_memory(folder):
    watched = OutputFolder(folder)
    line = f"{'x' * 1000} {VALUE}\n"
    with (folder / "large.log").open("w") as file:
        for _ in range(2_000):
            file.write(line)
    tracemalloc.start()
    try:
        done = masked(watched)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert done.masked == {str(folder / "large.log"): 2_000}
    assert peak < 1 << 20
    assert (folder / "large.log").stat().st_size == 2_000 * (len(line) - len(VALUE) + len(MASK))


KILLED = """
import os, sys
from pathlib import Path
from tests.unit import test_mask_files as here
from tokenguard.usecases import mask_files
real, seen = mask_files.write_all, [0]
def written(descriptor, data):
    real(descriptor, data)
    seen[0] += 1
    if seen[0] == int(sys.argv[2]):
        os.kill(os.getpid(), 9)
mask_files.write_all = written
if sys.argv[3] == "named":
    del os.O_TMPFILE
here.VALUE = sys.argv[4]
here.MATCHER = here.Matcher.of([here.MaskedValue(id="up", name="n", secret=here.Secret(sys.argv[4]))])
folder = mask_files.OutputFolder(Path(sys.argv[1]))
folder._known.clear()
here.masked(folder)
"""


@pytest.mark.parametrize("kind", ["unnamed", "named"])
def test_a_kill_in_the_middle_leaves_each_file_whole(folder, kind):
    whole = f"{VALUE}\n{'x' * 300_000}\n{VALUE}\n"
    (folder / "a.txt").write_text(whole)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), "3", kind, VALUE],
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert (folder / "a.txt").read_text() == whole
    others = [each for each in folder.iterdir() if each.name != "a.txt"]
    assert len(others) == (kind == "named")  # a system without unnamed files: what is left holds no value
    assert not any(VALUE in each.read_text() for each in others)


def test_a_folder_that_is_a_file_is_refused_at_once_and_a_missing_one_is_none(folder):
    (folder / "file").write_text("x")
    with pytest.raises(InputError):
        OutputFolder(folder / "file")
    watched = OutputFolder(folder / "later")
    assert masked(watched).left == {}
    (folder / "later").mkdir()
    (folder / "later" / "a").write_text(VALUE)
    masked(watched)
    assert (folder / "later" / "a").read_text() == MASK
    assert stat.S_ISREG((folder / "later" / "a").stat().st_mode)
