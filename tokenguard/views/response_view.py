"""Presents the outcome of a response: owner, places, liveness, and next steps."""

from collections.abc import Sequence
from typing import Any

from tokenguard.domain.leak import Spread
from tokenguard.domain.liveness import Verdict
from tokenguard.domain.token_fields import STAND_INS
from tokenguard.inventory.views import moment
from tokenguard.report.incident import IncidentToken
from tokenguard.shell.render import Screen
from tokenguard.text import pluralize
from tokenguard.usecases.respond_lookup import Findings

_SHOWN_PLACES = 5


def show(
    screen: Screen,
    cases: Sequence[IncidentToken],
    findings: Findings,
    reach: Spread | None,
    takers: Sequence[str] = (),
) -> None:
    """Print every case, and the findings that could not be looked up; `takers` revoke some of them by API."""
    if screen.as_json:
        screen.document(
            {
                "reach": reach.value if reach else None,
                "tokens": [_json(case) for case in cases],
                "unknown": findings.strangers,
                "unknown_revocable_at": list(takers),
                "without_value": findings.blank,
            }
        )
        return
    if reach is not None:  # without a case no provider was contacted
        for number, case in enumerate(cases):
            if number:
                screen.line()
            screen.pairs(_pairs(case, reach))
    if cases and (findings.strangers or findings.blank):
        screen.line()
    if findings.strangers:
        screen.line(
            f"{pluralize(findings.strangers, 'finding')} with a value that is in no record here: find its creator, "
            f"revoke it at its provider, then `tokenguard add` its replacement"
        )
    for name in takers:
        screen.line(
            f"{name} revokes leaked tokens by API: `tokenguard add NAME --provider {name} --stdin`, "
            "`tokenguard respond`, then `tokenguard retire NAME`"
        )
    if findings.blank:
        screen.line(
            f"{pluralize(findings.blank, 'finding')} without a value to look up: "
            "run `tokenguard respond` and paste it, "
            "or let the scanner write values (ggshield --show-secrets, gitleaks without --redact)"
        )
    if not (cases or findings.strangers or findings.blank):
        screen.line("nothing was reported")


def _pairs(case: IncidentToken, reach: Spread) -> list[tuple[str, str]]:
    record = case.document.record
    places = [place.where for place in case.places]
    more = f" and {len(places) - _SHOWN_PLACES} more" if len(places) > _SHOWN_PLACES else ""
    return [
        ("token", record.name),
        ("owner", record.owner or "unknown"),
        *((each.label, each.of(record)) for each in STAND_INS),
        ("provider", record.provider),
        ("scope", f"{record.scope or 'unknown'} {record.scope_name}".strip()),
        ("place", ", ".join(places[:_SHOWN_PLACES]) + more),
        ("since", moment(case.since) or ""),
        ("reach", f"{reach.value}: {reach.meaning}"),
        ("now", f"{case.verdict.value} ({case.reason})"),
        ("stopped", case.problem),
        ("next", _next(case, reach)),
    ]


def _next(case: IncidentToken, reach: Spread) -> str:
    name = case.document.record.name
    if case.document.busy:
        return f"tokenguard rotate {name} --resume"
    if case.undecided:
        return (
            "no leak is recorded and nothing revoked; if the live value leaked, give the value itself "
            "(`tokenguard respond`), or --since with a day after the rotation"
        )
    live = case.fingerprint in {None, case.document.record.fingerprint}
    if case.problem and not live:
        return f"tokenguard verify {name}, then tokenguard rotate {name} --resume"
    if case.verdict is not Verdict.DEAD and (case.problem or reach is not Spread.STAGED):
        return f"run `tokenguard rotate {name} --compromised`; {reach.next_step}"
    return reach.next_step


def _json(case: IncidentToken) -> dict[str, Any]:
    record = case.document.record
    return {
        "name": record.name,
        "owner": record.owner,
        **{each.name: each.of(record) for each in STAND_INS},
        "provider": record.provider,
        "scope": str(record.scope) if record.scope else None,
        "scope_name": record.scope_name,
        "places": [
            {"where": place.where, "since": place.since, "commit": place.commit, "found_by": place.found_by}
            for place in case.places
        ],
        "since": moment(case.since),
        "verdict": case.verdict.value,
        "reason": case.reason,
        "rotated": case.rotated,
        "proof": case.proof.grade.value if case.proof else None,
        "problem": case.problem,
    }
