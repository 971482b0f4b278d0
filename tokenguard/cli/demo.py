"""`tokenguard demo`: a full demonstration with real commands and their real output, on this machine alone."""

from collections.abc import Mapping

from tokenguard.cli.base import command, pass_wiring
from tokenguard.cli.demo_stage import DemoStage
from tokenguard.errors import ExitCode, InputError
from tokenguard.shell.wiring import Wiring

_UPLOAD = "video/publisher/prod/upload"
_TRANSCRIBE = "video/search/prod/transcribe"
_POSTS = "social/scheduler/prod/posts"


@command("demo")
@pass_wiring
def demo(wiring: Wiring) -> None:
    """Run a full demonstration on practice providers.

    Creates a store in a temporary directory and a sandbox on 127.0.0.1, asks no questions, takes less than a minute and
    removes everything. Exits 0 only if every step was verified.
    """
    if wiring.flags.format == "json":
        raise InputError("`tokenguard demo` has no JSON output", hint="run `tokenguard demo` without --format json")
    with DemoStage() as stage:
        _inventory(stage)
        _planned(stage)
        _compromised(stage)
        _evidence(stage)
        stage.hold(stage.no_value_was_shown(), "no token's value was in any output above")


def _inventory(stage: DemoStage) -> None:
    marketing, product = stage.info["drives"][0], stage.info["drives"][1]
    stage.say("A store of its own: one encrypted file, no server. The key comes from a file, as in CI.")
    stage.run("init", "--no-input", "--recovery-file", str(stage.directory / "recovery"))

    stage.say(
        "Two Descript tokens, created by hand in Settings, each for one Drive. Values are never on the command line."
    )
    value = stage.person.create("upload", marketing["id"])
    stage.dotenv.write_text(f"# the app's settings\nDEBUG=0\nDESCRIPT_API_TOKEN={value}\n")
    stage.dotenv.chmod(0o600)
    common = ("--provider", "descript", "--env", "prod", "--owner", "video")
    stage.run(
        "add", _UPLOAD, *common, *_leads_to(marketing), "--purpose", "upload", "--label", "upload",
        "--deliver", f"dotenv:{stage.dotenv}#DESCRIPT_API_TOKEN", "--from-env", "PASTED", env={"PASTED": value},
    )  # fmt: skip
    value = stage.person.create("transcribe", product["id"])
    stage.run(
        "add", _TRANSCRIBE, *common, *_leads_to(product), "--purpose", "transcribe", "--label", "transcribe",
        "--no-consumers", "--from-env", "PASTED", env={"PASTED": value},
    )  # fmt: skip

    stage.say("A token of the wrong Drive is pasted. The error comes before anything is written.")
    value = stage.person.create("a mix-up", product["id"])
    wrong = stage.run(
        "add", "video/publisher/prod/export", *common, *_leads_to(marketing), "--purpose", "export",
        "--from-env", "PASTED", env={"PASTED": value}, expect=ExitCode.FINDINGS,
    )  # fmt: skip
    stage.hold(product["id"] in wrong.output, "the error names the Drive that the token belongs to")

    stage.say("Autoposting has an API: the key is created there, stored and verified; no person sees it.")
    stage.run(
        "add", _POSTS, "--provider", "autoposting", "--scope", f"org:{stage.info['org_id']}", "--env", "prod",
        "--owner", "social", "--purpose", "posts", "--permission", "posts:read", "--no-consumers", "--issue",
    )  # fmt: skip
    stage.run("list")
    stage.run("verify", "--all")


def _leads_to(drive: Mapping[str, str]) -> tuple[str, ...]:
    return "--scope", f"drive:{drive['id']}", "--scope-name", drive["name"]


def _planned(stage: DemoStage) -> None:
    stage.say(
        "A planned rotation. Descript has no API for tokens, so a person does these steps; here the demo plays that "
        "person."
    )
    before = stage.dotenv.read_text()
    stage.run_with_person("rotate", _UPLOAD, "--reason", "quarterly")
    after = stage.dotenv.read_text()
    stage.hold(before != after and after.startswith("# the app's settings\nDEBUG=0\n"), "the .env has the new token")
    stage.hold(_old_is_refused(stage, before), "Descript refuses the old token")


def _compromised(stage: DemoStage) -> None:
    stage.say("A key was posted in a ticket. Compromised mode revokes it first, then replaces it.")
    stage.run("rotate", _POSTS, "--compromised", "--reason", "posted in a ticket")


def _evidence(stage: DemoStage) -> None:
    stage.say("The evidence: every step is recorded in a tamper-evident audit trail.")
    stage.run("audit", "log", _POSTS)
    stage.run("audit", "verify")
    stage.say("What is due next, and the runbook for an emergency.")
    stage.run("list", "--due")
    runbook = stage.run("runbook", _UPLOAD, "--output", str(stage.directory / "runbook.md"))
    text = (stage.directory / "runbook.md").read_text()
    stage.hold(runbook.code == 0 and "rotate" in text, f"the runbook is written: {len(text.splitlines())} lines")


def _old_is_refused(stage: DemoStage, dotenv: str) -> bool:
    import urllib3  # one request, to verify it independently

    old = dotenv.rpartition("DESCRIPT_API_TOKEN=")[2].strip()
    with urllib3.PoolManager(retries=False) as pool:
        answer = pool.request(
            "GET", f"{stage.info['descript_url']}/projects", headers={"Authorization": f"Bearer {old}"}, redirect=False
        )
        return answer.status == 401  # noqa: PLR2004 - the one status that means dead
