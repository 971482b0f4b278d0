"""Plans a migration: counts what it will copy, without any effect and without reading values."""

from tokenguard.domain.document import Snapshot
from tokenguard.domain.names import TokenName
from tokenguard.domain.token import Custody, RecordState
from tokenguard.frozen import Frozen
from tokenguard.ports.shared_item import Item, shared_items_of
from tokenguard.ports.store import Store


class OpenOperation(Frozen, frozen=True, kw_only=True):
    """An open operation, which stays open at the target."""

    name: TokenName
    mode: str
    stage: str


class MovePlan(Frozen, frozen=True, kw_only=True):
    """The counted content of a store."""

    source: str
    target: str
    tokens: int
    retired: int
    elsewhere: int
    """Tokens whose value is not in the store: adopted where it is, not readable, or none. They go as pointers."""
    quarantined: int
    """Old values that are kept until their death is confirmed."""
    shared: tuple[str, ...]
    """The shared items."""
    entries: int
    """Audit entries, of all tokens and of what is shared together."""
    open: tuple[OpenOperation, ...]


def plan_move(source: Store, target: str) -> MovePlan:
    """Count what is in `source`, which is to go to the store at `target`."""
    found = list(source.scan())
    documents = [snapshot.document for snapshot in found]
    chains = {item: there.chain for item in Item if (there := shared_items_of(source).read(item)) is not None}
    return MovePlan(
        source=source.url,
        target=target,
        tokens=len(found),
        retired=sum(each.record.state is RecordState.RETIRED for each in documents),
        elsewhere=sum(
            each.record.location.custody is not Custody.MANAGED or not each.record.kind.has_value for each in documents
        ),
        quarantined=sum(len(each.quarantine) for each in documents),
        shared=tuple(chains),
        entries=sum(each.chain.seq for each in documents) + sum(each.seq for each in chains.values()),
        open=tuple(open_one for snapshot in found if (open_one := _open(snapshot)) is not None),
    )


def _open(snapshot: Snapshot) -> OpenOperation | None:
    document = snapshot.document
    if not document.busy or document.journal is None:
        return None
    return OpenOperation(name=document.record.name, mode=document.journal.mode, stage=document.journal.stage)
