"""Presents the outcome of `upkeep`."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tokenguard.errors import ExitCode
from tokenguard.markdown import inert, plain, table
from tokenguard.output.formats import OutputFormat
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases.upkeep_result import Duty, Summary, UpkeepLine

UPKEEP_FORMATS = (OutputFormat.TEXT, OutputFormat.JSON, OutputFormat.MARKDOWN)


def show_summary(wiring: Wiring, found: Summary, chosen: OutputFormat) -> None:
    """Print it, failures first."""
    match chosen:
        case OutputFormat.JSON:
            wiring.flags.format = "json"
            wiring.screen.document(_content(found))
        case OutputFormat.MARKDOWN:
            wiring.screen.text(_markdown(found))
        case _:
            _text(wiring, found)


def _wrong(found: Summary) -> list[UpkeepLine]:
    return [each for each in found.lines if each.code is not ExitCode.OK]


def _did(found: Summary) -> list[UpkeepLine]:
    return [each for each in found.lines if each.code is ExitCode.OK and each.says]


def _counts(found: Summary) -> Sequence[tuple[Duty, int, int]]:
    well = Counter(each.duty for each in found.lines if each.code is ExitCode.OK)
    ill = Counter(each.duty for each in _wrong(found))
    return [(duty, well[duty], ill[duty]) for duty in Duty if well[duty] or ill[duty]]


def _sums(found: Summary) -> str:
    parts = [f"{duty} {well:,} ok" + (f", {ill:,} failed" if ill else "") for duty, well, ill in _counts(found)]
    unasked = sum(not each.asked for each in found.lines)
    parts += [f"{unasked:,} of them not verified, because their provider cannot verify tokens"] if unasked else []
    parts += [f"{len(found.held):,} due and held back"] if found.held else []
    parts += [_stop(found)] if found.stopped_by is not None else []
    return "; ".join([*parts, f"exit {int(found.exit_code)}"]) if parts else "nothing to do; exit 0"


def _stop(found: Summary) -> str:
    if found.stopped_by is ExitCode.INTERRUPTED:
        return "interrupted: run it again to continue"
    return "stopped by an error; the rest was not done" if found.lines else "stopped by an error; nothing was done"


def _text(wiring: Wiring, found: Summary) -> None:
    rows = [(each.duty, each.name, f"exit {int(each.code)}", _details(each)) for each in _wrong(found)]
    rows += [(each.duty, each.name, "done", each.says) for each in _did(found)]
    rows += [(Duty.ROTATE, name, "held back", why) for name, why in found.held]
    if rows:
        tones = ["red"] * len(_wrong(found)) + [""] * (len(rows) - len(_wrong(found)))
        wiring.screen.table(("duty", "token", "result", "details"), rows, tones=tones)
    wiring.screen.line(_sums(found))


def _details(done: UpkeepLine) -> str:
    return f"{done.says}; {done.hint}" if done.hint else done.says


def _content(found: Summary) -> dict[str, Any]:
    return {
        "exit_code": int(found.exit_code),
        "stopped": found.stopped_by is not None,
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
        parts += ["## Due and held back", table(["token", "why"], rows)]
    return "\n\n".join(parts) + "\n"
