"""`check --fix`: applies fixes that need no decision: a .gitignore line, a file mode, a late due date."""

import difflib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

from tokenguard.domain.names import token_name
from tokenguard.errors import InputError
from tokenguard.file_replacement import check_kept, replace_kept
from tokenguard.files import read_limited, shown
from tokenguard.frozen import Frozen
from tokenguard.policy.evaluation import Assessment, Violation
from tokenguard.policy.model import Policy, age_starts_at
from tokenguard.text import pluralize
from tokenguard.usecases.confirm import confirm
from tokenguard.usecases.parts import HasEnvironment, WritesRecords

_MAX_BYTES = 1 << 20
_NEW_FILE = 0o644  # git's own mode: a .gitignore is readable by all
_OWNER = 0o700
_LINE = ".env"


class ApplyFixesParts(WritesRecords, HasEnvironment, Protocol):
    """What this use case takes."""


class Fix(Frozen, frozen=True):
    """One change, as it is shown and as it is done."""

    lines: tuple[str, ...]
    do: Callable[[], object]


def fixes(parts: ApplyFixesParts, policy: Policy, top: Path | None, assessments: Iterable[Assessment]) -> list[Fix]:
    """The fixes for violations in these assessments; nothing is changed yet.

    Args:
        parts: what it takes of the process.
        policy: the policy that limits due dates.
        top: the repository's top directory, if one was checked.
        assessments: the results of the check.
    """
    violations = [violation for each in assessments for violation in each.violations]
    found: list[Fix] = []
    if top is not None and any(each.rule == "env-file-ignored" for each in violations):
        found += _gitignore(top)
    found += [fix for each in violations for fix in _mode(parts, top, each)]
    found += [fix for each in violations for fix in _due_date(parts, policy, each)]
    return found


def apply_fixes(parts: ApplyFixesParts, found: list[Fix], *, confirmed: bool) -> bool:
    """Show the changes, ask for confirmation, and apply them; returns whether they were applied.

    Without a terminal or --yes they are only shown: a repository is not changed without consent.
    """
    show = parts.progress.note if parts.tty is None else parts.tty.show
    for fix in found:
        for line in fix.lines:
            show(line)
    if not confirmed:
        if parts.tty is None:
            parts.progress.note("nothing was changed; give --yes to apply this")
            return False
        confirm(parts.tty, "apply these fixes", undone="changed")
    for fix in found:
        fix.do()
    parts.progress.step(f"{pluralize(len(found), 'change')} made")
    return True


def _gitignore(top: Path) -> Iterator[Fix]:
    path = top / ".gitignore"
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise InputError(f"not a regular file: {shown(path)}", hint=f"add the line {_LINE} to it by hand")
    exists = path.exists()
    before = read_limited(path, _MAX_BYTES).decode("utf-8", "surrogateescape") if exists else ""
    after = f"{before}{'' if before.endswith(chr(10)) or not before else chr(10)}{_LINE}\n"
    check_kept(path)
    diff = difflib.unified_diff(before.splitlines(), after.splitlines(), ".gitignore", ".gitignore", lineterm="", n=2)
    data = after.encode("utf-8", "surrogateescape")
    yield Fix(tuple(diff), lambda: replace_kept(path, data, fresh=_NEW_FILE))


def _mode(parts: HasEnvironment, top: Path | None, found: Violation) -> Iterator[Fix]:
    if found.rule not in {"secret-file-mode", "vendor-credentials-mode"}:
        return
    base = Path(parts.environ.get("HOME", "")) if found.path.startswith("~/") else top
    if base is None:
        return
    path = base / found.path.removeprefix("~/")
    mode = stat.S_IMODE(os.lstat(path).st_mode)
    yield Fix((f"chmod {mode & _OWNER:o} {found.path}  (it is {mode:o})",), lambda: _close_to_others(path))


def _close_to_others(path: Path) -> None:
    """Remove all permissions of group and others, through a descriptor, so that a swapped link is not followed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        raise InputError(
            f"cannot change the mode of {shown(path)}", hint="check that it is a regular file that you own"
        ) from None
    try:
        os.fchmod(descriptor, stat.S_IMODE(os.fstat(descriptor).st_mode) & _OWNER)
    except PermissionError:
        raise InputError(f"you do not own the file: {shown(path)}", hint="ask its owner to run chmod on it") from None
    finally:
        os.close(descriptor)


def _due_date(parts: ApplyFixesParts, policy: Policy, found: Violation) -> Iterator[Fix]:
    """Move a due date that is later than the policy allows to the latest allowed one."""
    if found.rule != "late-due-date" or found.store:
        return
    from tokenguard.inventory.record_changes import RecordChanges
    from tokenguard.usecases.edit_token import edit_record  # only a late date needs it

    name = token_name(found.token)
    snapshot = parts.store.find(name)
    if snapshot is None:
        return
    record = snapshot.document.record
    rule, since = policy.rule("maximum-age", record), age_starts_at(record)
    if rule is None or since is None or record.due_at is None:
        return
    latest = since + rule.limit(record.environment)
    line = f"{record.name}: due {record.due_at:%Y-%m-%d} -> {latest:%Y-%m-%d}"
    yield Fix((line,), lambda: edit_record(parts, name, RecordChanges(due_at=latest), confirmed=True))
