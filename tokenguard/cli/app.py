"""The root of the command line: the table of commands, none of which is imported until it is called."""

import click

from tokenguard import __version__
from tokenguard.cli.base import group

COMMANDS = {
    "init": ("tokenguard.cli.init:init", "Make a store, or with --ci a repository's pipeline."),
    "setup": ("tokenguard.cli.setup:setup", "Set up a store's server for a pipeline, or tell what differs."),
    "doctor": ("tokenguard.cli.doctor:doctor", "Check store, keys, clock and surroundings."),
    "add": ("tokenguard.cli.add:add", "Take a token into the inventory, or have one issued."),
    "list": ("tokenguard.cli.list_:list_tokens", "List tokens, what is due, and who owns it."),
    "show": ("tokenguard.cli.show:show", "Show one token: record, operation, last events."),
    "edit": ("tokenguard.cli.edit:edit", "Change what is recorded of a token."),
    "verify": ("tokenguard.cli.verify:verify", "Ask providers whether tokens are alive and lead where they should."),
    "rotate": ("tokenguard.cli.rotate:rotate", "Replace tokens without an outage, and prove the old ones dead."),
    "retire": ("tokenguard.cli.retire:retire", "Revoke a token, prove it dead, keep its record."),
    "upkeep": ("tokenguard.cli.upkeep:upkeep", "Do what a schedule repeats: resume, rotate, verify, look for drift."),
    "runbook": ("tokenguard.cli.runbook:runbook", "Write the rotation runbook of one token."),
    "check": ("tokenguard.cli.check:check", "Hold every token to the policy."),
    "policy": ("tokenguard.cli.policy:policy", "Show, test and share the rules of the organisation."),
    "report": ("tokenguard.cli.report:report", "Report who owns what, what is due and what is violated."),
    "import": ("tokenguard.cli.importing:import_file", "Take tokens from a .env, CSV or JSON file."),
    "migrate": ("tokenguard.cli.migrate:migrate", "Move everything to another store, and leave word there."),
    "plan": ("tokenguard.cli.plan:plan", "Tell what a manifest would change; change nothing."),
    "approve": ("tokenguard.cli.approve:approve", "Let a plan be applied where nobody is asked."),
    "apply": ("tokenguard.cli.apply:apply", "Bring the store to what a manifest declares."),
    "drift": ("tokenguard.cli.drift:drift", "Tell where the world is not as a manifest declares it."),
    "fmt": ("tokenguard.cli.fmt:fmt", "Write a manifest in its one order."),
    "scan": ("tokenguard.cli.scan:scan", "Find leaked tokens in files, commits and streams."),
    "baseline": ("tokenguard.cli.baseline:baseline", "Findings that the team has decided to live with."),
    "respond": ("tokenguard.cli.respond:respond", "Say whose a leaked value is and whether it lives; end it."),
    "exec": (
        "tokenguard.cli.exec_:exec_command",
        "Run a program with tokens in its environment, and mask them in its output.",
    ),
    "env": ("tokenguard.cli.env:env", "Write tokens as variables for a shell, a file or a CI system."),
    "redact": ("tokenguard.cli.redact:redact", "Copy standard input to standard output with values masked."),
    "fingerprints": ("tokenguard.cli.fingerprints:fingerprints", "Let every clone know the team's own tokens."),
    "audit": ("tokenguard.cli.audit:audit", "Read and verify the audit trail."),
    "store": ("tokenguard.cli.store_commands:store", "Keys and backups of a local store."),
    "sandbox": ("tokenguard.cli.sandbox:sandbox", "Serve practice providers on this machine."),
    "demo": ("tokenguard.cli.demo:demo", "Show the whole story, on practice providers."),
    "completion": ("tokenguard.cli.completion:completion", "Print the completion script of a shell."),
}

SECTIONS = {
    "Getting started": ("demo", "sandbox", "init", "setup", "doctor", "completion"),
    "Inventory": ("add", "import", "list", "show", "edit", "verify"),
    "Rotation": ("rotate", "retire", "upkeep", "runbook"),
    "Leaks": ("scan", "baseline", "fingerprints", "respond"),
    "Using tokens": ("exec", "env", "redact"),
    "Declaring tokens": ("plan", "approve", "apply", "drift", "fmt"),
    "Policy and evidence": ("check", "policy", "report", "audit"),
    "Stores": ("store", "migrate"),
}
"""The commands by job, as `--help` lists them."""


@group("tokenguard", COMMANDS, sections=SECTIONS, context_settings={"max_content_width": 100})
@click.version_option(__version__, prog_name="tokenguard", message="%(prog)s %(version)s")
def app() -> None:
    """Inventory, guided rotation and leak control for API tokens.

    Values are never arguments: they come by a hidden prompt, standard input, a file or a variable.
    """
