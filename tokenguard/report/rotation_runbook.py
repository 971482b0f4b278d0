"""The emergency runbook of one token, from its record alone. Pure; never contains a value."""

from collections.abc import Iterator
from datetime import datetime

from tokenguard.domain.document import Document
from tokenguard.domain.token import RecordState
from tokenguard.markdown import bullets, code, plain
from tokenguard.ports.provider import Provider
from tokenguard.report.runbook_facts import RunbookInput, facts
from tokenguard.report.runbook_steps import action, closing_sections, decision
from tokenguard.rotation.machine import death_owed, revocation_owed
from tokenguard.text import pluralize


def runbook(document: Document, *, provider: Provider, due_at: datetime | None, now: datetime, store_url: str) -> str:
    """Write the runbook as Markdown.

    Args:
        document: the token's document as it is in the store.
        provider: provides capabilities and texts for the steps; it is not contacted.
        due_at: the due date by policy or record; None if there is none.
        now: the current time, with a time zone.
        store_url: the token's store; part of every command.
    """
    matter = RunbookInput(document=document, provider=provider, due_at=due_at, now=now, store_url=store_url)
    return (
        "\n\n".join([*_head(matter), *decision(matter), *facts(matter), *action(matter), *closing_sections(matter)])
        + "\n"
    )


def _head(matter: RunbookInput) -> Iterator[str]:
    record = matter.record
    yield f"# Runbook: {code(record.name)}"
    yield (
        f"Written {matter.now:%Y-%m-%d %H:%M %Z} from the record in {code(matter.store_url)}. It contains no value. "
        f"Update it with {code(matter.command('runbook', record.name))}."
    )
    if warnings := list(_warnings(matter)):
        yield "## Read this first\n\n" + bullets(warnings)


def _warnings(matter: RunbookInput) -> Iterator[str]:
    document, record = matter.document, matter.record
    resume = code(matter.command("rotate", record.name, "--resume"))
    journal = document.journal
    if (leak := record.live_leak) is not None:
        where = f" at {plain(leak.where)}" if leak.where else ""
        unfinished = document.busy or revocation_owed(document)
        end = resume if unfinished else code(matter.command("rotate", record.name, "--compromised"))
        yield (
            f"**It has leaked**, since {leak.since:%Y-%m-%d %H:%M %Z}{where}: {leak.reach.meaning} (reported by "
            f"{plain(leak.by)}). {'Complete the open operation' if unfinished else 'Revoke first'}: {end}. Where it "
            f"leaked: {leak.reach.next_step}."
        )
    if (older := record.older_leak) is not None:
        ended = matter.command("edit", record.name, "--leak-ended", "REASON")
        ways = [code(matter.command("verify", record.name)), code(ended)]
        yield (
            f"**An older value has leaked**, since {older.since:%Y-%m-%d %H:%M %Z}, and its revocation is not proven. "
            f"Rotating the live value does not end this leak: {ways[0]} rechecks the kept value, "
            f"and {ways[1]} ends the leak on record."
        )
    if journal is not None and document.busy:
        because = f" Waiting: {plain(journal.waiting_for)}." if journal.waiting_for else ""
        yield (
            f"An operation is open ({journal.words}; stage {code(journal.stage)}) since "
            f"{journal.opened_at:%Y-%m-%d %H:%M %Z}.{because} Continue with {resume}."
        )
        if death_owed(journal):
            unit = journal.mode.unit
            yield f"**Revocation of the old {unit} is not proven. Assume the {unit} still works.**"
    if document.accepted_again:
        yield f"**A token that was recorded as gone is alive.** {resume} revokes it."
    if matter.due_at is not None and matter.due_at <= matter.now:
        yield f"It was due {matter.due_at:%Y-%m-%d}: {pluralize((matter.now - matter.due_at).days, 'day')} ago."
    if record.state is RecordState.RETIRED:
        yield "This token is retired: there is nothing to rotate."
    if record.missing:
        yield f"Missing in the record: {', '.join(record.missing)}. Complete it with {code('tokenguard edit')}."
