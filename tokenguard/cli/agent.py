"""`tokenguard agent`: hooks that keep tokens out of coding agents' prompts, tools and transcripts."""

import sys

import click

from tokenguard.agents.agent_registry import AGENTS
from tokenguard.agents.contract import SettingsScope
from tokenguard.cli.base import command, group, pass_wiring
from tokenguard.shell.wiring import Wiring

_COMMANDS = {
    "install": ("tokenguard.cli.agent:install", "Register the hook with coding agents, after showing a diff."),
    "uninstall": ("tokenguard.cli.agent:uninstall", "Remove the hook; other hooks stay as they are."),
    "hook": ("tokenguard.cli.agent:hook", "Answer one event of a coding agent; agents run this."),
}
_agents = click.argument("names", nargs=-1, metavar="[AGENT]...", type=click.Choice([*AGENTS]))
_project = click.option(
    "--project/--user", "project", default=False, help="The hooks of this repository, or your own (default)."
)
_yes = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")


@group("agent", _COMMANDS)
def agent() -> None:
    """Keep tokens out of coding agents' prompts, tool calls, tool output and transcripts.

    Known tokens are found by their fingerprints (after `fingerprints pull`), other ones by their vendors' formats.
    Nothing is sent anywhere.
    """


@command("install")
@_agents
@_project
@click.option(
    "--reads",
    type=click.Choice(["refuse", "mask"]),
    default="refuse",
    show_default=True,
    help="What happens when a file with known tokens is read: refused, or masked where the agent can replace text.",
)
@click.option(
    "--formats",
    type=click.Choice(["refuse", "report"]),
    default="refuse",
    show_default=True,
    help="How to treat a token that is recognised only by its format: refused or masked, or let through with a notice.",
)
@_yes
@pass_wiring
def install(wiring: Wiring, names: tuple[str, ...], *, project: bool, reads: str, formats: str, yes: bool) -> None:
    """Register the hook with coding agents: claude-code, cursor, codex, copilot.

    Without AGENT: every agent that has a folder in your home directory. The lines that are added are shown first; other
    hooks and settings stay as they are. Run it again after an update, or after `fingerprints pull` with a new scan key.

    Hooks of your user (not of a project) run this installation by its full path. If known tokens can be searched for at
    installation, the hook requires this from then on, and refuses everything if the search fails.

    Exit 3: neither a terminal nor --yes; nothing was written.
    """
    from tokenguard.usecases.agent_install import HookPolicy  # it loads the scanner
    from tokenguard.usecases.agent_install import install as register

    policy = HookPolicy(reads=reads, formats=formats)
    register(wiring, names, SettingsScope.PROJECT if project else SettingsScope.USER, policy, yes=yes)


@command("uninstall")
@_agents
@_project
@_yes
@pass_wiring
def uninstall(wiring: Wiring, names: tuple[str, ...], *, project: bool, yes: bool) -> None:
    """Take the hook out of coding agents' files; other hooks stay as they are.

    Exit 3: neither a terminal nor --yes; nothing was written.
    """
    from tokenguard.usecases.agent_install import uninstall as remove  # it loads the scanner

    remove(wiring, names, SettingsScope.PROJECT if project else SettingsScope.USER, yes=yes)


@command("hook")
@click.argument("words", nargs=-1, metavar="AGENT [EVENT]")
@click.option(
    "--own", metavar="DIGEST", default="", help="Refuse everything if the scan key with this digest is not available."
)
@click.option("--reads", metavar="refuse|mask", default="refuse", help="As with `agent install`.")
@click.option("--formats", metavar="refuse|report", default="refuse", help="As with `agent install`.")
@pass_wiring
def hook(wiring: Wiring, words: tuple[str, ...], *, own: str, reads: str, formats: str) -> int:
    """Answer one event of a coding agent, read from standard input, in the form that the agent expects.

    Prompts and tool inputs that hold a token are refused, tool output is masked or withheld. Input that cannot be read
    or searched is refused with exit 2, the code by which a hook blocks an agent. `agent install` writes this command.
    """
    from tokenguard.usecases.agent_guard import MOST_BYTES, answer_event  # it loads the scanner

    arguments = [*words, "--own", own, "--reads", reads, "--formats", formats]
    output, error, code = answer_event(arguments, lambda: sys.stdin.buffer.read(MOST_BYTES + 1), wiring.scan_key)
    sys.stdout.write(output)
    sys.stderr.write(error)
    return code
