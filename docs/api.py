"""Writes docs/api.md, the public Python interface, from the modules themselves: `make docs`."""

import ast
import inspect
import textwrap
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("api.md")
MODULES = {
    "tokenguard": "Masks logs, tracebacks and warnings of a program. [Leaks in logs](redaction.md) explains it.",
    "tokenguard.logging": "For `logging`: filters and formatters, where `install` is too much.",
    "tokenguard.structlog": "For structlog.",
    "tokenguard.loguru": "For loguru.",
    "tokenguard.sentry": "For the Sentry SDK.",
    "tokenguard.opentelemetry": "For the OpenTelemetry SDK.",
    "tokenguard.errors": "What the names on this page raise. Each has a `message` and a `hint`, and never a value.",
    "tokenguard.webhooks": "Verifies webhooks and callback URLs. [Webhooks](webhooks.md) explains it.",
}
"""The public modules. Everything else is private."""
_HEAD = """# Python interface

`make docs` generates this page. The names below are the public interface: they change as
[compatibility](compatibility.md) describes. Everything else in the package is private, under any name, and can
change in any version.
Importing a module is enough to use it; no name needs a store.
"""


def render() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *(_module(name, about) for name, about in MODULES.items())])


def _module(name: str, about: str) -> str:
    module = import_module(name)
    parts = [f"## `{name}`\n\n{about}\n"]
    parts += [_entry(each, getattr(module, each), "###") for each in module.__all__]
    return "\n".join(parts)


def _entry(name: str, value: Any, level: str) -> str:
    text = f"{level} `{name}`\n\n```text\n{name}{_signature(value)}\n\n{inspect.getdoc(value) or ''}\n```\n"
    if not inspect.isclass(value):
        return text
    members = [
        _member(name, key, each)
        for owner in _owners(value)
        for key, each in vars(owner).items()
        if not key.startswith("_") and each.__doc__ and _is_ours(each)
    ]
    return text + ("\n" + "\n".join(members) + "\n" if members else "")


def _owners(value: type) -> list[type]:
    """The class, and the private ones that it gets its constructor and methods from."""
    bases = [
        each for each in value.__mro__[1:] if each.__name__.startswith("_") and each.__module__ == value.__module__
    ]
    return [value, *bases]


def _is_ours(member: Any) -> bool:
    return isinstance(member, property | classmethod | staticmethod) or inspect.isfunction(member)


def _member(owner: str, name: str, member: Any) -> str:
    found = getattr(member, "__func__", member)
    shown = "" if isinstance(member, property) else _signature(found)
    first = " ".join((inspect.getdoc(member) or "").split("\n\n")[0].split())
    return f"* `{owner}.{name}{shown}`: {first}"


def _signature(value: Any) -> str:
    """As it is written in the source, which is the same on each Python; of a class, that of its constructor."""
    if not inspect.isclass(value):
        node = _source(value)
        return f"({ast.unparse(node.args)}) -> {ast.unparse(node.returns)}" if node.returns else ""
    if any("__init__" in vars(each) for each in _owners(value)) and inspect.isfunction(value.__init__):
        with suppress(OSError):  # one that a decorator has made
            return f"({ast.unparse(_source(value.__init__).args).removeprefix('self').removeprefix(', ')})"
    fields = [each for each in _source(value).body if isinstance(each, ast.AnnAssign)]
    return f"({', '.join(map(ast.unparse, fields))})" if fields else ""


def _source(value: Any) -> Any:
    return ast.parse(textwrap.dedent(inspect.getsource(value))).body[0]


if __name__ == "__main__":
    PAGE.write_text(render())
