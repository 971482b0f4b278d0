"""`tokenguard fingerprints`: how every clone knows the team's own tokens without holding one."""

import sysconfig
from pathlib import Path

import click

from tokenguard.cli.base import command, group, pass_wiring
from tokenguard.detection.gitleaks_rules import gitleaks_rules
from tokenguard.files import read_limited, replace_file, shown
from tokenguard.scanning.bundle import (
    MAX_BYTES,
    SCAN_KEY_VARIABLE,
    Bundle,
    Publisher,
    open_publisher,
    verified,
)
from tokenguard.scanning.inventory_values import read_inventory
from tokenguard.scanning.publishing import Publication, make_bundle
from tokenguard.shell.wiring import Wiring

_READABLE = 0o644  # the bundle counts as public


@group(
    "fingerprints",
    {
        "publish": ("tokenguard.cli.fingerprints:publish", "Write the signed bundle from the store."),
        "pull": ("tokenguard.cli.fingerprints_pull:pull", "Check a bundle and use it in this machine's scans."),
        "waive": ("tokenguard.cli.fingerprints_waive:waive", "Let scans pass over one live token, until a day."),
        "export": ("tokenguard.cli.fingerprints:export", "Write the vendors' shapes as rules for another scanner."),
    },
)
def fingerprints() -> None:
    """Keyed tags of the team's own tokens, by which `scan` and the hook find them in any disguise.

    A bundle holds tags and opaque ids: no value, no name, no owner. Only values with at least 112 bits are in it.
    """


@command("publish")
@click.argument("bundle", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--key-file", required=True, type=click.Path(path_type=Path), help="The publisher's key; made at first.")
@click.option(
    "--public-code",
    multiple=True,
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Code that anybody can see: a value that occurs in it is refused. Default: this Python's library.",
)
@pass_wiring
def publish(wiring: Wiring, bundle: Path, key_file: Path, public_code: tuple[Path, ...]) -> None:
    """Write FILE anew from all values of the store, and show the scan key that reads it.

    A value counts as live until its death is proven; what FILE held and the store no longer keeps stays as revoked.
    Give the scan key to developers and builds as TOKENGUARD_SCAN_KEY; it is not secret, the key file is.
    """
    publisher = open_publisher(key_file)
    publication = make_bundle(
        read_inventory(wiring.store),
        key=publisher.scan_key.tags,
        before=_before(bundle, publisher),
        now=wiring.clock.now(),
        public_code=public_code or (Path(sysconfig.get_path("stdlib")),),
    )
    replace_file(bundle.absolute(), publisher.signed(publication.bundle), mode=_READABLE)
    _report(wiring, bundle, publication, publisher.scan_key.text())


@command("export")
@click.argument("scanner", type=click.Choice(["gitleaks"]))
@pass_wiring
def export(wiring: Wiring, scanner: str) -> None:
    """Write the vendors' shapes, Descript's and Autoposting's among them, as rules for SCANNER. Holds no tags."""
    text = gitleaks_rules()
    if wiring.screen.as_json:
        wiring.screen.document({"scanner": scanner, "rules": text})
        return
    for line in text.rstrip("\n").split("\n"):
        wiring.screen.line(line)


def _before(path: Path, publisher: Publisher) -> Bundle | None:
    if not path.exists():
        return None
    return verified(read_limited(path, MAX_BYTES), publisher.scan_key)


def _report(wiring: Wiring, path: Path, publication: Publication, scan_key: str) -> None:
    bundle = publication.bundle
    if wiring.screen.as_json:
        wiring.screen.document(
            {
                "file": str(path),
                "version": bundle.version,
                "expires": bundle.expires,
                "entries": len(bundle.entries),
                "not_covered": list(publication.not_covered),
                "public": list(publication.public),
                "waived": [waiver.token for waiver in bundle.waivers],
                "scan_key": scan_key,
            }
        )
        return
    wiring.screen.line(
        f"{shown(path)}: version {bundle.version}, {len(bundle.entries):,} tags until {bundle.expires[:10]}, "
        f"{len(bundle.waivers):,} waived tokens"
    )
    for name in publication.not_covered:
        wiring.screen.line(f"not covered: {name} (its shape leaves too little to guess)")
    for name in publication.public:
        wiring.screen.line(f"refused: {name} (its value occurs in public code)")
    wiring.screen.line(f"{SCAN_KEY_VARIABLE}={scan_key}")
