"""`tokenguard policy`: shows, validates, tests and shares policies."""

from tokenguard.cli.base import group


@group(
    "policy",
    {
        "show": ("tokenguard.cli.policy_show:show", "Show the effective rules, with all layers."),
        "lint": ("tokenguard.cli.policy_lint:lint", "Validate a policy or a .tokenguard.toml."),
        "test": ("tokenguard.cli.policy_trial:test", "Run a team's tests of its policy."),
        "schema": ("tokenguard.cli.policy_lint:schema", "Print the JSON Schema of policy files, for editors."),
        "publish": ("tokenguard.cli.policy_sharing:publish", "Publish a policy in the store."),
        "pin": ("tokenguard.cli.policy_pin:pin", "Bind every runner of the store to the rule `second-person`."),
        "pull": ("tokenguard.cli.policy_sharing:pull", "Use the policy that is published in the store."),
    },
)
def policy() -> None:
    """Rules with severities, parameters, overrides and waivers; `check` checks tokens and repositories against them.

    The effective policy is the configured file, or the policy pulled from the store, or `default`.
    """
