"""What refs lead to besides commits: annotated tags with their messages, and trees and files that a ref names itself.

`git rev-list` passes over all of it without a word, and a push brings it like anything else.
"""

import os
from collections.abc import Iterable

from tokenguard.domain.finding import SkippedContent
from tokenguard.scanning.content import MAX_BYTES
from tokenguard.scanning.git import Git
from tokenguard.scanning.versions import FirstSeen, MessageVersion

_MOST_TAGS_OF_TAGS = 8


def add_named(git: Git, ids: Iterable[str], seen: FirstSeen) -> None:
    """Add what these objects reference and no commit does. Commits are listed by the caller."""
    pending = set(ids)
    for _ in range(_MOST_TAGS_OF_TAGS):
        if not pending:
            return
        kinds = git.kinds(pending)
        for each, (kind, _size) in kinds.items():
            if kind == "blob":
                seen.blobs.setdefault(each, (f"(file {each[:12]})", None))
            elif kind == "tree":
                _add_tree(git, each, seen)
        seen.skipped += [
            SkippedContent(path=f"({each[:12]})", reason="missing-object") for each in sorted(pending - {*kinds})
        ]
        tags = [each for each, (kind, _size) in kinds.items() if kind == "tag"]
        pending = {_add_tag(tag, data or b"", seen) for tag, data in git.contents(tags, MAX_BYTES)} if tags else set()
    seen.skipped += [SkippedContent(path=f"({each[:12]})", reason="tag-of-tags") for each in sorted(pending)]


def _add_tag(tag: str, data: bytes, seen: FirstSeen) -> str:
    """Note the tag's message, and return what it is a tag of: as git does, by the first line alone, in either case."""
    target, _, name, *_ = [*data.split(b"\n", 3), b"", b""]
    shown = os.fsdecode(name.removeprefix(b"tag ")) or tag[:12]
    seen.words.append(MessageVersion(path=f"(message of tag {shown})", blob=tag, origin=None, size=len(data)))
    return target.removeprefix(b"object ").decode("ascii", "replace").lower()


def _add_tree(git: Git, tree: str, seen: FirstSeen) -> None:
    for row in git.output("ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0"):
        if row:
            head, _, name = row.partition(b"\t")
            mode, _, blob = head.split()
            seen.add(mode, blob, name, None)
