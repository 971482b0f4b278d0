"""What the fault campaigns do to an embedded store: each act is exactly one commit, and always the same one."""

from collections.abc import Callable

from tests.fakes.local_stores import LABEL, document, edited, event
from tokenguard.domain.event import Op
from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.names import Label, TokenId
from tokenguard.domain.secret import Value
from tokenguard.frozen import replace
from tokenguard.stores.local.store import LocalStore

ONE, TWO = TokenId("1" * 32), TokenId("2" * 32)
LATER = Label("upload-abcdefgh-2")


def _create(store: LocalStore, token: TokenId, name: str) -> None:
    known = document(name, fingerprint=Fingerprint(token))
    store.commit(token, 0, known, [event(Op.ADD), event(Op.OPEN)])


def _edit(store: LocalStore) -> None:
    read = store.load(ONE)
    edited(store, replace(read, version=1), purpose="thumbnails " * 40)  # pinned: once more must not be a second edit


TRAFFIC: tuple[Callable[[LocalStore], object], ...] = (
    lambda store: _create(store, ONE, "video/upload/prod/one"),
    lambda store: store.put_candidate(ONE, LABEL, Value.of("tgcanary-one-" + "x" * 900)),
    lambda store: store.publish(ONE, LABEL, 0),
    lambda store: _create(store, TWO, "video/upload/prod/two"),
    _edit,
    lambda store: store.put_candidate(ONE, LATER, Value.of("tgcanary-later")),
    lambda store: store.publish(ONE, LATER, 1),
    lambda store: store.destroy(ONE, LABEL),
)
