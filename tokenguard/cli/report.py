"""`tokenguard report`: the state of the inventory, for people to read and for files to keep."""

from pathlib import Path

import click

from tokenguard.cli.assessing import chosen_policy, chosen_stores, surroundings
from tokenguard.cli.base import command, pass_wiring
from tokenguard.errors import InputError
from tokenguard.files import replace_file, shown
from tokenguard.policy.evaluation import assess
from tokenguard.report.posture import Posture, as_json, as_markdown
from tokenguard.shell.wiring import Wiring


@command("report")
@click.option("--policy", "named", metavar="NAME|FILE", help="Another policy than the configured one.")
@click.option("--ask-providers", is_flag=True, help="Ask providers for their lists of tokens.")
@click.option("--all-stores", is_flag=True, help="Every store of the configuration.")
@click.option("--html", "as_html", is_flag=True, help="A self-contained page, fit for printing.")
@click.option("--output", metavar="FILE", help="Write there (0600) instead of to standard output.")
@pass_wiring
def report(
    wiring: Wiring, *, named: str | None, ask_providers: bool, all_stores: bool, as_html: bool, output: str | None
) -> None:
    """Report who owns what, what is due, what is violated or waived, and what nobody can say.

    Markdown, a page with --html, or JSON with --format json. It never holds a value, and the page loads nothing.
    """
    if as_html and wiring.screen.as_json:
        raise InputError("--html and --format json contradict each other", hint="give one of the two")
    posture = _posture(wiring, named, every=all_stores, ask=ask_providers)
    if wiring.screen.as_json and output is None:
        wiring.screen.document(as_json(posture))
        return
    text = _text(wiring, posture, as_html=as_html)
    if output is None:
        for line in text.rstrip("\n").split("\n"):
            wiring.screen.line(line)
        return
    _save(Path(output), text)
    wiring.progress.note(f"written to {shown(Path(output))}")


def _posture(wiring: Wiring, named: str | None, *, every: bool, ask: bool) -> Posture:
    policy = chosen_policy(wiring, named)
    stores = chosen_stores(wiring, every=every)
    found = {label: surroundings(wiring, store, ask_providers=ask) for label, store in stores.items()}
    return Posture(
        at=wiring.clock.now(),
        assessments=[assess(policy, around, store=label) for label, around in found.items()],
        records=[record for around in found.values() for record in around.records],
    )


def _text(wiring: Wiring, posture: Posture, *, as_html: bool) -> str:
    if wiring.screen.as_json:
        import json  # noqa: PLC0415 - only a JSON file needs it

        return json.dumps(as_json(posture), ensure_ascii=True, indent=2) + "\n"
    markdown = as_markdown(posture)
    if not as_html:
        return markdown
    from tokenguard.cli.runbook_page import page  # noqa: PLC0415 - only a page needs it

    return page(posture.assessments[0].policy.name, markdown, kind="Token report")


def _save(path: Path, text: str) -> None:
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise InputError(f"not a plain file: {shown(path)}", hint="name a new file, or one to be replaced")
        replace_file(path, text.encode())
    except OSError:
        raise InputError(f"cannot write {shown(path)}", hint="name a file in a directory of yours") from None
