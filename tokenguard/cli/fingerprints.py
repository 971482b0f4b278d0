"""`tokenguard fingerprints`: how every clone knows the team's own tokens without holding one."""

from pathlib import Path

import click

from tokenguard.cli.base import command, group, pass_wiring
from tokenguard.detection.gitleaks_rules import gitleaks_rules
from tokenguard.errors import InputError
from tokenguard.files import shown
from tokenguard.scanning.bundle import SCAN_KEY_VARIABLE, open_publisher
from tokenguard.scanning.bundle_targets import Outlets
from tokenguard.scanning.inventory_values import read_inventory
from tokenguard.scanning.publishing import Publication, make_bundle, ordinary_code
from tokenguard.shell.wiring import Wiring


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

    A bundle holds tags and opaque ids: no value, and no name. Only values with at least 112 bits are in it. A waiver
    that travels with it says which team answers for it, and why.
    """


@command("publish")
@click.argument("bundle", metavar="[FILE]", required=False, type=click.Path(path_type=Path))
@click.option("--key-file", required=True, type=click.Path(path_type=Path), help="The publisher's key; made at first.")
@click.option("--to-store", is_flag=True, help="Share it and its scan key through the store, for `pull --from store`.")
@click.option(
    "--public-code",
    multiple=True,
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Code that anybody can see: a value that occurs in it is refused. Default: Python itself.",
)
@pass_wiring
def publish(
    wiring: Wiring, bundle: Path | None, key_file: Path, public_code: tuple[Path, ...], *, to_store: bool
) -> None:
    """Write FILE anew from all values of the store, and show the scan key that reads it.

    A value counts as live until its death is proven; what was published before and the store no longer keeps stays
    as revoked. Give the scan key to developers and builds as TOKENGUARD_SCAN_KEY; it is not secret, the key file is.
    """
    if bundle is None and not to_store:
        raise InputError("nothing says where to publish to", hint="give FILE, --to-store, or both")
    publisher = open_publisher(key_file)
    outlets = Outlets(publisher, wiring.store if to_store else None, bundle, wiring.clock)
    publication = make_bundle(
        read_inventory(wiring.store),
        key=publisher.scan_key.tags,
        before=outlets.before(),
        now=wiring.clock.now(),
        public=public_code or ordinary_code(),
    )
    outlets.publish(publication.bundle)
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
    wiring.screen.text(text)


def _report(wiring: Wiring, path: Path | None, publication: Publication, scan_key: str) -> None:
    bundle = publication.bundle
    if wiring.screen.as_json:
        wiring.screen.document(
            {
                "file": str(path) if path else None,
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
    where = shown(path) if path else "the store"
    wiring.screen.line(
        f"{where}: version {bundle.version}, {len(bundle.entries):,} tags until {bundle.expires[:10]}, "
        f"{len(bundle.waivers):,} waived tokens"
    )
    for name in publication.not_covered:
        wiring.screen.line(f"not covered: {name} (its shape leaves too little to guess)")
    for name in publication.public:
        wiring.screen.line(f"refused: {name} (its value occurs in public code)")
    wiring.screen.line(f"{SCAN_KEY_VARIABLE}={scan_key}")
