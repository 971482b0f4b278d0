"""What to do about a finding, by how far it got. Never a command that revokes anything: that is a responder's."""

from enum import StrEnum, unique

from tokenguard.domain.finding import Finding, FindingKind


@unique
class Reach(StrEnum):
    """How far the content has travelled."""

    WORKTREE = "worktree"
    STAGED = "staged"
    COMMITTED = "committed"
    PUSHED = "pushed"
    RECEIVED = "received"
    """By a server that refuses it."""
    MESSAGE = "message"
    STREAM = "stream"
    TRANSCRIPT = "transcript"


_WHOSE = ("token", "owner", "scope", "report")

_STEPS = {
    Reach.WORKTREE: "take it out of the file; put the value into the store (`tokenguard add NAME --from-file FILE`) "
    "and read it from there (`tokenguard exec`)",
    Reach.STAGED: "unstage it (`git reset -- FILE`), take it out of the file, and read the value from the "
    "store (`tokenguard exec`)",
    Reach.MESSAGE: "take it out of the message (git keeps a copy in .git/COMMIT_EDITMSG) and read the value from "
    "the store (`tokenguard exec`)",
    Reach.COMMITTED: "it is in a commit that was not pushed: amend or rebase it away before you push; if other people "
    "can read this clone, treat it as pushed",
    Reach.RECEIVED: "it is in a commit that the server refused: amend or rebase it away, then push again",
    Reach.PUSHED: "others may have it: tell the owner, and rotate it with --compromised; rewriting history does not "
    "revoke it",
    Reach.TRANSCRIPT: "the agent's model may have had it: revoke it (`tokenguard respond`), then delete the session, "
    "and keep tokens out of the next ones (`tokenguard agent install`)",
    Reach.STREAM: "every reader of this stream can use it: tell the owner, and rotate it with --compromised",
}

_KNOWN_IN_FILE = (
    "take it out of the file and read it from the store, which has it (`tokenguard exec`); if others could read the "
    "file, revoke it by its report code: `tokenguard respond --code CODE`"
)


def advice(finding: Finding, reach: Reach) -> str:
    """One sentence for the person who reads the finding."""
    if finding.kind is FindingKind.OWN and finding.facts.get("state") == "revoked":
        ended = f" (proven by {finding.facts['since']})" if "since" in finding.facts else ""
        return f"it no longer works{ended}: take it out of the file"
    if finding.kind is FindingKind.OWN and reach is Reach.WORKTREE and "reach" not in finding.facts:
        return _KNOWN_IN_FILE
    return _STEPS[Reach.COMMITTED if finding.facts.get("reach") == Reach.COMMITTED else reach]


def waiver_words(finding: Finding) -> str:
    """Until when a finding is waived, by whom and why."""
    facts = finding.facts
    return f"waived until {facts.get('until', '')} by {facts.get('waived_by', '')}: {facts.get('reason', '')}"


def subject(finding: Finding) -> str:
    """What was found; of a known token, which one and whose, as far as that was looked up."""
    facts = [f"{name} {finding.facts[name]}" for name in _WHOSE if name in finding.facts]
    return f"known {', '.join(facts)}" if finding.kind is FindingKind.OWN and facts else finding.type
