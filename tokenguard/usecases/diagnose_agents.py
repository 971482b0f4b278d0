"""The check of `doctor` on coding agents: whether the hook is in place, current, and not switched off."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from tokenguard.agents.agent_registry import AGENTS, agent
from tokenguard.agents.contract import Agent, SettingsScope
from tokenguard.agents.folder_trust import is_trusted
from tokenguard.agents.hook_file import MAX_BYTES, HookFile
from tokenguard.agents.hook_switches import switched_off
from tokenguard.domain.diagnosis import Diagnosis, failed_check, passed_check, warned_check
from tokenguard.errors import InputError
from tokenguard.files import read_limited, shell_word, shown
from tokenguard.places import home_dir
from tokenguard.usecases.agent_install import AgentInstallParts, HookPolicy, hook_command
from tokenguard.usecases.parts import HasEnvironment

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def coding_agents(parts: AgentInstallParts) -> Iterator[Diagnosis]:
    """For each agent that is used on this machine, or in the working directory: its hook."""
    used = False
    for each in map(agent, AGENTS):
        places = [(SettingsScope.USER, home_dir()), (SettingsScope.PROJECT, Path.cwd())]
        found = [
            (scope, path) for scope, root in places if (path := each.hook_file(scope, root, parts.environ)).is_file()
        ]
        if not found and not each.folder(home_dir(), parts.environ).is_dir():
            continue
        used = True
        yield from _of(parts, each, found)
    if not used:
        yield passed_check("coding agents", "none is used here")


def _of(parts: AgentInstallParts, each: Agent, found: list[tuple[SettingsScope, Path]]) -> Iterator[Diagnosis]:
    installed = False
    for scope, path in found:
        try:
            file = HookFile(each, read_limited(path, MAX_BYTES).decode(), shown(path))
        except (OSError, UnicodeDecodeError):
            yield warned_check(each.title, f"{shown(path)} cannot be read", f"chmod u+r {shell_word(path)}")
            continue
        except InputError as error:
            yield warned_check(each.title, error.message, error.hint)
            continue
        if file.commands():
            installed = True
            yield from _installed(parts, each, scope, path, file)
    install = f"tokenguard agent install {each.name}"
    if not installed:
        yield warned_check(
            each.title, "tokenguard's hook is not installed: tokens can reach its model and its transcripts", install
        )
        return
    for path in switched_off(each, home_dir(), Path.cwd(), parts.environ):
        text = f"{shown(path)} sets disableAllHooks: the hook does not run"
        yield failed_check(each.title, text, f"take disableAllHooks out of {shown(path)}")


def _installed(
    parts: AgentInstallParts, each: Agent, scope: SettingsScope, path: Path, file: HookFile
) -> Iterator[Diagnosis]:
    install = f"tokenguard agent install {each.name}" + (" --project" if scope is SettingsScope.PROJECT else "")
    commands = set(file.commands())
    programs = {command.split(" agent hook ")[0].strip("'\"") for command in commands}
    missing = next((name for name in programs if "/" in name and not os.access(name, os.X_OK)), "")
    wanted = {stage.event for stage in each.stages if stage.installed}
    expected = [
        hook_command(parts, each, scope, HookPolicy(reads=reads, formats=formats))
        for reads in ("refuse", "mask")
        for formats in ("refuse", "report")
    ]
    if missing:
        yield failed_check(each.title, f"the hook's program {shown(Path(missing))} is not there", install)
    elif file.stages() != wanted or not any(_same(commands, hook) for hook in expected):
        yield warned_check(each.title, f"the hook in {shown(path)} is not the one that this version installs", install)
    elif path.stat().st_mode & _OTHERS_WRITE:
        yield warned_check(each.title, f"others can change {shown(path)}", f"chmod go-w {shell_word(path)}")
    else:
        yield _trusted(parts, each, scope, path)


def _trusted(parts: HasEnvironment, each: Agent, scope: SettingsScope, path: Path) -> Diagnosis:
    """A hook that is in place: whether the agent runs it here."""
    match is_trusted(each, Path.cwd(), scope, home_dir(), parts.environ):
        case True:
            return passed_check(each.title, f"the hook is in {shown(path)}, and {each.title} trusts this folder")
        case False:
            text = f"the hook is in {shown(path)}, and does not run here: {each.title} does not trust this folder yet"
            return warned_check(
                each.title, text, f"start {each.title} in this folder and accept its question about trust"
            )
        case _:
            text = f"the hook is in {shown(path)}. {each.trust}; whether it is trusted is not visible here"
            return passed_check(each.title, text)


def _same(commands: set[str], hook: str) -> bool:
    """Whether all commands are this one; some name their event at the end."""
    return all(command == hook or command.rpartition(" ")[0] == hook for command in commands)
