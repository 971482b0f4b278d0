"""The control map: maps findings to the controls of three catalogues."""

from collections import Counter

from tokenguard.frozen import Frozen
from tokenguard.report.gathering import not_evaluable, violations
from tokenguard.report.posture import Posture
from tokenguard.report.rotations import rotations
from tokenguard.text import pluralize

OWASP, SOC2, ISO = "OWASP NHI Top 10 (2025)", "SOC 2 (TSC 2017)", "ISO/IEC 27001:2022, Annex A"


class Control(Frozen, frozen=True, kw_only=True):
    """One control, the rules that give evidence for it, and what no rule can show."""

    framework: str
    id: str
    title: str
    rules: tuple[str, ...] = ()
    rotations: bool = False
    """Whether proofs of death are evidence for it."""
    beside: str = ""
    """Evidence that is elsewhere, or why there is none."""


class Evidence(Frozen, frozen=True, kw_only=True):
    """What this report shows for a control."""

    control: Control
    verdict: str
    """`kept`, `waived`, `violated`, `not shown` or `elsewhere`."""
    text: str


def _owasp(number: int, title: str, *rules: str, proofs: bool = False, beside: str = "") -> Control:
    return Control(framework=OWASP, id=f"NHI{number}", title=title, rules=rules, rotations=proofs, beside=beside)


def _soc2(number: str, title: str, *rules: str, proofs: bool = False, beside: str = "") -> Control:
    return Control(framework=SOC2, id=f"CC{number}", title=title, rules=rules, rotations=proofs, beside=beside)


def _iso(number: str, title: str, *rules: str, proofs: bool = False, beside: str = "") -> Control:
    return Control(framework=ISO, id=f"A.{number}", title=title, rules=rules, rotations=proofs, beside=beside)


CONTROLS: tuple[Control, ...] = (
    _owasp(1, "Improper offboarding", "required-fields", "person-left", "responsible-people", "unused", "orphan",
           "no-consumer", "old-token-dead", proofs=True),
    _owasp(2, "Secret leakage", "leaked", "shared-value",
           beside="code and output: `tokenguard scan`, `check` on a repository"),
    _owasp(3, "Vulnerable third-party NHI", beside="not covered: the vendor's own use of its access is not visible"),
    _owasp(4, "Insecure authentication", "session-kept", "value-alive"),
    _owasp(5, "Overprivileged NHI", "least-privilege", "right-scope", "scope-verified", "tokens-per-scope",
           "one-drive-per-context"),
    _owasp(6, "Insecure cloud deployment", beside="`tokenguard check` on a repository's CI files"),
    _owasp(7, "Long-lived secrets", "maximum-age", "age-unknown", "late-due-date", "expiry-missing",
           "rotation-stuck", proofs=True),
    _owasp(8, "Environment isolation", "shared-across-environments"),
    _owasp(9, "NHI reuse", "one-purpose", "shared-value"),
    _owasp(10, "Human use of NHI", "consumers-declared", "consumers-confirmed",
           beside="disclosures to people are in the audit trail: `tokenguard audit log`"),
    _soc2("6.1", "Logical access to protected assets", "required-fields", "shared-value", "maximum-age"),
    _soc2("6.2", "Registration and removal of access", "responsible-people", "person-left", "orphan", "unused",
          "old-token-dead", proofs=True),
    _soc2("6.3", "Access by role and least privilege", "least-privilege", "right-scope", "one-purpose"),
    _soc2("6.6", "Protection against outside threats", "shared-across-environments",
          beside="callback URLs and static tokens: `tokenguard check` on a repository"),
    _soc2("7.1", "Detection of new vulnerabilities", "verified-lately", "never-verified",
          beside="leaks in code: `tokenguard scan`"),
    _soc2("7.2", "Monitoring for anomalies", "orphan", "value-alive"),
    _soc2("7.4", "Response to incidents", "leaked", "rotation-stuck", "old-token-dead", proofs=True,
          beside="incident pages: `tokenguard respond`"),
    _soc2("8.1", "Changes are authorised and recorded",
          beside="every change is an entry of the audit trail: `tokenguard audit verify`"),
    _iso("5.9", "Inventory of information and assets", "required-fields", "descriptive-name", "orphan"),
    _iso("5.15", "Access control", "least-privilege", "right-scope"),
    _iso("5.16", "Identity management", "responsible-people", "one-purpose"),
    _iso("5.17", "Authentication information", "maximum-age", "shared-value", "session-kept", "never-verified"),
    _iso("5.18", "Access rights", "person-left", "unused", "no-consumer", "old-token-dead", proofs=True),
    _iso("5.24", "Preparation for incidents", "consumers-declared", "responsible-people",
         beside="runbooks: `tokenguard runbook NAME`"),
    _iso("8.2", "Privileged access rights", "least-privilege", "tokens-per-scope"),
    _iso("8.5", "Secure authentication", "session-kept", "value-alive", "scope-verified"),
    _iso("8.12", "Data leakage prevention", "leaked",
         beside="`tokenguard scan`, `redact` and `exec`; see their own records"),
    _iso("8.15", "Logging", beside="the audit trail is chained per token: `tokenguard audit verify`"),
    _iso("8.24", "Use of cryptography",
         beside="docs/store-format.md describes how values are encrypted; an inventory does not show it"),
    _iso("8.31", "Separation of environments", "shared-across-environments", "one-purpose"),
)  # fmt: skip


def evidence(posture: Posture) -> list[Evidence]:
    """The evidence for each control. A rule that is not evaluable never counts as kept."""
    facts = _Facts(posture)
    return [facts.of(control) for control in CONTROLS]


class _Facts:
    """The assessment, counted once for all controls."""

    def __init__(self, posture: Posture) -> None:
        self._asked = {rule.id for rule in posture.policy.rules if rule.severity.value != "off"}
        self._violated = Counter(found.rule for found in violations(posture.assessments))
        self._waived = Counter(each.violation.rule for a in posture.assessments for each in a.waived)
        self._unknown: Counter[str] = Counter()
        for rule, _, count in not_evaluable(posture.assessments):
            self._unknown[rule] += count
        found = rotations(posture)
        self._ended = [each for each in found if each.journal.stage.ended]
        self._proven = sum(each.proven for each in self._ended)
        self._tokens = len(posture.records)

    def of(self, control: Control) -> Evidence:
        asked = [rule for rule in control.rules if rule in self._asked]
        if not asked:
            text = control.beside or "the policy has no rule for it"
            return Evidence(control=control, verdict="elsewhere" if control.beside else "not shown", text=text)
        violated, unknown = self._said(self._violated, asked), self._said(self._unknown, asked)
        parts = [f"{pluralize(self._tokens, 'token')} checked against {', '.join(asked)}"]
        parts += [f"violated: {violated}"] if violated else []
        parts += [f"not evaluable: {unknown}"] if unknown else []
        waived, unasked = self._said(self._waived, asked), [rule for rule in control.rules if rule not in asked]
        parts += [f"waived: {waived}"] if waived else []
        parts += [f"the policy does not check {', '.join(unasked)}"] if unasked else []
        if control.rotations:
            parts.append(f"{self._proven:,} of {len(self._ended):,} ended operations with a proven revocation")
        parts += [control.beside] if control.beside else []
        unproven = bool(unknown or unasked) or not self._tokens
        verdict = "violated" if violated else "not shown" if unproven else "waived" if waived else "kept"
        return Evidence(control=control, verdict=verdict, text="; ".join(parts))

    @staticmethod
    def _said(counts: Counter[str], rules: list[str]) -> str:
        return ", ".join(f"{rule} {counts[rule]:,}" for rule in rules if counts[rule])
