"""`audit checkpoint|bundle`: evidence that others can check without the store."""

import json
from pathlib import Path

import click

from tokenguard.cli.base import PATH_TEXT, command, create_key_option, pass_wiring
from tokenguard.cli.token_name import TOKEN_NAME
from tokenguard.domain.names import TokenName
from tokenguard.files import shown
from tokenguard.output.save_file import check_page, save_page
from tokenguard.shell.evidence_key import EvidenceKey, open_evidence_key
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases.token_lookup import known_token
from tokenguard.usecases.write_evidence import checkpoint_of, evidence_of

_key_option = click.option(
    "--key-file",
    required=True,
    metavar="FILE",
    type=PATH_TEXT,
    help="The private key that signs.",
)
_output_option = click.option(
    "--output",
    metavar="FILE",
    type=PATH_TEXT,
    help="Write to this file instead of standard output; a new file gets mode 0600.",
)


@command("checkpoint")
@_key_option
@create_key_option
@_output_option
@pass_wiring
def checkpoint(wiring: Wiring, *, key_file: str, create_key: bool, output: str | None) -> None:
    """Verify all audit chains, and sign their current heads in one small text (a C2SP signed note).

    Keep it where the store's administrators cannot replace it: it can later prove that no entry has been changed or
    removed since then, and that the store and the anchor have not been reset together. The key that verifies it is
    printed to standard error.
    """
    key = _key(wiring, key_file, output, create=create_key)
    text = key.signed(checkpoint_of(wiring).body)
    if output is None:
        wiring.screen.text(text)
    else:
        save_page(Path(output), text)
    _tell(wiring, key, output)


@command("bundle")
@click.argument("name", type=TOKEN_NAME)
@_key_option
@create_key_option
@_output_option
@pass_wiring
def bundle(wiring: Wiring, name: TokenName, *, key_file: str, create_key: bool, output: str | None) -> None:
    """Write the whole audit trail of NAME with a signed checkpoint, as one JSON file that others can verify.

    It contains who did what and when, probes and deliveries, and never a value. docs/spec/evidence.md describes the
    file; docs/spec/verify_evidence.py verifies it without tokenguard.
    """
    snapshot = known_token(wiring.store, name)
    key = _key(wiring, key_file, output, create=create_key)
    text = json.dumps(evidence_of(wiring, snapshot, key), ensure_ascii=True, indent=1) + "\n"
    if output is None:
        wiring.screen.text(text)
    else:
        save_page(Path(output), text)
    _tell(wiring, key, output)


def _key(wiring: Wiring, key_file: str, output: str | None, *, create: bool) -> EvidenceKey:
    if output is not None:
        check_page(Path(output))  # before a key is created
    return open_evidence_key(Path(key_file), f"tokenguard/{wiring.store.store_id}", create=create)


def _tell(wiring: Wiring, key: EvidenceKey, output: str | None) -> None:
    if output is not None:
        wiring.progress.note(f"written to {shown(Path(output))}")
    wiring.progress.note(f"verify with {key.verifier}")
