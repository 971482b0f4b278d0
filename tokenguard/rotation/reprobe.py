"""Probes quarantined values again when they are due, in one death window for each provider and host.

If a value is refused over the whole window with a control, a provisional proof is confirmed and the value destroyed,
and an asserted or unproven one becomes provisional. Without a control nothing is concluded. If a value is accepted
again, an error is raised and its revoke is reopened.
"""

from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

from tokenguard.domain.document import Snapshot
from tokenguard.domain.event import Op, Phase
from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.journal import Quarantined
from tokenguard.domain.leak_trail import after_death
from tokenguard.domain.liveness import DeathGrade, DeathProof, Verdict
from tokenguard.domain.names import Label, TokenId
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Record, RecordState
from tokenguard.errors import TokenguardError
from tokenguard.frozen import Frozen, replace
from tokenguard.rotation.absence import was_listed, why_listed_otherwise
from tokenguard.rotation.alarm import alarm
from tokenguard.rotation.batch import BatchResult
from tokenguard.rotation.control_search import ControlResult, ControlSearch
from tokenguard.rotation.keeping import last_look, proof_by_list
from tokenguard.rotation.prompts import evidence_words
from tokenguard.rotation.proof_of_death import RefusalSeries
from tokenguard.rotation.sampling import Sample, Sampler
from tokenguard.rotation.session import Context, TokenSession
from tokenguard.rotation.slot_value import slot_value
from tokenguard.rotation.unstored_tokens import listed_ids, look_for, unstored_tokens, why_not_gone
from tokenguard.text import pluralize

_Key = tuple[TokenId, Label]


class _KeptValue(Frozen, frozen=True, kw_only=True):
    """A quarantined value to be probed."""

    token: TokenId
    record: Record
    item: Quarantined
    value: Value


def reprobe(context: Context, tokens: Iterable[TokenId], *, early: bool = False) -> Iterator[BatchResult]:
    """Probe every quarantined value of these tokens that is due (all of them, if `early`).

    Tokens whose value is not in the store are looked for in their provider's list. Yields a result for each. Its
    outcome is the current grade of its death, None if that is inconclusive. Its error is `NotProvenDead` if the value
    is accepted again, or the token listed, and its revoke reopened.
    """
    places: defaultdict[tuple[str, str], list[_KeptValue]] = defaultdict(list)
    unstored: defaultdict[tuple[str, str], list[TokenId]] = defaultdict(list)
    for token in tokens:
        snapshot = context.store.load(token)
        record = snapshot.document.record
        try:
            places[record.provider, record.base_url] += _due(context, snapshot, early=early)
            if unstored_tokens(context.store, snapshot):
                unstored[record.provider, record.base_url].append(token)
        except TokenguardError as error:
            yield BatchResult(name=record.name, error=error)
    for kept in places.values():
        if not kept:
            continue
        try:
            yield from _Looks(context, kept).run()
        except TokenguardError as error:  # one unreachable provider does not stop the others
            yield BatchResult(name=kept[0].record.name, error=error)
    for found in unstored.values():
        yield from look_for(context, found)


def reopen(context: Context, token: TokenId, fingerprint: Fingerprint) -> None:
    """Reopen the revoke of a kept value that was seen to be accepted again; nothing if it is not kept.

    Raises:
        NotProvenDead: it is reopened, or is to be once the open operation has ended.
    """
    session = TokenSession(context, context.store.load(token))
    for item in session.snapshot.document.quarantine:
        if item.fingerprint == fingerprint and not item.alive_again:
            alarm(session, item)


def _due(context: Context, snapshot: Snapshot, *, early: bool) -> list[_KeptValue]:
    """Return the values of one token to probe; entries whose value is gone leave the quarantine."""
    now, found = context.clock.now(), list[_KeptValue]()
    for item in snapshot.document.quarantine:
        if not (early or item.probe_due_at <= now):
            continue
        held = slot_value(context.store, snapshot, item.label, item.fingerprint)
        record = snapshot.document.record
        if isinstance(held, Value):
            found.append(_KeptValue(token=snapshot.id, record=record, item=item, value=held))
        elif item.proof.proven and not snapshot.document.busy:  # one that is only asserted stays on record
            session = TokenSession(context, context.store.load(snapshot.id))
            _leave(session, item, result="value-gone")
    return found


class _Looks:
    """Runs one death window at one provider and host, for all values due there."""

    def __init__(self, context: Context, kept: Sequence[_KeptValue]) -> None:
        self._context = context
        vendor = context.vendors.of(kept[0].record)
        self._provider = vendor.provider
        self._issuer = vendor.issuer
        self._window = vendor.provider.capabilities.death_window
        self._pending = {(each.token, each.item.label): each for each in kept}
        self._series = {key: RefusalSeries(context.clock, self._window) for key in self._pending}
        self._controls = ControlSearch(context.store, kept[0].record, vendor)
        self._sampler = Sampler(vendor.provider, self._controls)

    def run(self) -> Iterator[BatchResult]:
        """Probe in rounds until each value is decided; stops at once if there is no control."""
        if not self._provider.capabilities.probe:
            yield from self._in_list()
            return
        while refused := (yield from self._round()):
            control = list(refused.values())[-1].control
            if not control.holds:
                yield from self._without(control)
                return
            yield from self._contradicted(control)
            yield from self._counted(refused)
            if self._pending:
                pause = self._series[next(iter(self._pending))].pause()
                left = pluralize(len(self._pending), "old token")
                self._context.progress.waiting(
                    f"{self._provider.name}: {left} refused; checking again in {pause:.3g} s"
                )
                self._context.clock.sleep(pause)

    def _counted(self, refused: Mapping[_Key, Sample]) -> Iterator[BatchResult]:
        """Count a round of refusals; settles the values whose window is full, unless the list names them."""
        for key in [key for key in refused if key in self._pending]:
            sample = refused[key]
            if (proof := self._series[key].refused(sample.seen.at, sample.control)) is None:
                continue
            control, kept = self._controls.with_list(sample.control), self._pending.pop(key)
            if control.about(kept.item.provider_id).holds:
                yield self._settled(kept, proof)
            else:
                yield self._unclear(kept, f"{self._provider.name} still lists it")

    def _contradicted(self, control: ControlResult) -> Iterator[BatchResult]:
        """Report the refused values whose death is contradicted: by the list, or by a refused value of their token."""
        dying, name = [each.value for each in self._pending.values()], self._provider.name
        refused = {
            token for token in {each.token for each in self._pending.values()}
            if self._controls.refuses_live_value(token, dying)
        }  # fmt: skip
        for key, kept in tuple(self._pending.items()):
            if kept.token in refused:
                why = f"{name} also refuses the token's live value, which it accepted before"
            elif not control.about(kept.item.provider_id).holds:
                why = f"{name} still lists it"
            else:
                continue
            del self._pending[key]
            yield self._unclear(kept, why)

    def _in_list(self) -> Iterator[BatchResult]:
        """Check the provider's list, if there is one, where tokens cannot be probed."""
        if self._issuer is None:
            return
        found, now = self._issuer.listed(), self._context.clock.now()
        for kept in self._pending.values():
            session = TokenSession(self._context, self._context.store.load(kept.token))
            if found.holds(kept.item.provider_id):
                if listed_ids(session, found, kept.item):
                    yield _tried(kept, alarm, self._context)
                else:
                    yield self._unclear(kept, "its id is listed for another token")
            elif kept.item.provider_id:
                other = why_listed_otherwise(session, found, kept.item.provider_id, kept.item.provider_label)
                seen = kept.item.proof.proven or was_listed(session, kept.item.provider_id)
                hidden = "" if seen else "its list did not show it before its revoke either"
                if why := other or why_not_gone(session, found, kept.item) or hidden:
                    yield self._unclear(kept, why)
                else:
                    yield self._settled(kept, proof_by_list(now))

    def _round(self) -> Generator[BatchResult, None, dict[_Key, Sample]]:
        """Take a sample of each pending value, up to the first without a control. Returns those of the refused ones."""
        refused: dict[_Key, Sample] = {}
        for key, kept in tuple(self._pending.items()):
            dying = [each.value for each in self._pending.values()]
            sample = self._sampler.take(kept.value, dying, self._series[key].turns())
            look = sample.seen
            if look.verdict is Verdict.DEAD and kept.item.accepted:
                refused[key] = sample
                if not sample.control.holds:
                    break
                continue
            del self._pending[key]
            if look.verdict is Verdict.ALIVE:
                yield _tried(kept, alarm, self._context)
            elif look.verdict is Verdict.DEAD:
                yield self._unclear(kept, "its value was never accepted, so a refusal proves nothing")
            else:
                yield self._unclear(kept, f"no clear answer ({look.reason})")
        return refused

    def _without(self, control: ControlResult) -> Iterator[BatchResult]:
        """Report every pending value as inconclusive: without a control, the refusals may be an outage."""
        name = self._provider.name
        alone = f"no other live token of {name} and no admin credential to compare with"
        for kept in self._pending.values():
            yield self._unclear(kept, f"{name} {control.lack}" if control.doubt else alone)

    def _unclear(self, kept: _KeptValue, why: str) -> BatchResult:
        self._context.progress.note(
            f"{kept.record.name}: no result for {kept.item.label}, which stays in quarantine: {why}"
        )
        return BatchResult(name=kept.record.name)

    def _settled(self, kept: _KeptValue, proof: DeathProof) -> BatchResult:
        return _tried(kept, lambda session, item: _settle(session, item, proof), self._context)


def _tried(
    kept: _KeptValue, act: Callable[[TokenSession, Quarantined], DeathGrade | None], context: Context
) -> BatchResult:
    """Apply `act` to the item if the quarantine still holds it unchanged."""
    grade = None
    try:
        session = TokenSession(context, context.store.load(kept.token))
        if kept.item in session.snapshot.document.quarantine:
            grade = act(session, kept.item)
    except TokenguardError as error:
        return BatchResult(name=kept.record.name, error=error)
    return BatchResult(name=kept.record.name, outcome=grade)


def _settle(session: TokenSession, item: Quarantined, proof: DeathProof) -> DeathGrade | None:
    """Confirm a proven death and destroy the value, or record a first proof. Skips tokens with an open operation."""
    if session.snapshot.document.busy:
        return None
    now, name = session.context.clock.now(), session.record.name
    if not item.proof.proven:
        due = now + session.provider.capabilities.death_window.confirm_after
        better = replace(item, proof=proof, probe_due_at=due, alive_again=False)
        _commit_death(session, item, proof, quarantine=_others(session, item, better))
        session.context.progress.step(f"{name}: {item.label} is now proven dead: {evidence_words(proof)}")
        return DeathGrade.PROVISIONAL
    if now >= item.probe_due_at:
        _commit_death(session, item, replace(item.proof, grade=DeathGrade.CONFIRMED))
        session.commit(session.event(Op.DESTROY, Phase.INTENT, label=item.label))
        session.context.store.destroy(session.snapshot.id, item.label)
        _leave(session, item, result="confirmed")
        session.context.progress.step(f"{name}: the old token {item.label} is confirmed dead and its value destroyed")
        return DeathGrade.CONFIRMED
    return item.proof.grade


def _commit_death(
    session: TokenSession, item: Quarantined, proof: DeathProof, *, quarantine: Sequence[Quarantined] | None = None
) -> None:
    """Record the better proof, also in the last operation's journal if it revoked this value."""
    record, detail = after_death(session.record, item.fingerprint, proof)
    event = session.event(Op.DEATH, Phase.FACT, label=item.label, **detail)
    old = session.journal.old
    ours = old is not None and old.label == item.label
    if ours and record.state is RecordState.RETIRED:
        record = replace(record, seen=last_look(proof))
    session.commit(event, record=record, quarantine=quarantine, proof=proof if ours else session.journal.proof)


def _leave(session: TokenSession, item: Quarantined, *, result: str) -> None:
    event = session.event(Op.DESTROY, Phase.OUTCOME, label=item.label, result=result)
    session.commit(event, quarantine=_others(session, item))


def _others(session: TokenSession, item: Quarantined, new: Quarantined | None = None) -> list[Quarantined]:
    """Return the quarantine with `item` replaced by `new`, or removed."""
    kept = session.snapshot.document.quarantine
    return [each for each in (new if other.label == item.label else other for other in kept) if each is not None]
