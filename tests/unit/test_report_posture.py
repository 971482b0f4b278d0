"""What a report counts: ages, dates, waivers, proofs, coverage, controls. Nothing unknown ever counts as good."""

import csv
import io
import re
from collections import Counter

import pytest

from tests.unit.report_world import DAY, number, posture_of
from tests.unit.test_policy_rules import CAN, DONE, NOW, PROOF
from tokenguard.domain.journal import Mode, Quarantined, Stage
from tokenguard.domain.liveness import DeathGrade
from tokenguard.domain.names import Label
from tokenguard.domain.token import CredentialKind, RecordState
from tokenguard.frozen import replace
from tokenguard.policy.catalogue import CATALOGUE
from tokenguard.policy.context import ProviderFacts, place_of
from tokenguard.policy.evaluation import assess
from tokenguard.policy.loader import default_policy, packaged_policy
from tokenguard.policy.model import PolicyWaiver, RuleSelector, Severity
from tokenguard.report.charts import Chart, svg
from tokenguard.report.controls import CONTROLS, evidence
from tokenguard.report.coverage import coverage
from tokenguard.report.posture import Posture, ages, calendar, owners, places, waiver_statuses
from tokenguard.report.posture_forms import as_csv, as_json
from tokenguard.report.report_tables import figures, sections
from tokenguard.report.rotations import rotations


def aged(*days):
    return [number(n, rotated_at=NOW - DAY * each) for n, each in enumerate(days)]


def test_ages_are_grouped_at_their_edges():
    unknown = number(9, rotated_at=None)
    grant = number(8, kind=CredentialKind.OAUTH_GRANT, rotated_at=None)
    found = ages(posture_of([*aged(0, 29, 30, 89, 90, 364, 365), unknown, grant]))
    assert found == [
        ("0-30", 2), ("30-60", 1), ("60-90", 1), ("90-180", 1), ("180-365", 1), ("365+", 1), ("unknown", 1),
    ]  # fmt: skip


def test_the_calendar_counts_overdue_ones_apart_and_nothing_beyond():
    found = dict(calendar(posture_of(aged(91, 90, 89.9, 83.1, 83, 1, 0))))
    assert found["overdue"] == 2
    assert found["11-01"] == 2
    assert found["11-08"] == 1
    assert sum(found.values()) == 7
    assert len(found) == 14
    later = number(1, due_at=NOW + 91 * DAY)
    assert sum(dict(calendar(posture_of([later]))).values()) == 0


def test_owners_and_drives_come_gravest_first():
    documents = [number(1), number(2, owner="", rotated_at=NOW - 100 * DAY), number(3, deputy="")]
    posture = posture_of(documents)
    assert [(row.name, row.tokens, row.levels.get("error", 0)) for row in owners(posture)] == [
        ("", 1, 2), ("team3", 1, 0), ("team1", 1, 0),
    ]  # fmt: skip
    (place,) = places(posture)
    assert (place.name, place.tokens, place.levels["error"]) == ("fake:drive:d1", 3, 2)
    (named,) = places(posture_of([number(1, scope_name="Marketing"), number(2)]))
    assert (named.name, named.called) == ("fake:drive:d1", "Marketing")


def test_an_orphan_counts_for_the_place_it_was_listed_at():
    from tests.unit.test_policy_rules import ROW

    facts = {place_of(number(1).record): ProviderFacts(capabilities=CAN, listed=[replace(ROW, provider_id="id9")])}
    (place,) = places(posture_of([number(1)], facts=facts))
    assert (place.name, place.levels["error"]) == ("fake:drive:d1", 1)


@pytest.mark.parametrize(("until", "left", "covers"), [(NOW + 3 * DAY, 3, 1), (NOW + DAY / 2, 1, 1), (NOW, 0, 0)])
def test_a_waiver_is_shown_until_it_is_taken_out_of_the_policy(until, left, covers):
    waiver = PolicyWaiver(rule="maximum-age", match=RuleSelector(token="team1/*"), owner="o", reason="r", until=until)
    policy = replace(default_policy(), waivers=(waiver,))
    (found,) = waiver_statuses(posture_of([number(1, rotated_at=NOW - 100 * DAY)], policy=policy))
    assert (found.left, found.covers) == (left, covers)


def held(**changes):
    quarantine = changes.pop("quarantine", ())
    return replace(number(1), journal=replace(DONE, **changes), quarantine=quarantine)


def item(**changes):
    own = {"label": Label("old"), "fingerprint": None, "provider_id": "", "provider_label": "", "proof": PROOF}
    return Quarantined(**own, probe_due_at=NOW, **changes)


@pytest.mark.parametrize(
    ("document", "proven", "words"),
    [
        (held(), True, "provisional: 3 refusals"),
        (held(), True, "rechecked, value destroyed"),
        (held(quarantine=(item(),)), True, "recheck due"),
        (held(quarantine=(item(alive_again=True),)), False, "recheck due"),
        (held(proof=None), False, "none recorded"),
        (held(proof=replace(PROOF, grade=DeathGrade.ASSERTED, said_by="ann")), False, "asserted by ann"),
        (held(proof=replace(PROOF, control=False)), False, "unproven: 3 refusals"),
        (held(stage=Stage.REVOKED, proof=None), False, "none recorded"),
    ],
)
def test_only_a_proof_counts_as_one(document, proven, words):
    (found,) = rotations(posture_of([document]))
    assert found.proven is proven
    assert words in found.evidence


@pytest.mark.parametrize("journal", [None, replace(DONE, mode=Mode.ADD), replace(DONE, stage=Stage.ABORTED)])
def test_what_ended_nothing_is_no_rotation(journal):
    assert rotations(posture_of([replace(number(1), journal=journal)])) == []


def test_open_operations_come_first_and_retired_tokens_are_shown():
    open_one = replace(held(stage=Stage.REVOKED, proof=None, updated_at=NOW - 9 * DAY), record=number(2).record)
    gone = replace(held(mode=Mode.RETIRE), record=replace(number(3).record, state=RecordState.RETIRED))
    posture = posture_of([held(updated_at=NOW - DAY), gone, open_one])
    assert [each.document.record.name.split("/")[1] for each in rotations(posture)] == [
        "service2", "service3", "service1",
    ]  # fmt: skip
    shown = {each.label: each.value for each in figures(posture)}
    assert (shown["tokens"], shown["old tokens proven dead"], shown["open operations"]) == ("2", "2 of 3", "1")


@pytest.mark.parametrize(
    ("change", "must_be_dead"),
    [
        ({"stage": Stage.PUBLISHED, "revoked_at": None}, False),
        ({"stage": Stage.REVOKE_INTENDED, "revoked_at": None}, True),
        ({"stage": Stage.STORED, "mode": Mode.COMPROMISED, "revoked_at": NOW}, True),
        ({"stage": Stage.DONE}, True),
    ],
)
def test_an_old_token_counts_as_one_to_be_dead_from_the_point_of_no_return(change, must_be_dead):
    assert rotations(posture_of([held(proof=None, **change)]))[0].must_be_dead is must_be_dead


def test_consumers_are_counted_by_who_is_declared_now():
    assert rotations(posture_of([held()]))[0].consumers == "1 of 1 confirmed"
    assert rotations(posture_of([held(handovers=())]))[0].consumers == "0 of 1 confirmed"
    assert (
        rotations(posture_of([replace(held(), record=number(1, consumers=None).record)]))[0].consumers == "not declared"
    )


def test_coverage_says_why_a_list_is_missing():
    facts = {
        place_of(number(1).record): ProviderFacts(capabilities=CAN, no_list="the provider has no list of tokens"),
        ("fake", "", "drive:d2"): ProviderFacts(capabilities=CAN, listed=[]),
    }
    (row,) = coverage(posture_of([number(1), number(2, seen=None)], facts=facts))
    assert (row.tokens, row.alive, row.placed, row.scopes) == (2, 1, 1, 1)
    assert row.listed == "1 of 2 lists compared; the provider has no list of tokens"
    assert row.made == "created by API, revoked by API"
    read = {place_of(number(1).record): ProviderFacts(capabilities=CAN, listed=[], read_at=NOW - DAY)}
    assert coverage(posture_of([number(1)], facts=read))[0].listed == "compared with the list read on 2026-10-31"


def test_a_waiver_for_files_is_not_shown_as_one_for_tokens():
    waiver = PolicyWaiver(
        rule="callback-url", match=RuleSelector(path="tests/*"), owner="o", reason="r", until=NOW + DAY
    )
    posture = posture_of([number(1)], policy=replace(default_policy(), waivers=(waiver,)))
    (table,) = [each for each in sections(posture) if each.id == "waivers"]
    assert [cell.text for cell in table.rows[0]][1:4] == ["tests/*", "callback-url", "files: `tokenguard check`"]
    (shown,) = as_json(posture)["waivers"]
    assert (shown["path"], shown["token"], shown["covers"]) == ("tests/*", None, None)


class TestControls:
    def verdicts(self, posture):
        return {each.control.id: each.verdict for each in evidence(posture)}

    def test_every_named_rule_exists_and_every_rule_about_tokens_bears_on_a_control(self):
        named = {rule for control in CONTROLS for rule in control.rules}
        assert named <= set(CATALOGUE)
        from tokenguard.policy.rules.token_rules import CHECKS

        assert set(CHECKS) - named <= {"concurrency-limit"}

    def test_every_control_has_its_own_name_and_something_to_say(self):
        assert max(Counter((each.framework, each.id) for each in CONTROLS).values()) == 1
        assert all(each.rules or each.beside for each in CONTROLS)

    def test_a_violation_is_never_covered_up(self):
        assert self.verdicts(posture_of(aged(100)))["NHI7"] == "violated"

    def test_what_nobody_can_say_is_not_shown(self):
        assert self.verdicts(posture_of([number(1)]))["NHI7"] == "not shown"

    def test_what_holds_is_kept_and_an_empty_inventory_shows_nothing(self):
        assert self.verdicts(posture_of([number(1)]))["NHI8"] == "kept"
        assert self.verdicts(posture_of([]))["NHI8"] == "not shown"

    def test_what_is_waived_is_not_kept(self):
        waiver = PolicyWaiver(rule="maximum-age", match=RuleSelector(token="*"), owner="o", reason="r", until=NOW + DAY)
        policy = replace(default_policy(), waivers=(waiver,))
        assert self.verdicts(posture_of(aged(100)))["CC6.1"] == "violated"
        assert self.verdicts(posture_of(aged(100), policy=policy))["CC6.1"] == "waived"

    def test_a_rule_that_is_switched_off_does_not_make_a_control_kept(self):
        rules = tuple(
            replace(rule, severity=Severity.OFF) if rule.id == "maximum-age" else rule
            for rule in default_policy().rules
        )
        found = evidence(posture_of([number(1)], policy=replace(default_policy(), rules=rules)))
        (access,) = [each for each in found if each.control.id == "CC6.1"]
        assert access.verdict == "not shown"
        assert "does not check maximum-age" in access.text

    def test_a_policy_that_does_not_ask_shows_nothing(self):
        rules = tuple(
            replace(rule, severity=Severity.OFF) if rule.id == "shared-across-environments" else rule
            for rule in default_policy().rules
        )
        assert (
            self.verdicts(posture_of([number(1)], policy=replace(default_policy(), rules=rules)))["NHI8"] == "not shown"
        )

    def test_proofs_of_death_are_evidence(self):
        (found,) = [each for each in evidence(posture_of([held()])) if each.control.id == "NHI1"]
        assert "1 of 1 ended operations with a proven revocation" in found.text


@pytest.mark.parametrize("name", ["default", "strict", "descript", "autoposting", "ci"])
def test_every_packaged_policy_makes_a_report(name):
    assert [table.id for table in sections(posture_of([number(1)], policy=packaged_policy(name)))]


@pytest.mark.parametrize("counts", [(), (0,), (0, 0), (1,), (3, 10), (10_001, 7)])
def test_a_chart_is_an_image_with_a_description(counts):
    chart = Chart(id="c", title="Ages & co", what="days", bars=[(f"{n}", count) for n, count in enumerate(counts)])
    drawn = svg(chart) if counts else ""
    assert "style" not in drawn
    assert drawn.count("<svg") == drawn.count('role="img"') == drawn.count("<title") == bool(counts)
    assert drawn.count('class="series bars"') == bool(counts)
    assert f"{max(counts, default=0):,}" in chart.described if any(counts) else chart.described == "Ages & co: none."


@pytest.mark.parametrize("highest", [0, 1, 2, 3, 5, 7, 10, 11, 50, 99, 101, 10_001, 4_000_000])
def test_the_axis_of_a_chart_has_few_whole_numbers(highest):
    drawn = svg(Chart(id="c", title="t", what="w", bars=[("first", highest), ("second", 0)]))
    ticks = sorted(int(text.replace(",", "")) for text in re.findall(r'text-anchor="middle">([^<]*)<', drawn))
    assert ticks[0] == 0
    assert 2 <= len(ticks) <= 6
    assert highest <= ticks[-1] <= max(2 * highest, 1)


def test_two_stores_with_the_same_names_are_told_apart():
    one, other = (
        posture_of([held()]),
        posture_of([replace(held(), record=number(1, rotated_at=NOW - 100 * DAY).record)]),
    )
    assessments = [
        assess(default_policy(), around, store=name)
        for name, around in zip(("a", "b"), (*one.surroundings, *other.surroundings), strict=True)
    ]
    both = Posture(
        at=NOW, assessments=assessments, surroundings=[*one.surroundings, *other.surroundings], stores=["a", "b"],
        store_ids=["a" * 32, "b" * 32],
    )  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(as_csv(both))))
    assert [(row["store"], row["token"], row["errors"]) for row in rows] == [
        ("a", "team1/service1/upload", "0"), ("b", "team1/service1/upload", "1"),
    ]  # fmt: skip
    assert both.upcoming[0].place == "b: team1/service1/upload"
    assert {each.place for each in rotations(both)} == {"a: team1/service1/upload", "b: team1/service1/upload"}
