"""The first half of a runbook: a token's owner, scope and consumers."""

import shlex
from collections.abc import Iterator
from datetime import datetime

from tokenguard.domain.document import Document
from tokenguard.domain.token import ConsumerKind, Record
from tokenguard.domain.token_fields import MAKERS, STAND_INS
from tokenguard.frozen import Frozen
from tokenguard.markdown import code, exact, plain, table
from tokenguard.policy.model import age_starts_at
from tokenguard.ports.provider import Capabilities, Provider

UNKNOWN = "**not recorded**"


class RunbookInput(Frozen, frozen=True, kw_only=True):
    """The input of a runbook."""

    document: Document
    provider: Provider
    due_at: datetime | None
    now: datetime
    store_url: str

    @property
    def record(self) -> Record:
        """What is known of the token."""
        return self.document.record

    @property
    def can(self) -> Capabilities:
        """What its provider can do."""
        return self.provider.capabilities

    def command(self, *words: str) -> str:
        """A command line for this token's store, ready to be pasted."""
        return shlex.join(["tokenguard", "--store", self.store_url, *words])


def facts(matter: RunbookInput) -> Iterator[str]:
    """The sections about the record."""
    record = matter.record
    yield "## Owner and contacts"
    yield table(
        ("Who", "Name"),
        [
            ("Team", known(record.owner)),
            *((each.page, known(each.of(record))) for each in (*STAND_INS, *MAKERS)),
        ],
    )
    yield "A token can stop working when its creator loses access: rotate before that person leaves."
    yield "## Scope"
    scope = f"{code(str(record.scope))} {plain(record.scope_name)}".strip() if record.scope else UNKNOWN
    yield table(
        ("What", "On record"),
        [
            ("Provider", f"{code(record.provider)} {exact(record.base_url)}".strip()),
            ("Kind", code(record.kind)),
            ("Scope", scope),
            ("Permissions", ", ".join(map(exact, record.permissions)) or "not recorded: assume everything in scope"),
            ("Environment", known(record.environment)),
            ("Purpose", known(record.purpose)),
            ("Value created", _day(age_starts_at(record))),
            ("Due", _day(matter.due_at)),
            ("Last verified", _seen(record)),
        ],
    )
    yield "## Consumers"
    if record.location.adopted:
        yield f"Its value is in the external field {exact(record.location.adopted)}; consumers read it there."
    yield _consumers(record)


def _consumers(record: Record) -> str:
    consumers = record.consumers
    if consumers is None:
        return (
            "**No consumers declared.** A planned rotation stops before it revokes the old token until consumers are "
            "declared (`tokenguard edit NAME --deliver TARGET` or `--no-consumers`)."
        )
    if not consumers:
        where = "there" if record.location.adopted else "from the store"
        return f"No deliveries: consumers read it {where}."
    by_api = "tokenguard writes it there, with the rotating machine's credential for that host"
    ways = {
        ConsumerKind.DOTENV: (
            "tokenguard writes the variable; an existing file keeps its mode, a new one gets 0600",
            "the file is read back",
        ),
        ConsumerKind.COMMAND: (
            "a command configured on the rotating machine reads it from stdin",
            "its verifying command, if there is one; otherwise its exit code",
        ),
        ConsumerKind.PERSON: ("you deliver it", "you confirm it by name, after seeing it in use"),
        ConsumerKind.GITHUB: (by_api, "the time of its last change: GitHub never shows a secret again"),
    }
    return table(
        ("Consumer", "How it gets the new value", "Verification"),
        [(exact(c.shown), *ways.get(c.kind, (by_api, "it is read back"))) for c in consumers],
    )


def known(text: str) -> str:
    """A field, or a note that it is missing."""
    return plain(text) or UNKNOWN


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "not recorded"


def _seen(record: Record) -> str:
    if record.seen is None:
        return "never verified"
    return f"{record.seen.verdict} ({exact(record.seen.reason)}), {record.seen.at:%Y-%m-%d %H:%M %Z}"
