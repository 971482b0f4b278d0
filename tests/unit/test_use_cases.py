"""Use cases run with the parts that they name and nothing else: no command line, no shell."""

import os
import re
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import pytest

from tests.fakes.use_case_parts import NAME, Conversation, Only, UseCaseParts
from tokenguard.domain.diagnosis import Level
from tokenguard.domain.event import Op
from tokenguard.domain.journal import Mode
from tokenguard.domain.names import token_name
from tokenguard.domain.token import RecordState
from tokenguard.errors import ExitCode, InputError
from tokenguard.inventory.readers import TokenDraft
from tokenguard.inventory.record_changes import RecordChanges
from tokenguard.inventory.selection import Filter
from tokenguard.ports.value_source import ValueOptions
from tokenguard.usecases import parts as parts_module

ROOT = Path(__file__).parents[2]
USE_CASES = sorted(path.stem for path in (ROOT / "tokenguard/usecases").glob("[a-z]*.py"))
PAST = token_name("video/app/prod/second")


def test_use_cases_load_no_command_line_and_no_shell():
    code = (
        f"import sys, importlib\nfor name in {USE_CASES!r}: importlib.import_module(f'tokenguard.usecases.{{name}}')\n"
        "print([name for name in sys.modules if name == 'click' or name.startswith(('tokenguard.shell', "
        "'tokenguard.cli', 'rich', 'boto', 'hvac'))])"
    )
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ)
    assert done.stdout == "[]\n"


@pytest.fixture
def world():
    return UseCaseParts()


def narrowed(world, protocol):
    """The world, as far as a use case names it; `protocol` is `file.Class`, or a class of `usecases/parts.py`."""
    module, _, name = protocol.rpartition(".")
    found = import_module(f"tokenguard.usecases.{module}") if module else parts_module
    return Only(world, getattr(found, name))


def test_a_part_that_is_not_named_cannot_be_taken(world):
    with pytest.raises(AssertionError, match="takes clock"):
        _ = narrowed(world, "HasStore").clock


def events(world, snapshot):
    return [each.event.op for each in world.store.history(snapshot.id)]


def added(world):
    from tokenguard.usecases.add_token import TokenAddition

    facts = {"provider": "fake", "scope": world.world.create("x").scope, "environment": "prod", "owner": "video",
             "purpose": "uploads", "consumers": ()}  # fmt: skip
    made = TokenAddition(narrowed(world, "add_token.AddTokenParts"), NAME, RecordChanges(**facts))
    assert made.take(ValueOptions(), verify=True).document.record.state is RecordState.ACTIVE


def applied(world):
    from tokenguard.usecases.apply_manifest import PlanExecution
    from tokenguard.usecases.load_manifest import plan_against_store

    held = plan_against_store(narrowed(world, "load_manifest.LoadManifestParts"), manifest(world))
    results = PlanExecution(narrowed(world, "apply_manifest.ApplyManifestParts"), held, "d", {}, {}).run(1)
    assert [each.error for each in results] == [None]
    assert world.store.find(NAME).document.record.state is RecordState.PENDING


def manifest(world):
    from tokenguard.usecases.load_manifest import declared_in

    Path("tokens.yaml").write_text(
        f"version: 1\ntokens:\n  {NAME}:\n    provider: fake\n    scope: drive:d1\n    environment: prod\n    owner: video\n"
        "    purpose: uploads\n    consumers: []\n"
    )
    return declared_in("tokens.yaml", "prod")


def planned(world):
    from tokenguard.usecases.load_manifest import plan_against_store

    held = plan_against_store(narrowed(world, "load_manifest.LoadManifestParts"), manifest(world))
    assert [each.name for each in held.plan.actions] == [NAME]


def approved(world):
    from tokenguard.usecases.approve_plan import verdicts
    from tokenguard.usecases.load_manifest import plan_against_store

    held = plan_against_store(narrowed(world, "load_manifest.LoadManifestParts"), manifest(world))
    yes, no = verdicts(narrowed(world, "HasApprovals"), held.plan)
    assert no == {}
    assert set(yes) <= {NAME}


def deliverable(world):
    from tokenguard.usecases.check_consumers import check_consumers
    from tokenguard.usecases.load_manifest import plan_against_store

    held = plan_against_store(narrowed(world, "load_manifest.LoadManifestParts"), manifest(world))
    check_consumers(narrowed(world, "HasDeliveries"), held, held.plan.actions)


def handed_over(world):
    from tokenguard.usecases.confirm_handover import hand_over
    from tokenguard.usecases.load_manifest import plan_against_store

    held = plan_against_store(narrowed(world, "load_manifest.LoadManifestParts"), manifest(world))
    assert hand_over(narrowed(world, "confirm_handover.ConfirmHandoverParts"), held) == []


def drifted(world):
    from tokenguard.usecases.detect_drift import consumers, inventory, providers
    from tokenguard.usecases.load_manifest import plan_against_store

    world.added()
    world.world.create("made by hand")
    held = plan_against_store(narrowed(world, "load_manifest.LoadManifestParts"), manifest(world))
    parts = narrowed(world, "detect_drift.DetectDriftParts")
    assert any(each.rule == "orphan" for each in providers(narrowed(world, "assess.AssessParts"), held))
    assert list(consumers(parts, held)) == []
    assert list(inventory(parts, held)) == []


def assessed(world):
    from tokenguard.usecases.assess import surroundings

    world.added()
    found = surroundings(narrowed(world, "assess.AssessParts"), world.store, ask_providers=False)
    assert [each.name for each in found.records] == [NAME]


def reported(world):
    from tokenguard.usecases.build_report import posture_of

    world.added()
    parts = narrowed(world, "build_report.BuildReportParts")
    found = posture_of(parts, None, Filter(), every=False, ask=False, at=None)
    assert NAME in repr(found)


def fixed(world):
    from tokenguard.usecases.apply_fixes import apply_fixes, fixes

    parts = narrowed(world, "apply_fixes.ApplyFixesParts")
    assert fixes(parts, world.policy, None, []) == []
    assert apply_fixes(parts, [], confirmed=True)


def repository(world):
    from tokenguard.usecases.check_repository import examine, load_check_context

    subprocess.run(["git", "init", "-q", "."], check=True)
    held = load_check_context(world.policy, Path(), "", needed=True)
    found = examine(narrowed(world, "check_repository.CheckRepositoryParts"), held)
    assert {each.rule for each in found.violations} == {"env-file-ignored"}


def baseline(world):
    from tokenguard.domain.profile import Profile
    from tokenguard.usecases.baseline_target import BaselineTarget

    Path("readme.md").write_text("nothing\n")
    target = BaselineTarget.of(
        narrowed(world, "baseline_target.BaselineTargetParts"), [Path("readme.md")], Path("baseline"), Profile.DEFAULT
    )
    assert target.file == Path("baseline")


def hooked(world):
    from tokenguard.agents.contract import SettingsScope
    from tokenguard.usecases.agent_install import HookPolicy, hook_command
    from tokenguard.usecases.agent_install import agent as agent_named

    world.environ["PATH"] = os.environ["PATH"]
    parts = narrowed(world, "agent_install.AgentInstallParts")
    assert "agent hook" in hook_command(parts, agent_named("codex"), SettingsScope.USER, HookPolicy())


def diagnosed(world):
    from tokenguard.usecases.diagnose import examine

    world.added()
    found = {each.check: each.level for each in examine(narrowed(world, "diagnose.DiagnoseParts"))}
    assert found["integrity"] is found["store"] is found["memory"] is Level.OK


def delivered(world):
    from tokenguard.usecases.deliver_tokens import compare_consumers

    snapshot = world.added()
    assert list(compare_consumers(narrowed(world, "deliver_tokens.DeliverTokensParts"), snapshot)) == []


def disclosed(world):
    from tokenguard.usecases.disclose import Disclosure
    from tokenguard.usecases.requested_token import RequestedToken

    snapshot = world.added()
    given = Disclosure(
        narrowed(world, "disclose.DiscloseParts"), [RequestedToken(name=NAME, variable="TOKEN")], "exec", {}
    )
    given.intend()
    given.happened("exit 0")
    assert events(world, snapshot)[-2:] == [Op.DISCLOSE, Op.DISCLOSE]


def executed(world):
    from tokenguard.usecases.exec_rounds import ChildSettings, run_disclosed
    from tokenguard.usecases.requested_token import RequestedToken

    world.added()
    settings = ChildSettings(show_names=False, masked=False, on_rotate=None, check_every=0)
    parts = narrowed(world, "exec_rounds.ExecRoundsParts")
    world.environ["PATH"] = os.environ["PATH"]
    ended = run_disclosed(
        parts, [RequestedToken(name=NAME, variable="TOKEN")], ["sh", "-c", 'test -n "$TOKEN"'], [], settings
    )
    assert ended.code == 0


def edited(world):
    from tokenguard.usecases.edit_token import edit_record

    world.added()
    parts = narrowed(world, "WritesRecords")
    assert edit_record(parts, NAME, RecordChanges(purpose="more"), confirmed=True).document.record.purpose == "more"


def times_corrected(world):
    from tokenguard.usecases.correct_times import correct_times

    snapshot = world.added()
    with pytest.raises(InputError):  # no time is later than now
        correct_times(narrowed(world, "correct_times.CorrectTimesParts"), NAME, "a wrong date", confirmed=True)
    world.clock._start -= timedelta(days=30)
    correct_times(narrowed(world, "correct_times.CorrectTimesParts"), NAME, "a wrong date", confirmed=True)
    assert world.store.find(NAME).document.latest < snapshot.document.latest


def updated_at_provider(world):
    from tokenguard.usecases.update_token import update_token

    snapshot = world.added()
    with pytest.raises(InputError):  # the fake changes no token
        update_token(narrowed(world, "WritesRecords"), NAME, RecordChanges(permissions=("x",)), confirmed=True)
    assert world.store.find(NAME).version == snapshot.version


def edited_together(world):
    from tokenguard.usecases.edit_records import commit_edits, plan_same_edit

    parts = narrowed(world, "WritesRecords")
    edits = plan_same_edit(parts, [world.added()], RecordChanges(purpose="more"))
    assert [each.error for each in commit_edits(parts, edits)] == [None]


def triaged(world):
    from tokenguard.usecases.triage_records import Triage

    snapshot = world.added()
    (found,) = Triage(narrowed(world, "WritesRecords")).incomplete([snapshot])
    assert [each.column for each in found.facts] == ["made_by"]


def updated(world):
    from tokenguard.inventory.readers import FileFormat
    from tokenguard.usecases.update_records import plan_update

    world.added()
    parts = narrowed(world, "WritesRecords")
    edits = plan_update(parts, f"name,purpose\n{NAME},more\n".encode(), FileFormat.CSV, source="t.csv")
    assert [each.after.purpose for each in edits] == ["more"]


def imported(world):
    from tokenguard.domain.secret import Secret
    from tokenguard.usecases.import_file import Defaults, Importer
    from tokenguard.usecases.import_outcome import ImportStatus

    importer = Importer(
        narrowed(world, "import_file.ImportFileParts"), Defaults(prefix="", texts={"provider": "fake"}), dry_run=True
    )
    (found,) = importer.run([TokenDraft(place="line 1", texts={"name": NAME}, value=Secret("tgcanary-value-12345"))])
    assert found.fate is ImportStatus.ADDED


def imported_from_provider(world):
    from tokenguard.usecases.import_file import Defaults
    from tokenguard.usecases.import_provider import ProviderListing

    world.world.create("by hand")
    listing = ProviderListing(narrowed(world, "import_provider.ImportProviderParts"), "provider:fake")
    assert len(list(listing.run(Defaults(prefix="video"), dry_run=True))) == 1


def imported_secrets(world):
    from tokenguard.usecases.import_secrets import SecretImport

    parts = narrowed(world, "import_secrets.ImportSecretsParts")
    SecretImport(parts, "vault://kv/apps", ["team=video"])
    with pytest.raises(InputError, match="cannot import from this address"):
        SecretImport(parts, "ftp://x", [])


def pipeline(world):
    from tokenguard.usecases.init_ci import CiOptions, bootstrap

    subprocess.run(["git", "init", "-q", "."], check=True)
    bootstrap(narrowed(world, "init_ci.InitCiParts"), CiOptions(system="github"), yes=True)
    assert Path(".github/workflows").is_dir()


def schedule(world):
    from tokenguard.provisioning.schedules import Scheduler
    from tokenguard.usecases.init_schedule import render_schedule

    parts = narrowed(world, "init_schedule.InitScheduleParts")
    render_schedule(parts, Scheduler.KUBERNETES, image=f"registry.test/tokenguard@sha256:{'0' * 64}", into="")
    assert any("kind: CronJob" in line for line in world.screen.lines)


def trial(world):
    from tokenguard.domain.scope import Scope
    from tokenguard.usecases.live_trial import LiveTrial

    made = LiveTrial(
        narrowed(world, "live_trial.LiveTrialParts"), "fake", Scope("drive", "d1"), (), Path("report.json")
    )
    assert "fake" in made.name


def masked(world):
    from tokenguard.redaction.matcher import Matcher
    from tokenguard.streams.child import Ended
    from tokenguard.usecases.mask_files import mask_output

    ended = Ended(code=0, found={})
    assert mask_output(narrowed(world, "HasProgress"), [], Matcher.of([]), ended).code == 0


def remainder(world):
    from tokenguard.usecases.name_remainder import name_remainder

    name_remainder(narrowed(world, "HasOpenWork"), [NAME, PAST], ["rotate", "--yes"])
    assert world.unfinished == f"2 tokens left: `tokenguard rotate {NAME} {PAST} --yes`"


def notified(world):
    from tokenguard.usecases.send_notifications import Notifier

    parts = narrowed(world, "send_notifications.SendNotificationsParts")
    assert Notifier(parts).run() == []
    with pytest.raises(InputError, match="no route"):
        Notifier(parts, required=True)


def notified_of_upkeep(world):
    from tokenguard.usecases.notify_upkeep import UpkeepNotices

    notices = UpkeepNotices(narrowed(world, "send_notifications.SendNotificationsParts"))
    assert [*notices.before(), *notices.after([], "")] == []


def offboarded(world):
    from tokenguard.usecases.offboard_person import tokens_of_person

    world.added(made_by="alex", account="alex@example.org")
    found = tokens_of_person(narrowed(world, "offboard_person.OffboardPersonParts"), "alex")
    assert len(found) == 1


def reconciled(world):
    from tokenguard.usecases.reconcile_listing import reconcile

    world.added(label="upload")
    Path("list.csv").write_text("label\nupload\n")
    parts = narrowed(world, "reconcile_listing.ReconcileListingParts")
    assert reconcile(parts, "fake", "list.csv") is ExitCode.OK


def removed(world):
    from tokenguard.inventory.admission import add_without_value
    from tokenguard.usecases.remove_record import remove_record

    record = world.added().document.record
    from tokenguard.frozen import replace

    pending = replace(record, name=PAST, state=RecordState.PENDING, fingerprint=None, seen=None, provider_id="",
                      accepted_at=None)  # fmt: skip
    add_without_value(world.store, world.clock, pending)
    parts = narrowed(world, "remove_record.RemoveRecordParts")
    assert remove_record(parts, PAST, reason="by mistake").document.record.state is RecordState.RETIRED


def leaked(world):
    from tokenguard.usecases.report_leaks import record_leak, report_leaks

    snapshot = world.added()
    parts = narrowed(world, "report_leaks.ReportLeaksParts")
    assert report_leaks(parts, Counter(), None, audited=True) == 0
    assert record_leak(parts, NAME, [{"place": "a log"}])
    assert events(world, snapshot)[-1] is Op.LEAK


def responded(world):
    from tokenguard.domain.leak import Spread
    from tokenguard.usecases.respond_end import LeakFacts, respond_to
    from tokenguard.usecases.respond_lookup import Findings, Leaked

    snapshot = world.added()
    findings = Findings(leaks=(Leaked(snapshot=snapshot),), strangers=0, blank=0)
    world.tty = None
    parts = narrowed(world, "respond_end.RespondEndParts")
    found, _ = respond_to(parts, findings, LeakFacts(reach=Spread.PUSHED), rotate=False)
    assert [each.document.record.name for each in found] == [NAME]


def revealed(world):
    from tokenguard.usecases.reveal import reveal_on_terminal

    snapshot = world.added()
    reveal_on_terminal(narrowed(world, "reveal.RevealParts"), snapshot)
    assert world.tty.shown == [world.store.read_live(snapshot.id).value.field("token").reveal()]


def policies(world):
    from tokenguard.usecases.role_policies import role_policies

    assert role_policies(narrowed(world, "HasBackend")) == {"planner": "reads", "rotator": "writes"}


def rotated(world):
    from tokenguard.usecases.rotation_jobs import planned as rotation_planned
    from tokenguard.usecases.rotation_jobs import rotation_job

    snapshot = world.added()
    before = world.store.read_live(snapshot.id).value
    parts = narrowed(world, "rotation_jobs.RotationJobsParts")
    plan = rotation_planned(parts, snapshot, Mode.PLANNED)
    rotation_job(parts, plan, reason="test", accept_outage=False, only_if_due=False).run()
    assert world.store.read_live(snapshot.id).value != before


def kept_up(world):
    from tokenguard.usecases.run_upkeep import Upkeep

    world.added()
    done = list(Upkeep(narrowed(world, "run_upkeep.RunUpkeepParts"), None, "").run())
    assert [each for each in done if each.code not in {ExitCode.OK, ExitCode.FINDINGS}] == []


def selected(world):
    from tokenguard.usecases.select_tokens import report_selection, select_tokens

    snapshot = world.added()
    wanted = Filter(owner="video")
    assert select_tokens(narrowed(world, "HasStore"), [], wanted) == [snapshot]
    report_selection(narrowed(world, "HasProgress"), wanted, [snapshot])
    assert world.progress.lines[-1] == "! selected: 1 token with --owner video"


def configured(world):
    from tokenguard.usecases.setup_server import SetupDiff, perform, show

    world.tty = Conversation("yes")
    parts = narrowed(world, "setup_server.SetupServerParts")
    same = SetupDiff(store=world.store_url, steps=())
    assert perform(parts, same, ask=True) == same
    show(narrowed(world, "HasPrinter"), same)
    assert world.screen.lines == ["the server matches its declaration (0 parts)"]


def upgraded(world):
    from tokenguard.usecases.upgrade_store import plan_upgrade, upgrade_store

    world.added()
    plan = plan_upgrade(narrowed(world, "HasStore"))
    assert list(upgrade_store(narrowed(world, "upgrade_store.UpgradeStoreParts"), plan)) == []


def waited(world):
    from tokenguard.usecases.wait_for_runner import wait_for_runner

    snapshot = world.added()
    able = world.vendors.provider("fake").capabilities
    before = world.clock.now()
    wait_for_runner(narrowed(world, "wait_for_runner.WaitForRunnerParts"), snapshot, able)
    assert world.clock.now() == before, "there was no operation to wait for"


def proven(world):
    from tokenguard.usecases.write_evidence import evidence_of

    class Signer:
        def signed(self, body):
            return f"signed {body}"

    snapshot = world.added()
    found = evidence_of(narrowed(world, "HasStore"), snapshot, Signer())
    assert found["token"] == NAME
    assert found["checkpoint"].startswith("signed ")


def measured(world):
    from tokenguard.usecases.write_metrics import metrics_text

    world.added()
    assert "tokenguard_" in metrics_text(narrowed(world, "write_metrics.WriteMetricsParts"))


RUNS = {
    "add_token": added, "agent_install": hooked, "apply_fixes": fixed, "apply_manifest": applied,
    "approve_plan": approved, "assess": assessed, "baseline_target": baseline, "build_report": reported,
    "check_consumers": deliverable, "check_repository": repository, "confirm_handover": handed_over,
    "correct_times": times_corrected,
    "deliver_tokens": delivered, "detect_drift": drifted, "diagnose": diagnosed, "disclose": disclosed,
    "edit_records": edited_together, "edit_token": edited, "exec_rounds": executed, "import_file": imported,
    "import_provider": imported_from_provider, "import_secrets": imported_secrets, "init_ci": pipeline,
    "init_schedule": schedule, "live_trial": trial, "load_manifest": planned, "mask_files": masked,
    "name_remainder": remainder, "notify_upkeep": notified_of_upkeep, "offboard_person": offboarded,
    "reconcile_listing": reconciled, "remove_record": removed, "report_leaks": leaked, "respond_end": responded,
    "reveal": revealed, "role_policies": policies, "rotation_jobs": rotated, "run_upkeep": kept_up,
    "select_tokens": selected, "send_notifications": notified, "setup_server": configured, "triage_records": triaged,
    "update_records": updated, "update_token": updated_at_provider, "upgrade_store": upgraded,
    "wait_for_runner": waited, "write_evidence": proven, "write_metrics": measured,
}  # fmt: skip
OF_ANOTHER = {
    "diagnose_agents": "diagnose", "diagnose_machine": "diagnose", "diagnose_tokens": "diagnose",
    "diagnose_upkeep": "diagnose", "last_upkeep": "write_metrics", "login_end": "send_notifications",
    "notify_at_once": "send_notifications",
}  # fmt: skip
"""Parts of a use case that is run above."""


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_a_use_case_runs_with_the_parts_that_it_names(world, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(world)


def test_every_use_case_that_takes_parts_is_run_here():
    taking = {
        name for name in USE_CASES if re.search(r"\bparts: \w", (ROOT / f"tokenguard/usecases/{name}.py").read_text())
    }
    assert taking == set(RUNS) | set(OF_ANOTHER)
