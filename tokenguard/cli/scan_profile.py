"""The option that says which of the rules' candidates are findings."""

import click

from tokenguard.domain.profile import Profile

profile_option = click.option(
    "--profile",
    type=click.Choice([each.value for each in Profile]),
    default=Profile.DEFAULT.value,
    help="What to report: default leaves out pinned revisions, detect-secrets nothing.",
)
