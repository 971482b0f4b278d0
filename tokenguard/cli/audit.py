"""`audit`: the group of commands about evidence."""

from tokenguard.cli.base import group

COMMANDS = {
    "log": ("tokenguard.cli.audit_log:log", "Print audit entries."),
    "export": ("tokenguard.cli.audit_export:export", "Export audit entries as lines of JSON, each exactly once."),
    "checkpoint": (
        "tokenguard.cli.audit_evidence:checkpoint",
        "Sign the current heads of all chains, to be stored elsewhere.",
    ),
    "bundle": ("tokenguard.cli.audit_evidence:bundle", "Write a token's trail as evidence that others can verify."),
    "verify": ("tokenguard.cli.audit_verify:verify", "Verify the audit chains and the integrity of the whole store."),
}


@group("audit", COMMANDS)
def audit() -> None:
    """Read and verify the audit trail."""
