"""The values of one token: every slot that was ever written ahead, tombstones included, and what is live."""

from collections.abc import Iterable, Sequence

from tokenguard.domain.document import Document
from tokenguard.domain.event import ChainedEvent, Op
from tokenguard.domain.journal import AttemptState
from tokenguard.domain.names import Label, TokenId
from tokenguard.domain.secret import Value
from tokenguard.errors import Conflict, Tampered
from tokenguard.ports.store import Live, Tombstone, Values

LEFT_OPEN = "moved"
"""Why a slot is closed that was empty when its token moved. It stays behind: at the new home the slot is open."""
_NAMING = frozenset({Op.MINT, Op.STORE})
"""Every label is written ahead in one of these."""


def labels_of(document: Document, entries: Iterable[ChainedEvent], live: Live | None) -> tuple[Label, ...]:
    """The labels of all slots a token may have, in no useful order but always the same."""
    found = {str(entry.event.detail.get("label", "")) for entry in entries if entry.event.op in _NAMING}
    found |= {item.label for item in document.quarantine}
    found |= document.journal.labels if document.journal else frozenset()
    if live is not None:
        found.add(live.label)
    return tuple(Label(label) for label in sorted(found) if label)


def close_open_slots(store: Values, token: TokenId, document: Document) -> None:
    """Fence the slots of open attempts, so that a stopped runner that continues revokes the token it created."""
    for attempt in document.journal.attempts if document.journal else ():
        if attempt.state is AttemptState.INTENDED and store.read_candidate(token, attempt.label) is None:
            try:
                store.put_candidate(token, attempt.label, Tombstone(reason=LEFT_OPEN))
            except Conflict:
                continue  # it has just come, so it goes along


def copy_slots(source: Values, target: Values, token: TokenId, labels: Sequence[Label]) -> None:
    """Let each slot of the target hold what the source's holds; safe to repeat.

    Raises:
        Tampered: the target holds something else under a label.
    """
    for label in labels:
        content, there = slot(source, token, label), target.read_candidate(token, label)
        if content is None or there == content:
            continue
        if there is None:
            target.put_candidate(token, label, content)
        elif isinstance(content, Tombstone) and isinstance(there, Value):
            target.destroy(token, label)  # it was destroyed here after it was copied
        else:
            raise Tampered(
                "the new store has a different value under the same label",
                hint="find out who wrote to it; then run `tokenguard migrate --abort` and migrate to an empty store",
            )


def slot(source: Values, token: TokenId, label: Label) -> Value | Tombstone | None:
    """What a slot of the store that is left holds, as the new home is to have it."""
    content = source.read_candidate(token, label)
    return None if isinstance(content, Tombstone) and content.reason == LEFT_OPEN else content


def copy_live(target: Values, token: TokenId, live: Live | None) -> int:
    """Let the same label be live at the target; returns the target's live version (0: nothing is live)."""
    there = target.read_live(token)
    if live is None:
        if there is not None:
            target.withdraw(token, there.version)
        return 0
    if there is not None and there.label == live.label:
        return there.version
    return target.publish(token, live.label, there.version if there else 0)
