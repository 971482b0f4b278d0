"""Changes several records at once: all of them are checked before the first is written."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from tokenguard.domain.document import Snapshot
from tokenguard.errors import InputError
from tokenguard.inventory import admission
from tokenguard.inventory.record_changes import RecordChanges
from tokenguard.rotation.batch import BatchJob, BatchResult, run_all
from tokenguard.usecases.edit_token import RecordEdit, commit_edit, plan_edit
from tokenguard.usecases.parts import WritesRecords


class EditPlanner:
    """Checks changes of several records against the store and against each other.

    Args:
        parts: what it takes of the process.
    """

    def __init__(self, parts: WritesRecords) -> None:
        self._parts = parts
        self._taken = admission.places_taken(parts.store)
        self._renamed: set[str] = set()

    def plan(self, snapshot: Snapshot, changes: RecordChanges) -> RecordEdit:
        """The checked change of the next record; raises as `edit_record` does."""
        edit = plan_edit(self._parts, snapshot, changes, self._taken)
        if edit.after.name in self._renamed:
            raise InputError(f"two tokens would be named {edit.after.name}", hint="choose another name for one of them")
        if "name" in edit.changed:
            self._renamed.add(edit.after.name)
        for place in edit.before.places:
            self._taken.pop(place, None)
        self._taken.update(dict.fromkeys(edit.after.places, edit.after.name))
        return edit


def plan_same_edit(parts: WritesRecords, found: Iterable[Snapshot], changes: RecordChanges) -> list[RecordEdit]:
    """The same change for each token; those that have it already are left out."""
    planner = EditPlanner(parts)
    edits = [planner.plan(snapshot, changes) for snapshot in found]
    return [edit for edit in edits if edit.changed]


def commit_edits(parts: WritesRecords, edits: Sequence[RecordEdit]) -> Iterator[BatchResult]:
    """Write the changes, each with its audit event; one that fails does not stop the rest."""
    jobs = [BatchJob(name=edit.before.name, run=partial(commit_edit, parts, edit)) for edit in edits]
    return run_all(jobs, parts.clock)
