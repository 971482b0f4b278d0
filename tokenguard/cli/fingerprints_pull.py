"""`fingerprints pull`: fetch the published bundle from a file, an https address or the store."""

from pathlib import Path

import click

from tokenguard.cli.base import PATH, command, pass_wiring
from tokenguard.errors import InputError
from tokenguard.ports.shared_item import Item, shared_items_of
from tokenguard.scanning.bundle import SCAN_KEY_VARIABLE, Bundle, ScanKey, read_scan_key
from tokenguard.scanning.fetching import fetch_bundle, is_address, read_bundle_file
from tokenguard.scanning.known_token_stage import keep
from tokenguard.shell.scan_key import remember_scan_key
from tokenguard.shell.wiring import Wiring
from tokenguard.text import pluralize

STORE = "store"


@command("pull")
@click.argument("file", metavar="[FILE]", required=False, type=PATH)
@click.option("--from", "source", metavar="URL|PATH|store", help="An https address, a file, or the store.")
@pass_wiring
def pull(wiring: Wiring, file: Path | None, *, source: str | None) -> None:
    """Verify signature and version of a bundle, and save it for `scan` and the hook.

    If neither FILE nor --from is given, the source is `bundle` under [scan] in the configuration. The scan key is
    TOKENGUARD_SCAN_KEY, otherwise the one that an earlier pull saved in the OS keyring; with --from store, also the key
    published with the bundle. The key is saved in the OS keyring, if there is one.
    """
    if file is not None and source:
        raise InputError("more than one source is given", hint="give FILE or --from")
    place = str(file) if file is not None else source or wiring.settings.scan.bundle
    if not place:
        raise InputError("no source is given", hint="give FILE, --from URL or --from store, or set [scan] bundle")
    data = _fetched(wiring, place)
    key = _key(wiring, place)
    bundle = keep(data, key)
    _report(wiring, bundle, kept=remember_scan_key(key))


def _fetched(wiring: Wiring, place: str) -> bytes:
    if place == STORE:
        found = shared_items_of(wiring.store).read(Item.FINGERPRINTS)
        if found is None:
            raise InputError("the store has no published bundle", hint="`tokenguard fingerprints publish --to-store`")
        return found.data
    if not is_address(place):
        return read_bundle_file(Path(place))
    settings = wiring.settings
    return fetch_bundle(place, wiring.clock, proxy=settings.proxy, ca_bundle=settings.ca_bundle)


def _key(wiring: Wiring, place: str) -> ScanKey:
    """The key pinned on this machine; without one, and if the bundle comes from the store, the store's."""
    key = wiring.scan_key()
    if key is None and place == STORE:
        found = shared_items_of(wiring.store).read(Item.SCAN_KEY)
        key = read_scan_key(found.data.decode("utf-8", "replace")) if found else None
    if key is None:
        raise InputError("no scan key", hint=f"set {SCAN_KEY_VARIABLE} to what `fingerprints publish` showed")
    return key


def _report(wiring: Wiring, bundle: Bundle, *, kept: bool) -> None:
    live = sum(not entry.revoked_on for entry in bundle.entries)
    if wiring.screen.as_json:
        wiring.screen.document(
            {
                "version": bundle.version,
                "expires": bundle.expires,
                "entries": len(bundle.entries),
                "waivers": len(bundle.waivers),
                "key_kept": kept,
            }
        )
        return
    wiring.screen.line(
        f"version {bundle.version}: {pluralize(live, 'live value')}, {len(bundle.entries) - live:,} revoked, "
        f"{pluralize(len(bundle.waivers), 'waiver')}, valid until {bundle.expires[:10]}"
    )
    if kept:
        wiring.screen.line("the scan key is saved in the OS keyring")
    else:
        now = ", as it is now" if SCAN_KEY_VARIABLE in wiring.environ else ""
        wiring.screen.line(
            f"the scan key is not saved, since there is no OS keyring: set {SCAN_KEY_VARIABLE} for scans{now}"
        )
