"""The engine of this process: an immutable snapshot that is replaced as a whole when values come or go.

Reading it takes no lock. A value is masked from the moment `mask` returns, so call it before the value is used.
"""

import contextlib
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from tokenguard.domain.secret import Secret, Value
from tokenguard.errors import InputError
from tokenguard.redaction.known import MaskedValue, MatchSource, opaque_id
from tokenguard.redaction.line_heads import AHEAD
from tokenguard.redaction.matcher import Matcher
from tokenguard.redaction.stream import redact_text

if TYPE_CHECKING:
    from tokenguard.masking.leak import Leak  # a program to which leaks are not reported has no use for it


_MOST_NAMES = 4_000
_REMEMBERED = 4_096
"""Bytes of a message that are kept until the next one."""


class _EngineState:
    """What this process masks."""

    __slots__ = ("helper_callback", "known", "lock", "matcher", "named", "on_leak", "reporting", "seen", "words")

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.known: tuple[MaskedValue, ...] = ()
        self.matcher: Matcher | None = None
        self.on_leak: Callable[[MatchSource, str, int], None] | None = None
        self.helper_callback: Callable[[tuple[MaskedValue, ...]], None] | None = None
        self.reporting = threading.local()
        self.seen: tuple[object, str, int] = (self, "", 0)
        """The last clean message, with the engine that says so, and where in a line that ends with it the look at what
        is before it ends, from the end. One tuple: threads may race."""
        self.words = False
        """Whether a mask is one word, without brackets."""
        self.named: tuple[Matcher | None, set[tuple[str | None, ...]]] = (None, set())
        """An engine, and names in which it found nothing."""


_STATE = _EngineState()


def _unlock() -> None:
    """Another thread may have held the lock at a fork, and does not exist in the child."""
    _STATE.lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock)


def mask(value: str, name: str = "") -> None:
    """Mask a value, in every form, from now on.

    Args:
        value: the value; InputError if it is under 8 bytes or would destroy ordinary text.
        name: what reports call it; the mask shows an opaque id of it.
    """
    mask_all([known_of(value, name)])


def known_of(value: str, name: str) -> MaskedValue:
    """A value under a name, ready for an engine; InputError if it is not text."""
    if not isinstance(value, str):
        raise InputError(
            f"the value of {name or 'unnamed'} is not text",
            hint="decode bytes to text, and check that the variable was found",
        )
    secret = Secret(value)
    label = name or "unnamed"
    return MaskedValue(id=opaque_id(name or Value({"v": secret}).digest().hex()), name=label, secret=secret)


def mask_all(known: Iterable[MaskedValue]) -> None:
    """Mask several values at once; what is masked already stays."""
    with _STATE.lock:
        fresh = [each for each in known if not any(each.secret == old.secret for old in _STATE.known)]
        if fresh or _STATE.matcher is None:
            _swap((*_STATE.known, *fresh))


def unmask(name: str) -> None:
    """Stop masking all values of a name. Call it only when they have been revoked for a day."""
    with _STATE.lock:
        _swap(tuple(each for each in _STATE.known if each.name != name))


def _swap(known: tuple[MaskedValue, ...]) -> None:
    matcher = Matcher.of(known)
    if _STATE.words:
        matcher.masks = [f"tokenguard-{source.id}".encode() for source in matcher.sources]
    if _STATE.helper_callback is not None:
        _STATE.helper_callback(known)
    _STATE.known, _STATE.matcher = known, matcher


def use_words() -> None:
    """Write masks as one word, which no format has a meaning for."""
    with _STATE.lock:
        _STATE.words = True
        _swap(_STATE.known)


def report_to(on_leak: "Callable[[Leak], None] | None") -> None:
    """Call `on_leak` whenever something is masked; None stops that. What it raises is dropped."""
    if on_leak is None:
        _STATE.on_leak = None
        return
    from tokenguard.masking.leak import Leak

    def report(source: MatchSource, channel: str, count: int) -> None:
        on_leak(Leak(name=source.name, mask=source.id, form=source.form, channel=channel, count=count))

    _STATE.on_leak = report


def inform_helper(update: Callable[[tuple[MaskedValue, ...]], None] | None) -> None:
    """Send the values to a helper process too, whenever they change."""
    _STATE.helper_callback = update


def matcher() -> Matcher:
    """The engine now."""
    found = _STATE.matcher
    if found is None:
        mask_all(())
        found = _STATE.matcher
    assert found is not None  # noqa: S101 - `mask_all` makes one
    return found


def known() -> tuple[MaskedValue, ...]:
    """The values that are masked now."""
    return _STATE.known


def is_clean(text: str) -> bool:
    """Whether there is surely nothing to mask: the usual case, as fast as can be, in the way of every log record."""
    try:
        return (_STATE.matcher or matcher()).is_clean(text.encode())
    except UnicodeEncodeError:  # a lone surrogate
        return False


def is_clean_message(text: str, names: tuple[str | None, ...]) -> bool:
    """`is_clean` for a record's message, which `is_clean_line` will meet again, and for the names in the record.

    Names are those of its logger, thread, process, task, file and function, which are few and come again.
    """
    engine, known_clean = _STATE.named
    if engine is None or engine is not _STATE.matcher or names not in known_clean:
        engine = _engine_by_which_clean(names)
    if engine is None or not engine.is_clean(text.encode()):
        return False
    if AHEAD < len(text) <= _REMEMBERED:
        _STATE.seen = engine, text, AHEAD - len(text)
    return True


def _engine_by_which_clean(names: tuple[str | None, ...]) -> Matcher | None:
    """The engine now, by which there is nothing in names, which are remembered then; None if there may be something."""
    engine, known_clean = _STATE.named
    if engine is None or engine is not _STATE.matcher or len(known_clean) > _MOST_NAMES:
        engine, known_clean = matcher(), set()
        _STATE.named = engine, known_clean
    if any(name and not is_clean(name) for name in names):
        return None
    known_clean.add(names)
    return engine


def is_clean_line(text: str) -> bool:
    """`is_clean` for a formatted record: of one that ends with the message that was just seen, only for its head."""
    engine, message, end = _STATE.seen
    if engine is (now := _STATE.matcher) and now is not None and text.endswith(message):
        head = text[:end]
        if head.isascii() and now.heads.are_clean(head.encode()):
            return True
    return is_clean(text)


def clean(text: str, channel: str) -> str:
    """`text` with masks; the same object if there is nothing to mask."""
    if is_clean(text):
        return text
    found: Counter[MatchSource] = Counter()
    out = redact_text(matcher(), text, found)
    if found:
        report_leaks(found, channel)
    return out


@contextlib.contextmanager
def reported_once(channel: str) -> Iterator[None]:
    """Report together what is masked inside: message, arguments and exception of a record hold the same values."""
    reporting = _STATE.reporting
    if _STATE.on_leak is None or getattr(reporting, "gathered", None) is not None:
        yield
        return
    reporting.gathered = Counter()
    try:
        yield
    finally:
        found, reporting.gathered = reporting.gathered, None
        report_leaks(found, channel)


def report_leaks(found: Counter[MatchSource], channel: str) -> None:
    """Report leaks. A leak that is reported while reporting is not: it would never end."""
    on_leak, busy = _STATE.on_leak, _STATE.reporting
    if on_leak is None or getattr(busy, "now", False):
        return
    if (gathered := getattr(busy, "gathered", None)) is not None:
        gathered |= found
        return
    busy.now = True
    try:
        for source, count in found.items():
            on_leak(source, channel, count)
    except Exception:  # noqa: BLE001, S110 - a report must never hurt the program whose output it is about
        pass
    finally:
        busy.now = False
