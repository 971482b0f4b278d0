"""Files that are not ours alone: who replaces one keeps its owner, group, mode, ACL and attributes, or refuses."""

import contextlib
import os
import shutil
import stat
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tokenguard import file_replacement
from tokenguard.delivery.dotenv import DotenvDelivery
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Consumer, ConsumerKind
from tokenguard.errors import InputError
from tokenguard.file_replacement import check_kept, replace_kept
from tokenguard.files import make_private_dir, private_secret
from tokenguard.output.save_file import check_page, save_page

ACL = "system.posix_acl_access"
NOBODY_ELSE = 12_345


def acl(named: int) -> bytes:
    """An access ACL: `named` may read too."""
    no_id = 0xFFFFFFFF
    entries = ((0x01, 6, no_id), (0x02, 4, named), (0x04, 4, no_id), (0x10, 4, no_id), (0x20, 0, no_id))
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def described(path: Path) -> tuple[object, ...]:
    info = path.stat()
    names = sorted(os.listxattr(path)) if hasattr(os, "listxattr") else []
    return info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode), [(name, os.getxattr(path, name)) for name in names]


def _set(name: str, data: bytes) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        try:
            os.setxattr(path, name, data)
        except (AttributeError, OSError):
            pytest.skip(f"NOT TESTED: {name} is kept (this file system, or this user, cannot set it)")

    return change


def _owned(uid: int, gid: int) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        if os.geteuid() != 0:
            pytest.skip("NOT TESTED: the owner and group of others are kept (needs root)")
        os.chown(path, uid, gid)
        path.chmod(0o640)

    return change


TRAITS: dict[str, Callable[[Path], None]] = {
    "readable by its group": lambda path: path.chmod(0o640),
    "written by its group": lambda path: path.chmod(0o660),
    "read-only": lambda path: path.chmod(0o440),
    "readable by all": lambda path: path.chmod(0o644),
    "another group": _owned(-1, NOBODY_ELSE),
    "an ACL": _set(ACL, acl(NOBODY_ELSE)),
    "an attribute of the user": _set("user.note", b"of the team"),
    "a security label": _set("security.selinux", b"system_u:object_r:etc_t:s0\0"),
}


def _deliver(path: Path) -> None:
    consumer = Consumer(kind=ConsumerKind.DOTENV, target=f"{path}#V")
    DotenvDelivery().check(consumer)
    DotenvDelivery().push(consumer, Value.of("tgcanary-new-2"))


def _page(path: Path) -> None:
    check_page(path)
    save_page(path, "new\n", force=True)


def _gitignore(path: Path) -> None:
    from tokenguard.usecases.apply_fixes import _gitignore as fixes

    path.rename(path.with_name(".gitignore"))
    try:
        for fix in fixes(path.parent):
            fix.do()
    finally:
        path.with_name(".gitignore").rename(path)


def _formatted(path: Path) -> None:
    from tokenguard.cli.fmt import _write

    _write(path, b"new\n")


WRITERS: dict[str, Callable[[Path], None]] = {
    "a delivery": _deliver,
    "a page that was asked for": _page,
    "a line of .gitignore": _gitignore,
    "a manifest in order": _formatted,
    "what all of them call": lambda path: replace_kept(path, b"new\n"),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("trait", TRAITS.values(), ids=TRAITS)
def test_whoever_replaces_a_file_keeps_what_it_has(tmp_path: Path, trait: Callable[[Path], None], write):
    path = tmp_path / "file"
    path.write_text("A=1\n")
    trait(path)
    before, inode = described(path), path.stat().st_ino
    write(path)
    assert described(path) == before
    assert path.read_text() != "A=1\n"
    assert path.stat().st_ino != inode
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_what_a_folder_hands_down_is_not_added(tmp_path: Path):
    """A default ACL of the directory is for new files."""
    path = tmp_path / "file"
    path.write_text("A=1\n")
    path.chmod(0o640)
    before = described(path)
    _set("system.posix_acl_default", acl(NOBODY_ELSE))(tmp_path)
    replace_kept(path, b"new\n")
    assert described(path) == before


def _not_allowed(*_: object) -> None:
    raise PermissionError


CANNOT: dict[str, tuple[Callable[[Path], None], str]] = {
    "its group is not ours": (_owned(-1, NOBODY_ELSE), "fchown"),
    "its ACL": (_set(ACL, acl(NOBODY_ELSE)), "setxattr"),
    "its attribute": (_set("user.note", b"of the team"), "setxattr"),
}


@pytest.mark.parametrize("unnamed", [True, False], ids=["as ever", "no unnamed files"])
@pytest.mark.parametrize(("trait", "call"), CANNOT.values(), ids=CANNOT)
def test_what_cannot_be_kept_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trait: Callable[[Path], None], call: str, *, unnamed: bool
):
    path = tmp_path / ".env"
    path.write_text("A=1\n")
    trait(path)
    before = described(path)
    monkeypatch.setattr(os, call, _not_allowed)
    monkeypatch.setattr(os, "getgroups", list)
    if not unnamed:
        monkeypatch.delattr(os, "O_TMPFILE")
    consumer = Consumer(kind=ConsumerKind.DOTENV, target=f"{path}#V")
    delivery = DotenvDelivery()
    with pytest.raises(InputError) as caught:
        delivery.check(consumer) if unnamed else delivery.push(consumer, Value.of("tgcanary-new-2"))
    assert caught.value.exit_code == 2
    assert caught.value.hint
    assert (described(path), path.read_text()) == (before, "A=1\n")
    assert [each.name for each in tmp_path.iterdir()] == [".env"]


def test_a_check_shows_nothing_to_anybody(tmp_path: Path):
    path = tmp_path / "file"
    path.write_text("A=1\n")
    seen = tmp_path.stat().st_mtime_ns
    check_kept(path)
    assert tmp_path.stat().st_mtime_ns == seen


def _hard_link(path: Path) -> None:
    path.write_text("A=1\n")
    path.with_name("twin").hardlink_to(path)


IN_THE_WAY: dict[str, Callable[[Path], object]] = {
    "a link": lambda path: path.symlink_to("/dev/null"),
    "a link to nowhere": lambda path: path.symlink_to("nowhere"),
    "a second name": _hard_link,
    "a directory": lambda path: path.mkdir(),
    "a pipe": os.mkfifo,
}


@pytest.mark.parametrize(
    "use", [check_kept, lambda path: replace_kept(path, b"new\n"), _page], ids=["check", "write", "page"]
)
@pytest.mark.parametrize("make", IN_THE_WAY.values(), ids=IN_THE_WAY)
def test_what_is_no_plain_file_is_never_replaced(tmp_path: Path, make, use):
    path = tmp_path / "file"
    make(path)
    kind = path.lstat()
    with pytest.raises(InputError):
        use(path)
    assert (path.lstat().st_ino, path.lstat().st_mode) == (kind.st_ino, kind.st_mode)


def test_a_new_file_is_private_unless_said(tmp_path: Path):
    replace_kept(tmp_path / "a", b"x")
    replace_kept(tmp_path / "b", b"x", fresh=0o644)
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a", "b")] == [0o600, 0o644]


def test_the_check_is_what_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The test of the tests: without its comparison, a file that lost its group would pass."""
    path = tmp_path / "file"
    path.write_text("A=1\n")
    _set("user.note", b"of the team")(path)
    monkeypatch.setattr(os, "setxattr", lambda *_: None)
    with pytest.raises(InputError):
        replace_kept(path, b"new\n")
    monkeypatch.setattr(file_replacement, "_attributes", lambda _: {})
    replace_kept(path, b"new\n")
    assert "user.note" not in os.listxattr(path)


# ---- where no file can be replaced, whatever its rights

OLD_LINE = "V=tgcanary-old-1\n"


def _flagged(flag: str, *, folder: bool) -> str:
    return f'chattr +{flag} "${{0{"%/*" if folder else ""}}}"'


HINDRANCES = {
    "an immutable file": _flagged("i", folder=False),
    "an append-only file": _flagged("a", folder=False),
    "an immutable directory": _flagged("i", folder=True),
    "an append-only directory": _flagged("a", folder=True),
    "a file that is mounted by itself": 'touch "$0.other" && mount --bind "$0.other" "$0"',
    "a read-only file system": 'mount --bind "${0%/*}" "${0%/*}" && mount -o remount,bind,ro "${0%/*}"',
}
REFUSED = """
import sys
from pathlib import Path
from tokenguard.errors import InputError
from tokenguard.file_replacement import check_kept
path = Path(sys.argv[1])
try:
    check_kept(path)
except InputError as error:
    sys.exit(0 if str(path.parent) in error.hint else "the hint does not name the place")
sys.exit("not refused")
"""


@pytest.fixture
def freed(tmp_path):
    """A directory that can be removed again after the test."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    yield folder
    for place in (folder, *folder.iterdir()):
        subprocess.run(["chattr", "-i", "-a", place], check=False, capture_output=True)


@pytest.mark.parametrize("hindrance", HINDRANCES.values(), ids=HINDRANCES)
def test_a_place_where_no_file_can_be_replaced_is_refused_beforehand(freed, hindrance):
    path = freed / ".env"
    path.write_text(OLD_LINE)
    shell = ["unshare", "-m", "sh", "-c", f'{hindrance} || exit 77; exec "$@"', path]
    if os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "chattr", "mount"))):
        pytest.skip("NOT TESTED: files that cannot be replaced (needs root and Linux)")
    done = subprocess.run([*shell, sys.executable, "-c", REFUSED, path], check=False, capture_output=True, text=True)
    if done.returncode == 77:
        pytest.skip(f"NOT TESTED: {hindrance} (this machine cannot do it)")
    assert done.returncode == 0, done.stderr
    assert [each.name for each in freed.iterdir() if each.name.startswith(".env.") and each.name != ".env.other"] == []


def test_a_directory_that_cannot_be_written_is_refused_beforehand(tmp_path, monkeypatch):
    path = tmp_path / ".env"
    path.write_text(OLD_LINE)
    check_kept(path)
    tmp_path.chmod(0o500)
    if os.geteuid() == 0:
        monkeypatch.setattr(os, "access", lambda *_more, **_how: False)
    with pytest.raises(InputError, match="cannot be written"):
        check_kept(path)
    tmp_path.chmod(0o700)
    assert path.read_text() == OLD_LINE


def test_a_directory_that_others_use_keeps_its_mode(tmp_path):
    """A store or state directory that was mistyped may be a project, a home, `/tmp` or, for root, any directory."""
    project, sticky, empty = tmp_path / "project", tmp_path / "sticky", tmp_path / "empty"
    for place, mode in ((project, 0o755), (sticky, 0o1777), (empty, 0o755)):
        place.mkdir()
        place.chmod(mode)
    (project / "app.py").touch()
    (project / "app.py").chmod(0o644)
    for place, mode in ((project, 0o755), (sticky, 0o1777)):
        with contextlib.suppress(InputError):
            make_private_dir(place)
        assert stat.S_IMODE(place.stat().st_mode) == mode
        with pytest.raises(InputError):
            make_private_dir(place)
    make_private_dir(empty)
    assert stat.S_IMODE(empty.stat().st_mode) == 0o700


def test_a_new_key_is_private_and_its_directory_stays_as_it_is(tmp_path):
    tmp_path.chmod(0o755)
    path = tmp_path / "evidence.key"
    private_secret(path, 32, what="a key", hint="name one", create=True)
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path, tmp_path)] == [0o600, 0o755]
