"""`doctor`: everything that would make the next rotation go wrong, with the command that mends it."""

from tokenguard.cli.base import command, pass_wiring
from tokenguard.errors import ExitCode
from tokenguard.shell.wiring import Wiring


@command("doctor")
@pass_wiring
def doctor(wiring: Wiring) -> int:
    """Check configuration, policy, .env, store, keys, clock and open operations.

    Warnings do not change the exit code. Exit 1: something must be mended. 4: the store cannot be opened.
    5: a token that was proven dead is accepted again. 6: the store was tampered with, or is damaged.
    """
    from tokenguard.cli.checkup import Level, examine  # noqa: PLC0415 - loads the store

    findings = list(examine(wiring))
    if wiring.screen.as_json:
        wiring.screen.document(
            {
                "checks": [
                    {"check": each.check, "level": each.level, "text": each.text, "hint": each.hint}
                    for each in findings
                ]
            }
        )
    else:
        tones = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}
        rows = [(each.level, each.check, each.text, each.hint) for each in findings]
        wiring.screen.table(
            ("", "check", "finding", "mend it with"), rows, tones=[tones[each.level] for each in findings]
        )
    return max((each.exit_code for each in findings), default=ExitCode.OK)
