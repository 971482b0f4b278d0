"""Whose the found tokens are: names, owners and scopes instead of opaque ids, from a store that the reader may read."""

from collections.abc import Callable, Iterable

from tokenguard.domain.finding import Finding, FindingKind, Report
from tokenguard.domain.names import token_id
from tokenguard.domain.token import Record
from tokenguard.errors import InputError, TokenguardError
from tokenguard.frozen import replace
from tokenguard.ports.store import Store


def named(report: Report, open_store: Callable[[], Store]) -> Report:
    """The report with names where the store knows them.

    What was found stays found: a store that cannot be read leaves ids and a note.

    Args:
        report: of a scan.
        open_store: opens the store; only called if a known token was found.
    """
    if not any(finding.kind is FindingKind.OWN for finding in (*report.findings, *report.waived)):
        return report
    try:
        names = _Names(open_store())
        return replace(report, findings=names.put_on(report.findings), waived=names.put_on(report.waived))
    except TokenguardError as error:
        return replace(report, notes=(*report.notes, f"names were not looked up: {error.message}"))


class _Names:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, dict[str, str]] = {}

    def put_on(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """The findings, each own one with what is known of its token."""
        return tuple(
            replace(each, facts=self._named(each.facts)) if each.kind is FindingKind.OWN else each for each in findings
        )

    def _named(self, facts: dict[str, str]) -> dict[str, str]:
        """The facts, beginning with whose it is."""
        known = self._facts(facts["token"])
        return known | {name: text for name, text in facts.items() if name not in known}

    def _facts(self, token: str) -> dict[str, str]:
        if token not in self._known:
            try:
                self._known[token] = _facts_of(self._store.load(token_id(token)).document.record)
            except InputError:  # another store's
                self._known[token] = {}
        return self._known[token]


def _facts_of(record: Record) -> dict[str, str]:
    facts: dict[str, str] = {"token": record.name, "owner": record.owner or "none recorded"}
    if record.scope is not None:
        facts["scope"] = f"{record.scope} ({record.scope_name})" if record.scope_name else str(record.scope)
    return facts
