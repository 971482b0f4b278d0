"""What came of one `upkeep`: a line for each token that it worked on, and how it is shown."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum, unique
from typing import Any

from tokenguard.errors import ExitCode, TokenguardError
from tokenguard.frozen import Frozen
from tokenguard.output.formats import OutputFormat
from tokenguard.rotation.batch import gravest_code
from tokenguard.rotation.markdown import inert, plain, table
from tokenguard.shell.wiring import Wiring

UPKEEP_FORMATS = (OutputFormat.TEXT, OutputFormat.JSON, OutputFormat.MARKDOWN)


@unique
class Duty(StrEnum):
    """One part of upkeep, in the order in which they are done."""

    RESUME = "resume"
    """Open operations go on."""
    APPLY = "apply"
    """What the manifest declares and is not new, or is approved."""
    ROTATE = "rotate"
    """Due tokens."""
    VERIFY = "verify"
    """Live tokens are probed, and revoked values looked at again."""
    CONSUMERS = "consumers"
    DRIFT = "drift"


class Done(Frozen, frozen=True, kw_only=True):
    """One line of the summary."""

    duty: Duty
    name: str
    """The token; empty where all of the duty failed."""
    code: ExitCode = ExitCode.OK
    says: str = ""
    hint: str = ""

    @classmethod
    def failed(cls, duty: Duty, name: str, error: TokenguardError) -> "Done":
        """What an error means for a token."""
        return cls(duty=duty, name=name, code=error.exit_code, says=error.message, hint=error.hint)


class Summary(Frozen, frozen=True, kw_only=True):
    """Everything that was done, or as far as it got."""

    lines: tuple[Done, ...]
    held: tuple[tuple[str, str], ...] = ()
    """Due tokens that were left alone on purpose, each with why."""
    stopped: bool = False
    """Whether somebody interrupted it."""

    @property
    def exit_code(self) -> ExitCode:
        """The gravest: 6 before 5 before 4 before 3; 2 and 1 after them."""
        return gravest_code(each.code for each in self.lines)


def show_summary(wiring: Wiring, found: Summary, chosen: OutputFormat) -> None:
    """Print it; what went wrong comes first."""
    match chosen:
        case OutputFormat.JSON:
            wiring.flags.format = "json"
            wiring.screen.document(_content(found))
        case OutputFormat.MARKDOWN:
            wiring.screen.text(_markdown(found))
        case _:
            _text(wiring, found)


def _wrong(found: Summary) -> list[Done]:
    return [each for each in found.lines if each.code is not ExitCode.OK]


def _did(found: Summary) -> list[Done]:
    return [each for each in found.lines if each.code is ExitCode.OK and each.says]


def _counts(found: Summary) -> Sequence[tuple[Duty, int, int]]:
    well = Counter(each.duty for each in found.lines if each.code is ExitCode.OK)
    ill = Counter(each.duty for each in _wrong(found))
    return [(duty, well[duty], ill[duty]) for duty in Duty if well[duty] or ill[duty]]


def _sums(found: Summary) -> str:
    parts = [f"{duty} {well:,} ok" + (f", {ill:,} not" if ill else "") for duty, well, ill in _counts(found)]
    parts += [f"{len(found.held):,} due and left alone"] if found.held else []
    parts += ["interrupted: run it again, it goes on from there"] if found.stopped else []
    return "; ".join([*parts, f"exit {int(found.exit_code)}"]) if parts else "nothing to do; exit 0"


def _text(wiring: Wiring, found: Summary) -> None:
    rows = [(each.duty, each.name, f"exit {int(each.code)}", _details(each)) for each in _wrong(found)]
    rows += [(each.duty, each.name, "done", each.says) for each in _did(found)]
    rows += [(Duty.ROTATE, name, "left alone", why) for name, why in found.held]
    if rows:
        tones = ["red"] * len(_wrong(found)) + [""] * (len(rows) - len(_wrong(found)))
        wiring.screen.table(("duty", "token", "result", "details"), rows, tones=tones)
    wiring.screen.line(_sums(found))


def _details(done: Done) -> str:
    return f"{done.says}; {done.hint}" if done.hint else done.says


def _content(found: Summary) -> dict[str, Any]:
    return {
        "exit_code": int(found.exit_code),
        "stopped": found.stopped,
        "duties": [{"duty": duty, "ok": well, "failed": ill} for duty, well, ill in _counts(found)],
        "results": [
            {"duty": each.duty, "name": each.name, "exit_code": int(each.code), "says": each.says, "hint": each.hint}
            for each in (*_wrong(found), *_did(found))
        ],
        "left_alone": [{"name": name, "why": why} for name, why in found.held],
    }


def _markdown(found: Summary) -> str:
    parts = ["# Token upkeep", f"{plain(_sums(found))}."]
    if wrong := _wrong(found):
        rows = [[each.duty, inert(each.name), str(int(each.code)), inert(_details(each))] for each in wrong]
        parts += ["## Needs attention", table(["duty", "token", "exit", "details"], rows)]
    if did := _did(found):
        parts += ["## Done", table(["duty", "token", "details"], [[e.duty, inert(e.name), inert(e.says)] for e in did])]
    if found.held:
        rows = [[inert(name), inert(why)] for name, why in found.held]
        parts += ["## Due and left alone", table(["token", "why"], rows)]
    return "\n\n".join(parts) + "\n"
