"""`tokenguard policy`: what is asked for, whether a file of rules is in order, and how a team shares one."""

from tokenguard.cli.base import group


@group(
    "policy",
    {
        "show": ("tokenguard.cli.policy_show:show", "Show the rules that are in force, with all layers."),
        "lint": ("tokenguard.cli.policy_lint:lint", "Say whether a policy or a .tokenguard.toml is in order."),
        "test": ("tokenguard.cli.policy_trial:test", "Run a team's own tests of its policy."),
        "schema": ("tokenguard.cli.policy_lint:schema", "Print the JSON Schema of policy files, for editors."),
        "publish": ("tokenguard.cli.policy_sharing:publish", "Share a policy through the store."),
        "pull": ("tokenguard.cli.policy_sharing:pull", "Use the policy that was published to the store."),
    },
)
def policy() -> None:
    """Rules with their severities, parameters, overrides and waivers; `check` holds tokens and repositories to them.

    In force is the file that the configuration names, or the policy that was pulled from the store, or `default`.
    """
