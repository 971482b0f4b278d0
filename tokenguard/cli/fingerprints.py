"""`tokenguard fingerprints`: lets every clone recognise the team's own tokens without holding one."""

from pathlib import Path

import click

from tokenguard.cli.base import PATH, command, create_key_option, group, pass_wiring
from tokenguard.detection.gitleaks_rules import gitleaks_rules
from tokenguard.errors import InputError
from tokenguard.files import shown
from tokenguard.scanning.bundle import SCAN_KEY_VARIABLE, open_publisher
from tokenguard.scanning.bundle_targets import BundleTargets
from tokenguard.scanning.inventory_values import read_inventory
from tokenguard.scanning.publishing import Publication, make_bundle, ordinary_code
from tokenguard.shell.wiring import Wiring
from tokenguard.text import pluralize


@group(
    "fingerprints",
    {
        "publish": ("tokenguard.cli.fingerprints:publish", "Write the signed bundle from the store."),
        "pull": ("tokenguard.cli.fingerprints_pull:pull", "Verify a bundle and use it in this machine's scans."),
        "waive": ("tokenguard.cli.fingerprints_waive:waive", "Let scans skip one live token until a date."),
        "export": (
            "tokenguard.cli.fingerprints:export",
            ("Write the vendors' token formats as rules for another scanner."),
        ),
    },
)
def fingerprints() -> None:
    """Keyed fingerprints of the team's tokens, by which `scan` and the hook find them, also encoded.

    A bundle holds fingerprints and opaque ids, no value and no name. It contains only values of at least 112 bits. A
    waiver in it names the responsible team and the reason.
    """


@command("publish")
@click.argument("bundle", metavar="[FILE]", required=False, type=PATH)
@click.option(
    "--key-file",
    required=True,
    type=PATH,
    help="The publisher's signing key.",
)
@create_key_option
@click.option(
    "--to-store", is_flag=True, help="Publish the bundle and its scan key in the store, for `pull --from store`."
)
@click.option(
    "--public-code",
    multiple=True,
    metavar="PATH",
    type=PATH,
    help="Public code: values that occur in it are excluded. Default: Python's own library.",
)
@pass_wiring
def publish(
    wiring: Wiring,
    bundle: Path | None,
    key_file: Path,
    public_code: tuple[Path, ...],
    *,
    create_key: bool,
    to_store: bool,
) -> None:
    """Write FILE from all values of the store, and show the scan key that reads it.

    A value counts as live until it is proven dead; earlier published values that are gone from the store are kept as
    revoked. Give the scan key to developers and builds as TOKENGUARD_SCAN_KEY; the scan key is not secret; the key file
    is.
    """
    if bundle is None and not to_store:
        raise InputError("no destination to publish to", hint="give FILE, --to-store, or both")
    publisher = open_publisher(key_file, create=create_key)
    outlets = BundleTargets(publisher, wiring.store if to_store else None, bundle, wiring.clock)
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
    """Write the vendors' token formats, including Descript's and Autoposting's, as rules for SCANNER.

    Contains no fingerprints.
    """
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
        f"{where}: version {bundle.version}, {pluralize(len(bundle.entries), 'value')}, "
        f"{pluralize(len(bundle.waivers), 'waiver')}, valid until {bundle.expires[:10]}"
    )
    for name in publication.not_covered:
        wiring.screen.line(f"not covered: {name} (fewer than 112 random bits)")
    for name in publication.public:
        wiring.screen.line(f"refused: {name} (its value occurs in public code)")
    wiring.screen.line(f"{SCAN_KEY_VARIABLE}={scan_key}")
