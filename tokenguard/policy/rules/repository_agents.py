"""The rules about settings of coding agents: what they allow an agent to read, and that its hooks run.

Permission rules as https://code.claude.com/docs/en/permissions (2026-08-22) and https://cursor.com/docs/cli/reference
(2026-11-29) describe them; `disableAllHooks` as in the hook references of Claude Code and GitHub Copilot.
"""

import re
from collections.abc import Iterator, Mapping

from tokenguard.documents import JsonTree
from tokenguard.policy.json_with_comments import line_of, read_json
from tokenguard.policy.repository_answer import (
    RepositoryAnswer,
    RepositoryNotEvaluable,
    RepositoryQuestion,
    RepositoryViolation,
)
from tokenguard.policy.repository_names import is_agent_settings

_FILES = (".env", ".env.local")
"""What must not be readable."""
_RULE = re.compile(r"(\w+)(?:\((.*)\))?", re.DOTALL)
_SHELLS = frozenset({"Bash", "Shell", "PowerShell"})
_READERS = frozenset({"Read", "Edit"})
"""Tools whose rule also grants reading; that of a write does not."""
_PRINTING = re.compile(r"(?:cat|head|tail|less|more|bat|grep|rg|sed|awk|xxd|od|base64|strings|nl|source)\b")
_ANYTHING = frozenset({"", "*", "**", ":*"})
_MANY = re.compile(r"\*\*(?:/?\*)+")
"""What matches as much as two stars, and takes a regular expression forever."""
_WILD = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def reads_env(question: RepositoryQuestion) -> RepositoryAnswer:
    """`agent-reads-env`: what an agent may read without asking ends up in its model's context and its transcripts."""
    settings = [(file.path, file.text, read_json(file.text)) for file in question.view if is_agent_settings(file.path)]
    denied = {name for _, _, tree in settings for rule in _rules(tree, "deny") for name in _read_by(rule)}
    for path, text, tree in settings:
        if tree is None:
            yield RepositoryNotEvaluable(path, "settings of a coding agent cannot be read as JSON")
        for rule in _rules(tree, "allow"):
            readable = _unprotected(rule, denied)
            if readable:
                line = line_of(text, ("permissions", "allow", rule))
                yield RepositoryViolation(
                    path, line, f"{rule} lets a coding agent read {' and '.join(readable)} without asking"
                )


def hooks_off(question: RepositoryQuestion) -> RepositoryAnswer:
    """`agent-hooks-off`: a repository's settings must not switch off what its users run on their machines."""
    for file in question.view:
        tree = read_json(file.text) if is_agent_settings(file.path) else None
        if isinstance(tree, dict) and tree.get("disableAllHooks"):
            line = line_of(file.text, ("disableAllHooks",))
            yield RepositoryViolation(
                file.path, line, "disableAllHooks switches off every hook of a coding agent, tokenguard's too"
            )


def _rules(tree: JsonTree, kind: str) -> Iterator[str]:
    permissions = tree.get("permissions") if isinstance(tree, dict) else None
    rules = permissions.get(kind) if isinstance(permissions, Mapping) else None
    yield from (rule for rule in rules if isinstance(rule, str)) if isinstance(rules, list) else ()


def _unprotected(rule: str, denied: set[str]) -> list[str]:
    """The files that a rule lets an agent read; a command of any kind reads them in spite of what is denied."""
    tool, text = _parts(rule)
    if tool in _SHELLS and text in _ANYTHING:
        return [*_FILES]
    printed = _FILES if tool in _SHELLS and _prints(text) else ()
    return [name for name in _FILES if name in {*_read_by(rule), *printed} - denied]


def _prints(text: str) -> bool:
    """Whether a command prints a file that may be any, or one of these."""
    if _PRINTING.match(text) is None:
        return False
    word = text.rpartition(" ")[2].removesuffix(":*")
    return "*" in text or _PRINTING.fullmatch(word) is not None or word.startswith(_FILES[0])


def _read_by(rule: str) -> list[str]:
    """The files that a rule about reading matches."""
    tool, pattern = _parts(rule)
    return [name for name in _FILES if tool in _READERS and (pattern in _ANYTHING or _matches(pattern, name))]


def _parts(rule: str) -> tuple[str, str]:
    found = _RULE.fullmatch(rule.strip())
    return (found[1], found[2] or "") if found else ("", "")


def _matches(pattern: str, name: str) -> bool:
    """Whether a pattern as in .gitignore matches a file at the top of the working directory."""
    plain = _MANY.sub("**", pattern.removeprefix("//").removeprefix("./").removeprefix("/"))
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", plain)
    return re.fullmatch("".join(_WILD.get(part, re.escape(part)) for part in parts), name) is not None
