"""What a mistyped option was meant to be."""

import click
import pytest

from tokenguard.cli.add import add
from tokenguard.cli.importing import import_file
from tokenguard.cli.rotate import rotate
from tokenguard.cli.usage import explain

MEANT = {
    (add, "--own"): "--owner",
    (add, "--from-fil"): "--from-file",
    (rotate, "--comp"): "--compromised",
    (rotate, "--compromissed"): "--compromised",
    (import_file, "--dryrun"): "--dry-run",
    (import_file, "--deliver"): "",
    (import_file, "--nothing-like-it"): "",
}


@pytest.mark.parametrize(("typed", "meant"), MEANT.items())
def test_the_nearest_option_is_suggested_and_no_other(typed, meant):
    command, option = typed
    with pytest.raises(click.NoSuchOption) as caught:
        command.make_context(command.name, [option, "x"])
    hint = explain(caught.value).hint
    assert (f" {meant}?" in hint) if meant else ("?" not in hint)
