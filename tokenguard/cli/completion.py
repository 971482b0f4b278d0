"""`completion SHELL`: the script that completes commands, options and token names in a shell."""

import click

from tokenguard.cli.base import command, pass_wiring
from tokenguard.shell.wiring import Wiring


@command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@pass_wiring
def completion(wiring: Wiring, shell: str) -> None:
    """Print the completion script of SHELL.

    For example in ~/.bashrc: source <(tokenguard completion bash)
    """
    from click.shell_completion import ShellComplete, get_completion_class

    from tokenguard.cli.app import app  # the table imports us

    found = get_completion_class(shell)
    if found is None:  # click knows all three
        raise RuntimeError("no completion class")
    # not its own `source`: for bash, that starts one, with our environment, and asks for its version
    script = ShellComplete.source(found(app, {"obj": wiring}, "tokenguard", "_TOKENGUARD_COMPLETE"))
    if wiring.screen.as_json:
        wiring.screen.document({"shell": shell, "script": script})
        return
    for line in script.splitlines():
        wiring.screen.line(line)
