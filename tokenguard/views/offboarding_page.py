"""The page that ends an offboarding: each token of the person, with its proof or why not. Never a value."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from tokenguard.domain.document import Snapshot
from tokenguard.domain.journal import Mode
from tokenguard.domain.names import TokenName
from tokenguard.domain.token_fields import BY_NAME, STAND_INS
from tokenguard.markdown import code, plain, table
from tokenguard.report.proof import proof_words
from tokenguard.rotation.batch import BatchResult
from tokenguard.text import pluralize
from tokenguard.usecases.offboard_person import Ending, PersonToken, Successors

_THEN = {
    Ending.REASSIGN: "reassigned",
    Ending.ROTATE: "rotated",
    Ending.RETIRE: "its grant is removed",
}


def role_words(tie: PersonToken) -> str:
    """What the person is for the token."""
    return ", ".join(BY_NAME[role].role for role in tie.roles)


def offboarding_table(ties: Sequence[PersonToken], successors: Successors) -> list[tuple[str, ...]]:
    """The rows of a plan: token, roles, what happens, who is needed, and what stands in the way."""
    return [
        (
            tie.name,
            role_words(tie),
            _then(tie, successors),
            "a person" if tie.needs_person else "",
            _obstacle(tie, successors),
        )
        for tie in ties
    ]


def _then(tie: PersonToken, successors: Successors) -> str:
    if tie.continues and tie.ending is not Ending.REASSIGN:
        journal = tie.snapshot.document.journal
        what = "retired" if journal is not None and journal.mode is Mode.RETIRE else _THEN[tie.ending]
        return f"{what} (an open operation is completed)"
    if tie.ending is Ending.REASSIGN and not (successors.owner if "owner" in tie.roles else successors.person):
        return f"{role_words(tie)} removed"
    duties = [each.role for each in STAND_INS if each.name in tie.roles and not successors.of(each)]
    lost = ", ".join(duties) if tie.ending is Ending.ROTATE else ""
    return _THEN[tie.ending] + (f", {lost} removed" if lost else "")


def _obstacle(tie: PersonToken, successors: Successors) -> str:
    if "owner" in tie.roles and not successors.owner:
        return "it needs an owner: --owner-to TEAM"
    if tie.plan is None:
        return f"an operation is open: tokenguard rotate {tie.name} --resume" if tie.continues else ""
    return "" if tie.continues else tie.plan.blocked


def offboarding_title(person: str) -> str:
    """The first line of the page, by which an earlier page of the person is recognised."""
    return f"# Offboarding of {plain(person)}"


def offboarding_markdown(
    person: str,
    ties: Sequence[PersonToken],
    successors: Successors,
    results: Sequence[BatchResult],
    *,
    now: Mapping[TokenName, Snapshot],
    disclosed: Mapping[TokenName, datetime],
) -> str:
    """The page; `disclosed` says when the audit trail last has the person reading a value that is only reassigned."""
    ended = {result.name: result for result in results}
    done = sum(result.error is None for result in results)
    rows = [
        (
            code(tie.name),
            role_words(tie),
            _outcome(tie, successors, ended.get(tie.name)),
            _proof(tie, ended.get(tie.name), now.get(tie.name), disclosed.get(tie.name)),
        )
        for tie in ties
    ]
    return "\n".join(
        [
            offboarding_title(person),
            "",
            f"{pluralize(done, 'token')} of {len(ties)} done.",
            "",
            table(("Token", "Was", "Result", "Proof that the old value is dead"), rows),
            "",
        ]
    )


def _outcome(tie: PersonToken, successors: Successors, result: BatchResult | None) -> str:
    if result is None:
        return "not begun"
    if result.error is not None:
        return plain(f"exit {int(result.exit_code)}: {result.error.message}; {result.error.hint}")
    return _then(tie, successors)


def _proof(tie: PersonToken, result: BatchResult | None, snapshot: Snapshot | None, disclosed: datetime | None) -> str:
    if tie.ending is Ending.REASSIGN:
        if disclosed is None:
            return "not replaced: the audit trail has no disclosure to this person; other access was not checked"
        replace = code(f"tokenguard rotate {tie.name}")
        return f"not replaced, but disclosed to this person on {disclosed:%Y-%m-%d}: {replace}"
    journal, before = snapshot.document.journal if snapshot is not None else None, tie.snapshot.document.journal
    done = result is not None and result.error is None
    if not done and journal is not None and before is not None and journal.id == before.id:
        return "none yet"  # a proof that is there may be of an earlier value
    return plain(proof_words(journal.proof if journal is not None else None))
