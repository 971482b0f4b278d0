"""The root of the command line: the table of commands, none of which is imported until it is called."""

import click

from tokenguard import __version__
from tokenguard.cli.base import group

COMMANDS = {
    "init": ("tokenguard.cli.init:init", "Create a store, or with --ci a repository's pipeline."),
    "setup": ("tokenguard.cli.setup:setup", "Configure a store's server for a pipeline, or show what differs."),
    "doctor": ("tokenguard.cli.doctor:doctor", "Check store, keys, clock and environment."),
    "add": ("tokenguard.cli.add:add", "Add a token to the inventory, or issue a new one."),
    "list": ("tokenguard.cli.list_:list_tokens", "List tokens with their owners and due dates."),
    "show": ("tokenguard.cli.show:show", "Show one token: record, last operation, recent events."),
    "edit": ("tokenguard.cli.edit:edit", "Change the record of a token."),
    "triage": (
        "tokenguard.cli.triage:triage",
        "Complete records one by one, with suggestions for what they lack.",
    ),
    "remove": ("tokenguard.cli.remove:remove", "Remove a mistaken record that has no value."),
    "verify": ("tokenguard.cli.verify:verify", "Verify with the providers that tokens work and have the right scope."),
    "rotate": (
        "tokenguard.cli.rotate:rotate",
        ("Replace tokens without downtime, and verify that the old ones are revoked."),
    ),
    "retire": ("tokenguard.cli.retire:retire", "Revoke a token for good, verify it, and keep its record."),
    "deliver": ("tokenguard.cli.deliver:deliver", "Bring the live value back to consumers that do not have it."),
    "offboard": (
        "tokenguard.cli.offboard:offboard_person",
        "Replace, revoke and reassign the tokens of a person who leaves.",
    ),
    "upkeep": ("tokenguard.cli.upkeep:upkeep", "Run all scheduled work: resume, rotate, verify, detect drift."),
    "notify": ("tokenguard.cli.notify:notify", "Notify people of due, failed and leaked tokens."),
    "runbook": ("tokenguard.cli.runbook:runbook", "Write the rotation runbook of one token."),
    "check": ("tokenguard.cli.check:check", "Check tokens against the policy."),
    "policy": ("tokenguard.cli.policy:policy", "Show, test and share the organisation's policy."),
    "report": ("tokenguard.cli.report:report", "Report owners, due dates and policy violations."),
    "metrics": ("tokenguard.cli.metrics:metrics", "Write the state of the inventory for a monitoring system."),
    "import": ("tokenguard.cli.importing:import_file", "Import tokens from a file, a secret store or a provider."),
    "migrate": ("tokenguard.cli.migrate:migrate", "Migrate to another store."),
    "plan": ("tokenguard.cli.plan:plan", "Show what applying a manifest would change (dry run)."),
    "request": ("tokenguard.cli.request:request", "Ask a second person to approve a sensitive command."),
    "approve": ("tokenguard.cli.approve:approve", "Approve a plan for unattended apply, or another person's request."),
    "apply": ("tokenguard.cli.apply:apply", "Apply a manifest to the store."),
    "drift": ("tokenguard.cli.drift:drift", "Report where store, providers or consumers differ from a manifest."),
    "fmt": ("tokenguard.cli.fmt:fmt", "Format a manifest."),
    "scan": ("tokenguard.cli.scan:scan", "Find leaked tokens in files, commits and streams."),
    "baseline": ("tokenguard.cli.baseline:baseline", "Manage findings that the team has accepted."),
    "respond": ("tokenguard.cli.respond:respond", "Respond to a leaked token: find its owner, check it, revoke it."),
    "exec": (
        "tokenguard.cli.exec_:exec_command",
        "Run a program with tokens in its environment, masked in its output.",
    ),
    "env": ("tokenguard.cli.env:env", "Export tokens as variables for a shell, a file or a CI system."),
    "redact": ("tokenguard.cli.redact:redact", "Copy standard input to standard output with values masked."),
    "agent": ("tokenguard.cli.agent:agent", "Keep tokens out of coding agents' prompts and tools."),
    "fingerprints": (
        "tokenguard.cli.fingerprints:fingerprints",
        ("Share fingerprints of the team's tokens with scanners."),
    ),
    "audit": ("tokenguard.cli.audit:audit", "Read and verify the audit trail."),
    "store": ("tokenguard.cli.store_commands:store", "Keys and backups of a local store; the upgrade of any store."),
    "provider": ("tokenguard.cli.provider:provider", "Show providers, and validate the file that describes one."),
    "sandbox": ("tokenguard.cli.sandbox:sandbox", "Run practice providers on this machine."),
    "demo": ("tokenguard.cli.demo:demo", "Run a full demonstration on practice providers."),
    "completion": ("tokenguard.cli.completion:completion", "Print the completion script of a shell."),
}

SECTIONS = {
    "Getting started": ("demo", "sandbox", "init", "setup", "doctor", "completion"),
    "Inventory": ("add", "import", "list", "show", "edit", "triage", "verify", "remove"),
    "Rotation": ("rotate", "retire", "deliver", "offboard", "upkeep", "notify", "runbook"),
    "Leaks": ("scan", "baseline", "fingerprints", "agent", "respond"),
    "Using tokens": ("exec", "env", "redact"),
    "Declaring tokens": ("plan", "apply", "drift", "fmt"),
    "Policy and evidence": ("request", "approve", "check", "policy", "report", "metrics", "audit"),
    "Stores and providers": ("store", "migrate", "provider"),
}
"""The commands by job, as `--help` lists them."""


PORTABLE = frozenset({"scan", "baseline", "redact", "fmt", "completion"})
"""The commands that are written to run on Windows too; all others need POSIX."""


@group("tokenguard", COMMANDS, sections=SECTIONS, portable=PORTABLE, context_settings={"max_content_width": 100})
@click.version_option(__version__, prog_name="tokenguard", message="%(prog)s %(version)s")
def app() -> None:
    """Inventory, guided rotation and leak control for API tokens.

    Token values are never arguments: they are read from a hidden prompt, standard input, a file or a variable.
    """
