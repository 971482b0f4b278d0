"""The incident report as Markdown: what leaked where and since when, its owner, and the response."""

from collections.abc import Sequence
from datetime import datetime

from tokenguard.domain.document import Document
from tokenguard.domain.event import ChainedEvent, Op
from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.leak import Exposure, Spread
from tokenguard.domain.liveness import DeathProof, Verdict
from tokenguard.domain.token_fields import STAND_INS
from tokenguard.frozen import Frozen
from tokenguard.inventory.views import event_words, moment
from tokenguard.markdown import bullets, exact, plain, table
from tokenguard.report.proof import proof_words
from tokenguard.text import pluralize

TITLE = "# Incident: leaked tokens"
"""The first line."""
_LATEST = 60


class LeakLocation(Frozen, frozen=True, kw_only=True):
    """Where a value was found; external texts, without values."""

    where: str
    since: str = ""
    commit: str = ""
    found_by: str = ""


class IncidentToken(Frozen, frozen=True, kw_only=True):
    """One token of an incident, at the end of the response."""

    document: Document
    fingerprint: Fingerprint | None
    """Of the leaked value, if available."""
    places: tuple[LeakLocation, ...]
    since: datetime | None
    """The earliest known commit that contains it."""
    verdict: Verdict
    reason: str
    """The basis of the verdict."""
    rotated: bool
    leak: Exposure | None = None
    """The start of its timeline."""
    problem: str = ""
    """Why the response failed."""
    undecided: bool = False
    """Whether the value that leaked may be the live one or the one before: nothing was recorded or revoked."""
    trail: tuple[ChainedEvent, ...] = ()

    @property
    def proof(self) -> DeathProof | None:
        """The proof that the leaked value is dead, if any."""
        return proof_of(self.document, self.fingerprint, rotated=self.rotated)


def proof_of(document: Document, fingerprint: Fingerprint | None, *, rotated: bool = False) -> DeathProof | None:
    """The proof of death that the document holds for a value; an old value that was accepted again has none.

    Args:
        document: of the token.
        fingerprint: of the value; None if it is not at hand.
        rotated: without a fingerprint, whether the last operation was to end it.
    """
    for item in document.quarantine:
        if fingerprint is not None and item.fingerprint == fingerprint:
            return None if item.alive_again else item.proof
    journal = document.journal
    if journal is None or journal.old is None:
        return None
    same = journal.old.fingerprint == fingerprint if fingerprint is not None else rotated
    return journal.proof if same else None


def render(cases: Sequence[IncidentToken], *, reach: Spread, strangers: int, now: datetime, actor: str) -> str:
    """The whole page; holds no value.

    Args:
        cases: the tokens that are known.
        reach: how far it got.
        strangers: the number of findings of no token in the inventory.
        now: the time of writing.
        actor: who responded, as the store knows them.
    """
    parts = [
        TITLE,
        f"Written {moment(now)} by {exact(actor)}. Reach: {reach.value}, {plain(reach.meaning)}.",
    ]
    for case in cases:
        parts += _case(case, reach)
    if strangers:
        parts += [
            "## Not in the inventory",
            f"{pluralize(strangers, 'finding')} with a value that is in no record: find its creator, and revoke it.",
        ]
    return "\n\n".join(parts) + "\n"


def _case(case: IncidentToken, reach: Spread) -> list[str]:
    record = case.document.record
    facts = [
        ["provider", plain(record.provider)],
        ["scope", plain(f"{record.scope or 'unknown'} {record.scope_name}".strip())],
        ["owner", plain(record.owner or "not recorded")],
        *([each.label, plain(each.of(record) or "not recorded")] for each in STAND_INS),
        ["leaked since", moment(case.since) or (f"{moment(case.leak.since)}, or earlier" if case.leak else "unknown")],
        ["now", f"{case.verdict.value} ({plain(case.reason)})"],
    ]
    parts = [f"## {exact(record.name)}", table(["fact", ""], facts), "### Where it leaked"]
    parts.append(
        table(
            ["place", "since", "commit", "found by"],
            [[exact(each.where), plain(each.since), plain(each.commit), plain(each.found_by)] for each in case.places],
        )
    )
    if before := _reported_before(case):
        parts += ["### Reported before", table(["when", "place", "reach", "found by"], before)]
    rows = [[plain(cell) for cell in row] for row in _timeline(case)]
    parts += ["### Timeline", table(["when", "what", "who", "how"], rows)]
    parts += ["### Proof of death", _proof_words(case), "### Remaining steps", bullets(_to_do(case, reach))]
    return parts


def _reported_before(case: IncidentToken) -> list[list[str]]:
    """The places of earlier reports about this token, which a later page must not lose."""
    here = {each.where for each in case.places}
    reports = [entry.event for entry in case.trail if entry.event.op is Op.LEAK and entry.event.detail.get("where")]
    return [
        [
            moment(event.at) or "",
            exact(where),
            *(plain(str(event.detail.get(each, ""))) for each in ("reach", "channel")),
        ]
        for event in reports[-_LATEST:]
        if (where := str(event.detail["where"])) not in here
    ]


def _timeline(case: IncidentToken) -> list[Sequence[str]]:
    """Events since the leak."""
    if case.leak is None:
        return [event_words(entry) for entry in case.trail[-_LATEST:]]
    leak = case.leak
    since = [entry for entry in case.trail if entry.event.at >= leak.since]
    first = (moment(leak.since) or "", "leaked", leak.by, f"{leak.reach.value} {leak.where}".strip())
    return [first, *(event_words(entry) for entry in since[-_LATEST:])]


def _proof_words(case: IncidentToken) -> str:
    return f"{plain(proof_words(case.proof))}."


def _to_do(case: IncidentToken, reach: Spread) -> list[str]:
    name = case.document.record.name
    steps = []
    if case.problem:
        steps.append(f"The response stopped: {plain(case.problem)}.")
    if case.document.busy:
        steps.append(f"Resume: {exact(f'tokenguard rotate {name} --resume')}")
    elif case.undecided:
        steps.append(f"If the live value leaked, respond with the value itself: {exact('tokenguard respond')}")
    elif case.verdict is not Verdict.DEAD:
        steps.append(f"Revoke it: {exact(f'tokenguard rotate {name} --compromised')}")
    steps.append(f"The place: {plain(reach.next_step)}.")
    if case.since is not None and reach is not Spread.STAGED:
        steps.append(f"Ask the provider for the token's use since {moment(case.since)}.")
    return steps
