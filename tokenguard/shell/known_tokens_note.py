"""Says once on a machine, and not at every commit, that known tokens are not searched for; again after they were."""

from contextlib import suppress
from pathlib import Path

from tokenguard.domain.finding import Report
from tokenguard.domain.note_frequency import NoteFrequency
from tokenguard.errors import InputError
from tokenguard.file_replacement import replace_file
from tokenguard.files import make_private_dir, read_limited
from tokenguard.frozen import replace
from tokenguard.places import state_dir
from tokenguard.scanning.known_token_note import NOT_SEARCHED, NOTE

_MAX_BYTES = 1_000


def with_note_once(report: Report, frequency: NoteFrequency = NoteFrequency.ONCE) -> Report:
    """The report for a person, without the note if it was shown before, or never is."""
    note = next((each for each in report.notes if each.startswith(NOT_SEARCHED)), "")
    wanted = frequency is NoteFrequency.ALWAYS or (frequency is NoteFrequency.ONCE and _is_news(note))
    return report if wanted else replace(report, notes=tuple(each for each in report.notes if each != note))


def _is_news(note: str) -> bool:
    """Whether this was not said last; remembers that it is said now. Where nothing can be kept it always is."""
    place = _place()
    before = b""
    with suppress(OSError, InputError):
        before = read_limited(place, _MAX_BYTES)
    if before == note.encode():
        return False
    with suppress(OSError, InputError):
        if note:
            make_private_dir(place.parent)
            replace_file(place, note.encode())
        else:
            place.unlink()
    return True


def _place() -> Path:
    return state_dir().joinpath(*NOTE)
