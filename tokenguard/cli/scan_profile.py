"""The option that selects which candidates of the rules are findings."""

import click

from tokenguard.domain.profile import Profile

profile_option = click.option(
    "--profile",
    type=click.Choice([each.value for each in Profile]),
    default=Profile.DEFAULT.value,
    help="Which candidates to report: `default` leaves out pinned revisions and low confidence, `strict` leaves out "
    "nothing.",
)
