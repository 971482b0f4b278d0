"""`tokenguard provider`: the group of commands about providers and their descriptions."""

from tokenguard.cli.base import group


@group(
    "provider",
    {
        "list": ("tokenguard.cli.provider_show:list_providers", "List providers and what their APIs can do."),
        "show": ("tokenguard.cli.provider_show:show", "Show one provider: capabilities, manual steps, sources."),
        "new": ("tokenguard.cli.provider_new:new", "Write a provider file to begin with."),
        "lint": ("tokenguard.cli.provider_show:lint", "Validate a provider file."),
        "test": ("tokenguard.cli.provider_test:test", "Test provider files against a simulated service."),
    },
)
def provider() -> None:
    """Providers issue tokens. Some are built in; files, from tokenguard or your own, describe the others.

    Only `provider test --live` sends something to a provider.
    """
