"""The promises, checked around every effect of the real engine over the fake world."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.world import Made
from tests.unit.rotation_bench import APP, Bench
from tokenguard.domain.event import Op, Phase
from tokenguard.domain.journal import AttemptState, HandoverLevel, Journal, Mode, Stage
from tokenguard.domain.liveness import DeathGrade
from tokenguard.domain.names import TokenId
from tokenguard.domain.secret import Value
from tokenguard.errors import ExitCode, TokenguardError
from tokenguard.rotation.machine import death_owed, reached


class Broken(AssertionError):
    """A promise does not hold."""


_INTENTS = {
    "issuer.create": Op.MINT,
    "operator.paste": Op.MINT,
    "store.publish": Op.PUBLISH,
    "store.withdraw": Op.PUBLISH,
    "store.destroy": Op.DESTROY,
    "delivery.push": Op.DELIVER,
    "issuer.revoke": Op.REVOKE,
}


_MAKING = (
    (Op.MINT, Phase.INTENT),
    (Op.STORE, Phase.OUTCOME),
    (Op.ACCEPT, Phase.FACT),
    (Op.PUBLISH, Phase.OUTCOME),
    (Op.DELIVER, Phase.OUTCOME),
)
_REVOKING = ((Op.REVOKE, Phase.INTENT), (Op.REVOKE, Phase.OUTCOME))
_ORDERS = {
    "planned": (*_MAKING, *_REVOKING, (Op.DEATH, Phase.FACT), (Op.DONE, Phase.FACT)),
    "compromised": (*_REVOKING, *_MAKING, (Op.DONE, Phase.FACT)),
}


@dataclass
class Promises:
    """What one scenario must keep. `token` and `old` are None until there is something to watch."""

    bench: Bench
    action: str
    token: TokenId | None = None
    old: Made | None = None
    version: int = 0
    epochs: dict[str, int] = field(default_factory=dict)
    """The highest epoch of every operation, the latest operation last."""
    overtaken: bool = False
    """Whether another runner has gone on while the one at work stood still."""
    told: list[TokenguardError] = field(default_factory=list)
    """The errors with which runs ended."""
    died: bool = False
    """Whether a run ended without an exit code of its own."""
    late: set[str] = field(default_factory=set)
    """Ids of tokens that an overtaken runner made: named in the record (P2), and nobody's to end but its own."""

    def before(self, call: str, arguments: tuple[Any, ...]) -> None:
        """What must be durable before this effect may happen."""
        if self.token is None or call not in _INTENTS:
            return
        self._intended(call)
        if call == "issuer.create":
            self._named_before(arguments[0].label)
        elif call == "operator.paste":
            self._named_before(arguments[0].steps[0].split()[1])
        elif call == "issuer.revoke" and self.old is not None and arguments[0] == self.old.id:
            self._may_revoke_old()
        if call == "operator.done" and self.old is not None and self.old.label in arguments[0].steps[0]:
            self._may_revoke_old()

    def after(self, call: str, arguments: tuple[Any, ...]) -> None:
        """What must hold now."""
        if self.token is None:
            return
        if call == "store.commit":
            self._committed()
        if call in {"issuer.create", "operator.paste"} and self.overtaken:
            self.late.add(list(self.bench.world.made)[-1])
        if self.planned:
            self._never_zero()

    @property
    def planned(self) -> bool:
        """Whether a gap is never allowed: only what is compromised, retired or not yet issued may have one."""
        return self.action == "planned" or self.action.startswith("abort")

    @property
    def undone(self) -> bool:
        """Whether it ended by going back."""
        journal = self._journal()
        return journal is not None and journal.stage is Stage.ABORTED

    @property
    def only_said(self) -> bool:
        """Whether it ended on a person's word."""
        journal = self._journal()
        return journal is not None and journal.proof is not None and journal.proof.grade is DeathGrade.ASSERTED

    def nothing_living_is_destroyed(self) -> None:
        """P3: of every token that is accepted and was ever stored, the store still has the value."""
        assert self.token is not None
        held = {value.token.reveal() for (owner, _), value in self.bench.store._slots.items() if owner == self.token and isinstance(value, Value)}  # fmt: skip
        if self.old is not None and self.bench.world.alive(self.old):
            self._check(self.old.value in held, "P3: a value was destroyed, and its token is accepted")

    def take_note(self, journal: Journal) -> bool:
        """Note who holds what now; False if that was somebody else's already."""
        known = self.epochs.get(journal.id, 0)
        if known and (journal.id != list(self.epochs)[-1] or journal.epoch < known):
            return False
        self.epochs[journal.id] = journal.epoch
        return True

    def stopped(self, error: TokenguardError, failed: str) -> None:
        """P3: while a death is owed, no error says less than 5, unless the store itself could not be asked."""
        journal = self._journal()
        if journal is not None and death_owed(journal) and not failed.startswith("store."):
            self._check(error.exit_code is ExitCode.NOT_PROVEN_DEAD, f"P3: {error.exit_code!r} while a death is owed")

    def returned(self) -> None:
        """P3: success says that the old token was proven dead."""
        journal = self._journal()
        assert journal is not None
        if self.old is not None and not self.undone:
            self._check(journal.proof is not None, "P3: success without a proof")
            if self.only_said:
                told = self.died or any(error.exit_code is ExitCode.NOT_PROVEN_DEAD for error in self.told)
                self._check(told, "P3: a person's word was taken, and no exit code said so")
                alone = self.action == "retire" and self.bench.issuer is None
                self._check(alone, "P3: a person's word was taken, although there is something to compare with")
                return
            self._check(journal.proof.proven, "P3: success without a control")
            self._check(not self.bench.world.alive(self.old), "P3: success, and the old token is accepted")

    def at_rest(self) -> None:
        """P8: exactly one living token, the one that is live and that the consumer holds (none after a retirement)."""
        bench, token = self.bench, self.token
        assert token is not None
        live = bench.store.read_live(token)
        served = [] if live is None else [live.value.token.reveal()]
        kept = bench.document(token).possibly_alive
        said = {each.provider_label for each in kept if each.proof.grade is DeathGrade.ASSERTED}
        if said:
            # 4: the store did not say that the last step was written; the resume line that it names says 5.
            codes = {error.exit_code for error in self.told}
            told = self.died or bool(codes & {ExitCode.NOT_PROVEN_DEAD, ExitCode.UNREACHABLE})
            self._check(told, "P3: a person's word was taken for a new token, and no exit code said so")
        living = [
            made.value
            for made in bench.world.living()
            if made.value in served or (made.id not in self.late and made.label not in said)
        ]
        if self.only_said:
            self.nothing_living_is_destroyed()
            living = [value for value in living if value != getattr(self.old, "value", "")]
        self._check(self.action == "add" or living == served, f"P8: {len(living)} tokens live, {len(served)} served, or others")  # fmt: skip
        self._check(len(served) == self._served_at_rest(), f"P8: {len(served)} tokens served")
        if self.action != "retire" or self.undone:
            held = bench.deliveries.delivery.held.get(APP)
            self._check([held] == served or (not served and self.old is None), "P8: the consumer holds another token")
        self._no_value_left_behind()
        if self.undone:
            self._check(served == ([self.old.value] if self.old else []), "P8: undone, and not as it was")
        elif self.action in _ORDERS:
            self._order(_ORDERS[self.action])

    def _served_at_rest(self) -> int:
        if self.undone:
            return 0 if self.old is None else 1
        return 0 if self.action == "retire" else 1

    def _never_zero(self) -> None:
        live = self.bench.store.read_live(self.token) if self.token else None
        made = self.bench.world.of_value(live.value.token.reveal()) if live else None
        self._check(made is not None and made.revoked_at is None, "P1: what the store serves is not alive")
        held = self.bench.world.of_value(self.bench.deliveries.delivery.held[APP])
        self._check(held is not None and held.revoked_at is None, "P1: the consumer holds a token that was revoked")

    def _named_before(self, label: str) -> None:
        named = any(entry.event.detail.get("label") == label for entry in self._history())
        self._check(named, f"P2: {label} is in no durable record")

    def _intended(self, call: str) -> None:
        journal = self._journal()
        undoing = call == "delivery.push" and journal is not None and journal.stage is Stage.ABORTING
        said = self._op_said(Op.ROLL_BACK if undoing else _INTENTS[call])
        said = said or (call == "store.destroy" and self._op_said(Op.REVOKE))
        self._check(said, f"P6: {call} without an intent on record")

    def _op_said(self, op: Op) -> bool:
        return any(entry.event.op is op and entry.event.phase is Phase.INTENT for entry in self._history())

    def _may_revoke_old(self) -> None:
        journal = self._journal()
        assert journal is not None
        self._check(reached(journal, Stage.REVOKE_INTENDED), "P4: a revoke without its intent")
        if journal.mode is Mode.PLANNED and self.bench.consumers:
            levels = {handover.consumer: handover.level for handover in journal.handovers}
            self._check(levels.get(APP) is HandoverLevel.CONFIRMED, "P4: a revoke before the consumer had the new one")

    def _committed(self) -> None:
        assert self.token is not None
        snapshot = self.bench.store.load(self.token)
        self._check(snapshot.version == self.version + 1 or self.version == 0, "P7: a write that was not counted")
        self.version = snapshot.version
        journal = snapshot.document.journal
        if journal is not None:
            self._check(self.take_note(journal), "P7: a runner wrote after it was taken over")
        for attempt in journal.attempts if journal else ():
            held = self.bench.store.read_candidate(self.token, attempt.label)
            if attempt.state is AttemptState.STORED and journal and journal.stage is not Stage.ABORTING:
                self._check(isinstance(held, Value), "P4: the journal says stored, and the store has no such value")
            if attempt.state is AttemptState.GONE:
                self._check(not isinstance(held, Value), "P4: the journal says gone, and the store holds the value")

    def _order(self, wanted: tuple[tuple[Op, Phase], ...]) -> None:
        """P4: when each thing was first said, of the old token or of the attempt that won."""
        journal = self._journal()
        assert journal is not None
        lost = {attempt.label for attempt in journal.attempts[:-1]}
        said = [
            (entry.event.op, entry.event.phase)
            for entry in self._history()
            if entry.event.rotation == journal.id
            and entry.event.detail.get("label") not in lost
            and entry.event.detail.get("result") not in {"attempt", "attempt-gone", "twin"}
        ]
        self._check(set(wanted) <= set(said), f"P4: not all of {wanted} in {said}")
        places = [said.index(step) for step in wanted]
        self._check(places == sorted(places), f"P4: the order was {said}")

    def _no_value_left_behind(self) -> None:
        """Every value in the store is live, quarantined, or that of the old token."""
        store, token = self.bench.store, self.token
        assert token is not None
        document = self.bench.document(token)
        kept = {item.label for item in document.quarantine}
        live = store.read_live(token)
        kept |= {live.label} if live else set()
        left = [label for (owner, label), held in store._slots.items() if owner == token and isinstance(held, Value) and label not in kept]  # fmt: skip
        self._check(not left, f"P8: values of {left} are left in the store")

    def _journal(self) -> Journal | None:
        return self.bench.document(self.token).journal if self.token else None

    def _history(self) -> Iterable[Any]:
        return self.bench.store.history(self.token) if self.token else ()

    @staticmethod
    def _check(holds: bool, why: str) -> None:
        if not holds:
            raise Broken(why)
