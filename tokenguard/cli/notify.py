"""`tokenguard notify`: sends people what they must be told of the store."""

import click

from tokenguard.cli.base import command, pass_wiring
from tokenguard.errors import ExitCode, InputError
from tokenguard.notifications.message import plain_list
from tokenguard.notifications.notification import Notification
from tokenguard.shell.wiring import Wiring
from tokenguard.text import pluralize
from tokenguard.usecases.send_notifications import Notifier, RouteReport, worst_code


@command("notify")
@click.option("--plan", "planned", is_flag=True, help="Show what would be sent on which route; send and write nothing.")
@click.option("--test", "tested", is_flag=True, help="Send a test message on each route now.")
@click.option("--route", "names", metavar="NAME", multiple=True, help="Use only this route; repeatable.")
@pass_wiring
def notify(wiring: Wiring, *, planned: bool, tested: bool, names: tuple[str, ...]) -> ExitCode:
    """Send what is due to the routes of [notify] in the configuration: leaks, failures, due and overdue tokens.

    Each event is sent once on each route that accepts it, under an id that stays the same if it has to be sent again.
    A receiver that does not answer is tried again later, and nothing is dropped. `upkeep` does the same at its end;
    a schedule of `notify` on another machine also reports that upkeep did not run. The exit code is 4 if a route
    could not be reached, else 2 if one is not configured correctly.
    """
    if planned and tested:
        raise InputError("--plan and --test exclude each other", hint="choose one")
    notifier = Notifier(wiring, names, required=True)
    if planned:
        reports, unrouted = notifier.plan()
        _show_plan(wiring, reports, unrouted)
        return ExitCode.OK
    reports = notifier.test() if tested else notifier.run()
    code = worst_code(reports)
    if wiring.screen.as_json:
        wiring.screen.document({"exit_code": int(code), "routes": _content(reports)})
        return code
    for each in reports:
        wiring.screen.line(f"{each.route}: {_tested(each) if tested else _sent(each)}")
        if each.reason:
            wiring.progress.note(f"{each.route}: {each.reason}")
    return code


def _sent(report: RouteReport) -> str:
    return f"sent {pluralize(len(report.sent), 'event')}, {len(report.owed) + report.later:,} waiting"


def _tested(report: RouteReport) -> str:
    """A test goes past the outbox, so that it does not say what waits there."""
    return "test message sent" if report.sent else "test message not sent"


def _show_plan(wiring: Wiring, reports: list[RouteReport], unrouted: list[Notification]) -> None:
    if wiring.screen.as_json:
        wiring.screen.document({"routes": _content(reports), "unrouted": plain_list(unrouted)})
        return
    rows = [
        (route, each.kind.severity, each.kind, each.name, each.says)
        for route, found in [*((each.route, (*each.sent, *each.owed)) for each in reports), ("(none)", unrouted)]
        for each in found
    ]
    if not rows:
        wiring.screen.line("nothing to send")
        return
    wiring.screen.table(("route", "severity", "event", "token", "text"), rows)
    for each in reports:
        if each.reason:
            wiring.progress.note(f"{each.route}: {each.reason}")
        if each.later:
            wiring.progress.note(f"{each.route}: {pluralize(each.later, 'more event')} for later runs")
    if unrouted:
        wiring.progress.note(f"no route takes {pluralize(len(unrouted), 'event')}")


def _content(reports: list[RouteReport]) -> list[dict[str, object]]:
    return [
        {
            "route": each.route,
            "sent": plain_list(each.sent),
            "waiting": plain_list(each.owed),
            "later": each.later,
            "reason": each.reason,
        }
        for each in reports
    ]
