"""Writes the table of services in docs/providers.md from their provider files: `python -m docs.services`."""

import sys
from pathlib import Path

from tokenguard.http.system_clock import SystemClock
from tokenguard.providers import provider_registry
from tokenguard.providers.generic.description import Description
from tokenguard.providers.provider_settings import ProviderSettings

PAGE = Path(__file__).with_name("providers.md")
_BEGIN, _END = "<!-- services -->\n", "\n<!-- /services -->"
_HEAD = "| Service | By API | Scope checked | Evidence of a death | A person | Contract | Checked | Tried live |"


def table() -> str:
    """One row for each file that comes with tokenguard."""
    rows = [_row(provider_registry.description_of(name, None)) for name in provider_registry.described_services()]
    rows += [_class_row(name) for name in ("aws-iam", "openbao-approle")]
    return "\n".join([_HEAD, "|---" * 8 + "|", *sorted(rows)])


def _class_row(name: str) -> str:
    """The row of a service that is a class: these do everything by API."""
    provider = provider_registry.build(name, ProviderSettings(), SystemClock())
    scope, source = provider.capabilities.verifies_scope, getattr(provider, "source", {})
    tried = source.get("tried_live", "never tried live")
    cells = ("create, list, revoke, probe", "yes" if scope else "no", "refused while a control is accepted", "nothing")
    return f"| `{name}` | {' | '.join(cells)} | {source['contract']} | {source['checked']} | {tried} |"


def _row(said: Description) -> str:
    always = said.revoke_value is not None and not said.revoke_value.leaked_only
    by_api = {"create": said.create, "list": said.rows, "revoke": said.revoke or always, "probe": said.probe}
    source = said.source
    cells = (
        f"`{said.name}`",
        ", ".join([*(name for name, section in by_api.items() if section), *_by_value(said)]),
        "yes" if said.probe is not None and said.probe.scope is not None else "no",
        _death(said),
        ", ".join(name for name in ("create", "revoke") if not by_api[name]) or "nothing",
        _contract(source.get("contract", "")),
        source.get("checked", ""),
        source.get("tried_live", "never tried live"),
    )
    return f"| {' | '.join(cells)} |"


def _by_value(said: Description) -> list[str]:
    leaked = said.revoke_value is not None and said.revoke_value.leaked_only
    changes = [f"change {' and '.join(sorted(said.update.fields))}"] if said.update is not None else []
    return ["revoke leaked values"] * leaked + ["new value in place"] * (said.replace is not None) + changes


def _contract(text: str) -> str:
    """The repository and commit of the published description."""
    parts = text.removeprefix("github:").split()
    return f"{parts[0]} {parts[-1]}" if parts else "documentation"


def _death(said: Description) -> str:
    if said.probe is not None:
        return "refused while a control is accepted"
    return "missing from a complete list" if said.rows is not None else "asserted by a person"


def shown(page: str) -> str:
    """The table that a page has."""
    return page.partition(_BEGIN)[2].partition(_END)[0]


if __name__ == "__main__":
    head, _, rest = PAGE.read_text().partition(_BEGIN)
    PAGE.write_text(head + _BEGIN + table() + _END + rest.partition("<!-- /services -->")[2])
    sys.stdout.write(f"{PAGE.name}\n")
