"""`tokenguard sandbox`: serves both practice providers and the settings page on loopback, until stopped."""

import errno
import json
import signal
import threading
from contextlib import suppress

import click

from tokenguard.cli.base import command
from tokenguard.errors import InputError


@command("sandbox")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="The port on 127.0.0.1; 0 selects a free one.")
def sandbox(port: int) -> None:
    """Run practice providers on this machine.

    Prints one JSON line with the addresses, Drives, organisation and admin key, then serves until it is stopped.
    Everything is in memory, and every value is recognisable as a sandbox value.
    """
    from tokenguard.sandbox.sandbox_server import Sandbox  # an HTTP server that no other command needs

    try:
        server = Sandbox(port).start()
    except OSError as error:
        why = {errno.EADDRINUSE: "is in use", errno.EACCES: "needs root"}.get(error.errno or 0, "cannot be used")
        hint = f"`ss -ltnp 'sport = :{port}'` shows the program that uses it; leave --port out for any free port"
        raise InputError(f"port {port} on this machine {why}", hint=hint) from None
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    try:
        click.echo(json.dumps(server.info.as_dict()))
        with suppress(KeyboardInterrupt):  # Ctrl-C is how a person stops a server
            stopped.wait()
    finally:
        server.stop()
